package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A section is a group of findings, or one.
type section struct {
	summaryRow
	Findings []findingPart
	Others   []otherRow
	More     string
	Advice   []term
}

// A findingPart is one finding in full.
type findingPart struct {
	Heading string // in a group of several
	Message []string
	Ends    []endRow
	Figures []*figure
	Ladder  *ladder
	Terms   []term
	Filters []filterRow
}

// An endRow is one end of the connection, as the verdict found it.
type endRow struct{ Party, State, Part string }

// A term is a word and what is said to it, in paragraphs.
type term struct {
	Word string
	Text []string
}

// A filterRow is a display filter; File is empty where there is only one.
type filterRow struct{ Filter, File string }

// An otherRow is a finding of a group that is told in one line.
type otherRow struct{ Connection, Start, States, ID string }

func (p *page) section(g *group, row summaryRow) section {
	s := section{summaryRow: row, Advice: p.advice(g)}
	for i, f := range g.findings[:g.inFull()] {
		told := p.finding(f)
		if len(g.findings) > 1 {
			told.Heading = fmt.Sprintf("%s: %s", ordinal(i, g), connection(f.Flow))
		}
		s.Findings = append(s.Findings, told)
	}
	last := max(g.inFull(), min(g.room.brief, len(g.findings)))
	for _, f := range g.findings[g.inFull():last] {
		first := opener(f.Flow)
		s.Others = append(s.Others, otherRow{
			connection(f.Flow), offset(f.Start-p.r.Trace.First) + " s",
			p.o.Names.State(f.States[first]) + "/" + p.o.Names.State(f.States[first.Peer()]), thousands(f.Flow.ID),
		})
	}
	if more := len(g.findings) - last; more > 0 {
		s.More = "… and " + count(uint64(more), "more connection") + ": --format json lists them"
	}
	return s
}

func (p *page) finding(f *result.Finding) findingPart {
	k := p.o.Pictures.of(f)
	told := findingPart{Message: paragraphs(p.o.Names.respell(f.Message)), Ladder: p.ladder(f, k), Figures: k.figures(f, p.nextID())}
	for _, side := range [...]reassembly.Side{opener(f.Flow), opener(f.Flow).Peer()} {
		told.Ends = append(told.Ends, endRow{party(f, side), p.o.Names.State(f.States[side]), part(f, side)})
	}
	told.add("When", period(f))
	if f.Verdict == detectors.Undecided {
		told.add("Undecided", f.Reason)
		told.add("Severity", f.Severity.String()+", if it is so")
	}
	told.add("Measured", measured(f.Metrics))
	told.add("Limits", strings.Join(limitLines(f.Limits), "\n\n"))
	told.add("Finding", fmt.Sprintf("%s, connection %d", f.ID, f.Flow.ID))
	files, filters := displayFilters(p.r, p.o, f)
	for i := range filters {
		row := filterRow{Filter: filters[i]}
		if len(p.r.Captures) > 1 {
			row.File = Clean(files[i])
		}
		told.Filters = append(told.Filters, row)
	}
	return told
}

// nextID begins the ids of another finding's pictures.
func (p *page) nextID() string {
	p.drawn++
	return "p" + strconv.Itoa(p.drawn)
}

// add adds a term, if there is anything to say.
func (p *findingPart) add(word, text string) {
	p.Terms = appendTerm(p.Terms, word, text)
}

func appendTerm(terms []term, word, text string) []term {
	if list := paragraphs(text); len(list) > 0 {
		return append(terms, term{word, list})
	}
	return terms
}

// advice is what holds for all findings of a group.
func (p *page) advice(g *group) (terms []term) {
	doc := p.o.doc(g.detector, g.outcome)
	terms = appendTerm(terms, "Cause", doc.Cause)
	terms = appendTerm(terms, "Action", doc.Action)
	terms = appendTerm(terms, "Not this", doc.NotThis)
	terms = appendTerm(terms, "Wireshark", g.peers(doc))
	return appendTerm(terms, "See", strings.Join(append(append([]string(nil), doc.Refs...), "tcptrace --explain "+g.detector), ", "))
}
