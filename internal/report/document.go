package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/report/pictures"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A document is a report as people read it: text, Markdown and HTML print it.
// Its one-line strings are clean; prose, which may have paragraphs, is cleaned by
// what breaks it into lines.
type document struct {
	Version   string
	Totals    string
	Captures  []captureRow
	Notes     []string
	Taps      []string
	Grids     []grid // of --time
	Sections  []section
	Omissions []string // sentences about findings that are not printed

	FlowRows  [][]string // the connections, below their titles, if asked for
	MoreFlows string     // a sentence about those that are not listed
	Timeline  []string   // of the one connection that was asked for, in Markdown
}

// A captureRow is one input.
type captureRow struct {
	File, Format    string
	Packets         uint64
	First, Duration string   // empty without packets
	Warnings        []string // reasons to trust it less
}

// A section is a group of findings, or one.
type section struct {
	Number   int  // from 1
	Full     bool // there is more than what the summary says
	Word     string
	Class    string // "slug/outcome"
	Title    string // of the finding, or the summary of several
	Summary  string
	Who      string // whom the first finding is about: an endpoint, or the path
	Time     moment // of the first finding
	Count    uint64
	Findings []finding // in full
	Others   []listed  // a line each
	Omitted  uint64    // findings that are not in full
	More     uint64    // of these, not printed at all
	Advice   []term    // what applies to all its findings
}

// A finding is one finding in full.
type finding struct {
	listed
	ID       string
	Message  string
	Ends     [2]end // the opener's first
	When     string
	Doubt    []term // of what is undecided
	Details  []term
	Frames   []frameRow
	Evidence uint64 // frames, those omitted from Frames included
	Filters  []filter
	Ladder   []ladderLine // with both taps
	Whole    string       // a filter for the whole connection

	// Known if the capture was read again for an HTML page.
	Figures  []*pictures.Figure
	HasState bool // the frames have states
	Bounded  bool // some state is only an upper bound
}

// A listed finding is what one line says about it.
type listed struct {
	Ordinal    string // "2 of 14"
	Connection string
	Time       moment
	States     string
	Flow       uint64
}

// A moment is a time since the trace began, and as a date.
type moment struct{ Offset, Instant string }

// An end is one end of the connection when the finding was made.
type end struct{ Party, Name, Endpoint, State, Role string }

// A term is a word and prose about it.
type term struct{ Word, Text string }

// A builder makes the parts of a document.
type builder struct {
	r       *result.Report
	o       *Options
	figured int // findings that may have pictures
}

// newDocument makes a document of the groups, which are those of the report in
// the order in which they are printed.
func newDocument(r *result.Report, o *Options, groups []*group) *document {
	b := &builder{r: r, o: o}
	d := &document{Version: o.Version, Totals: Clean(totalsSentence(r, o)), Omissions: omissions(r, groups, o)}
	if o.Time {
		d.Grids = timeGrids(r)
	}
	for i := range r.Captures {
		d.Captures = append(d.Captures, newCaptureRow(&r.Captures[i]))
	}
	d.Taps = tapLines(r)
	for _, n := range r.Notes {
		d.Notes = append(d.Notes, Clean(n.Message))
	}
	for _, g := range groups {
		if g.detail != counted {
			d.Sections = append(d.Sections, b.section(g, len(d.Sections)+1))
		}
	}
	if o.Flows && o.page {
		var more uint64
		d.FlowRows, more = b.flowRows()
		d.MoreFlows = moreFlows(more)
	}
	return d
}

func newCaptureRow(c *result.Capture) captureRow {
	row := captureRow{File: Clean(c.File), Format: c.Format, Packets: c.Packets}
	if c.Compression != "" {
		row.Format += " (" + c.Compression + ")"
	}
	row.Format = Clean(strings.Join(append([]string{row.Format}, c.LinkTypes...), ", "))
	if c.Packets > 0 {
		row.First, row.Duration = quantity.Instant(c.Span.First), quantity.Duration(c.Span.Last-c.Span.First)
	}
	for _, w := range c.Warnings {
		row.Warnings = append(row.Warnings, Clean(w))
	}
	if c.Drops > 0 {
		row.Warnings = append(row.Warnings, "the capturing system reports "+quantity.Count(c.Drops, "dropped packet"))
	}
	return row
}

func (b *builder) section(g *group, number int) section {
	first, all := g.findings[0], g.full()
	doc := b.o.doc(g.advises())
	s := section{
		Number: number, Full: g.detail == full, Word: g.word(), Class: g.class.String(), Summary: g.summary(b.o.Names),
		Title: oneLine(b.o.Names.respell(first.Title)), Who: whose(first) + b.o.whoseName(first), Time: b.moment(first.Start),
		Count: uint64(len(g.findings)),
	}
	if len(g.findings) > 1 {
		s.Title = s.Summary
	}
	if !s.Full {
		return s
	}
	s.Advice = b.terms(term{"Cause", doc.Cause}, term{"Action", doc.Action}, term{lookAlikes, doc.NotThis}, term{"Wireshark", g.wireshark(doc)},
		term{"See", strings.Join(b.references(doc, g.detector), ", ")})
	shown := max(len(all), min(g.quota.brief, len(g.findings)))
	for i, f := range g.findings[:shown] {
		l := b.listed(f, strconv.Itoa(i+1)+" of "+quantity.Thousands(s.Count))
		if i < len(all) {
			s.Findings = append(s.Findings, b.finding(f, l))
		} else {
			s.Others = append(s.Others, l)
		}
	}
	s.Omitted, s.More = uint64(len(g.findings)-len(all)), uint64(len(g.findings)-shown)
	return s
}

// references are where to read on. A page may have readers without the command.
func (b *builder) references(doc detectors.Doc, detector string) []string {
	if b.o.page {
		return doc.Refs
	}
	return append(slices.Clone(doc.Refs), "tcptrace --explain "+detector)
}

func (b *builder) listed(f *result.Finding, ordinal string) listed {
	sides := openerFirst(f.Flow)
	states := b.o.Names.State(f.States[sides[0]]) + "/" + b.o.Names.State(f.States[sides[1]])
	return listed{ordinal, connection(f.Flow), b.moment(f.Start), states, f.Flow.ID}
}

func (b *builder) finding(f *result.Finding, l listed) finding {
	v := finding{
		listed: l, ID: f.ID, When: l.Time.Instant, Message: b.o.Names.respell(f.Message),
		Evidence: uint64(len(f.Evidence)), Filters: displayFilters(b.r, b.o, f), Whole: wholeFilter(f.Flow),
	}
	for i, side := range openerFirst(f.Flow) {
		v.Ends[i] = end{party(f.Flow, side), name(f.Flow, side), b.o.endpoint(f.Flow, side), b.o.Names.State(f.States[side]), roles(f, side)}
	}
	if f.End > f.Start {
		v.When += ", for " + quantity.Duration(f.End-f.Start)
	}
	if f.Verdict == detectors.Undecided {
		v.Doubt = b.terms(term{"Undecided", f.Reason}, term{"Severity", f.Severity.String() + ", if confirmed"})
	}
	var also []string
	for _, file := range f.Also {
		also = append(also, b.o.file(b.r, &reassembly.Segment{File: file}))
	}
	v.Details = b.terms(term{"Also in", strings.Join(also, ", ")}, term{"Measured", measured(f.Metrics)}, term{"Limits", limits(f.Limits)}, term{"Socket", b.o.socketLines(f.Flow, f.Sockets)}, term{"Kernel", b.o.kernelLines(b.r, f)})
	v.Ladder = b.ladder(f)
	b.figured++
	d := b.o.Pictures.of(f)
	v.Figures = d.figures(f, "p"+strconv.Itoa(b.figured))
	b.frames(&v, f, d)
	return v
}

// terms are those with something to say.
func (b *builder) terms(all ...term) (terms []term) {
	for _, t := range all {
		if strings.TrimSpace(t.Text) != "" {
			terms = append(terms, term{t.Word, b.o.Names.respell(t.Text)})
		}
	}
	return terms
}

// lookAlikes is the term that only pages with room have.
const lookAlikes = "Look-alikes"

func (b *builder) moment(at int64) moment {
	return moment{quantity.Seconds(at-b.r.Trace.First) + " s", quantity.Instant(at)}
}

// oneLine is text from outside as a heading.
func oneLine(s string) string { return Clean(strings.Join(strings.Fields(s), " ")) }

// paragraphs are the parts of a text between empty lines.
func paragraphs(text string) (list []string) {
	for _, p := range strings.Split(text, "\n\n") {
		if p = oneLine(p); p != "" {
			list = append(list, p)
		}
	}
	return list
}
