package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Text writes the report for a terminal and a ticket: the connections if asked
// for, what was found, and the totals.
func Text(w io.Writer, r *result.Report, o Options) error {
	t := newTextWriter(w, r, &o)
	if o.Flows {
		t.flowTable()
		t.line("")
	}
	groups := screenful(r, o.Undecided)
	for i, g := range groups {
		if i > 0 && (g.detail == full || groups[i-1].detail == full) && g.detail != counted {
			t.line("")
		}
		t.group(g)
	}
	for _, omitted := range omissions(t.r, groups, t.o.Undecided) {
		t.line(omitted)
	}
	if len(groups) > 0 {
		t.line("")
	}
	t.totals()
	return t.out.Flush()
}

// A textWriter writes lines; errors wait in out for Flush.
type textWriter struct {
	out   *bufio.Writer
	r     *result.Report
	o     *Options
	paint palette
}

func newTextWriter(w io.Writer, r *result.Report, o *Options) *textWriter {
	return &textWriter{bufio.NewWriterSize(w, 1<<16), r, o, newPalette(o.Color)}
}

func (t *textWriter) line(parts ...string) {
	for _, p := range parts {
		_, _ = t.out.WriteString(p)
	}
	_ = t.out.WriteByte('\n')
}

// group writes a group in as much detail as it has been given. A group of one
// is just that finding.
func (t *textWriter) group(g *group) {
	switch {
	case g.detail == counted:
	case g.detail == brief:
		t.line(t.verdict(g), "  ", g.class.String(), "  ", g.summary(t.o.Names))
	case len(g.findings) == 1:
		f := g.findings[0]
		t.line(t.verdict(g), "  ", t.paint.strong(g.class.String()), "  ", party(f, f.Culprit), "  at ", t.start(f))
		t.finding(f)
		t.advice(g)
	default:
		t.line(t.verdict(g), "  ", t.paint.strong(g.class.String()), "  ", t.paint.strong(g.summary(t.o.Names)))
		t.members(g)
		t.line("")
		t.advice(g)
	}
}

// verdict is the word that the eye looks for first.
func (t *textWriter) verdict(g *group) string {
	word := strings.ToUpper(g.word())
	if g.verdict == detectors.Undecided {
		return t.paint.undecided(word)
	}
	return t.paint.severity(g.severity, word)
}

// members writes the findings of a group of several.
func (t *textWriter) members(g *group) {
	var rows [][]string
	for i, f := range g.findings {
		switch g.room.detail(i) {
		case full:
			t.line("")
			t.line("  ", ordinal(i, g), "  ", connection(f.Flow), "  at ", t.start(f))
			t.finding(f)
		case brief:
			rows = append(rows, []string{ordinal(i, g), connection(f.Flow), "at " + t.start(f), t.states(f), fmt.Sprintf("connection %d", f.Flow.ID)})
		}
	}
	if len(rows) == 0 {
		return
	}
	t.line("")
	for _, row := range table(rows, true) {
		t.line("  ", row)
	}
	if more := len(g.findings) - g.room.brief; more > 0 {
		t.line("  ... and ", count(uint64(more), "more connection"), ": --format json lists them")
	}
}

// ordinal is "2 of 14".
func ordinal(i int, g *group) string {
	return strconv.Itoa(i+1) + " of " + thousands(uint64(len(g.findings)))
}

// finding writes one finding below its verdict line.
func (t *textWriter) finding(f *result.Finding) {
	for _, l := range wrap(t.o.Names.respell(f.Message), lineWidth-2) {
		t.line("  ", l)
	}
	t.line("")
	for _, l := range table(t.parties(f)) {
		t.line("  ", l)
	}
	t.line("")
	for _, l := range frameLines(t.r, t.o, f) {
		t.line("    ", l)
	}
	t.line("")
	if f.Verdict == detectors.Undecided {
		t.label("Undecided", f.Reason)
		t.label("Severity", f.Severity.String()+", if it is so")
	}
	t.label("When", fmt.Sprintf("%s; connection %d, finding %s", period(f), f.Flow.ID, f.ID))
	t.label("Measured", measured(f.Metrics))
	t.label("Limits", limitLines(f.Limits)...)
	t.label("Filter", t.filters(f)...)
}

// advice writes what holds for all findings of a group.
func (t *textWriter) advice(g *group) {
	doc := t.o.doc(g.detector, g.outcome)
	t.label("Cause", doc.Cause)
	t.label("Action", doc.Action)
	t.label("Wireshark", g.peers(doc))
	t.label("See", strings.Join(append(slices.Clone(doc.Refs), "tcptrace --explain "+g.detector), ", "))
}

// labelWidth fits "Undecided:" and "Wireshark:".
const labelWidth = 12

// label writes paragraphs behind a label, or nothing if there are none.
func (t *textWriter) label(name string, paragraphs ...string) {
	head := t.paint.strong(name+":") + padding(name+":", labelWidth)
	for _, p := range paragraphs {
		if p == "" {
			continue
		}
		for _, l := range wrap(t.o.Names.respell(p), lineWidth-2-labelWidth) {
			t.line(strings.TrimRight("  "+head+l, " "))
			head = strings.Repeat(" ", labelWidth)
		}
	}
}

// start is when a finding begins, since the trace began.
func (t *textWriter) start(f *result.Finding) string { return offset(f.Start-t.r.Trace.First) + " s" }

// states is "FIN_WAIT_1/ESTABLISHED", the opener's first.
func (t *textWriter) states(f *result.Finding) string {
	first := opener(f.Flow)
	return t.o.Names.State(f.States[first]) + "/" + t.o.Names.State(f.States[first.Peer()])
}

// parties is a row for each end, the opener's first: name, endpoint, state,
// and its part in the fault.
func (t *textWriter) parties(f *result.Finding) [][]string {
	var rows [][]string
	for _, side := range [...]reassembly.Side{opener(f.Flow), opener(f.Flow).Peer()} {
		var row []string
		if f.Flow.Initiator != result.InitiatorUnknown {
			row = append(row, ends(f.Flow)[side])
		}
		rows = append(rows, append(row, f.Flow.End[side].String(), t.o.Names.State(f.States[side]), part(f, side)))
	}
	return rows
}

func (t *textWriter) filters(f *result.Finding) []string {
	files, filters := displayFilters(t.r, t.o, f)
	if len(t.r.Captures) > 1 {
		for i := range filters {
			filters[i] += "  in " + Clean(files[i])
		}
	}
	return filters
}

// period is when a finding began and how long it lasted.
func period(f *result.Finding) string {
	if f.End <= f.Start {
		return instant(f.Start)
	}
	return instant(f.Start) + ", for " + duration(f.End-f.Start)
}
