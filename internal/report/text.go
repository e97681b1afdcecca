package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// Text writes the report for a terminal and a ticket: the connections if asked
// for, the findings, and the totals.
func Text(w io.Writer, r *result.Report, o Options) error {
	t := newTextWriter(w, r, &o)
	if o.Flows {
		t.flowTable()
		t.line("")
	}
	d := newDocument(r, &o, screenful(r, &o))
	t.grids(d.Grids)
	for i := range d.Sections {
		if i > 0 && (d.Sections[i].Full || d.Sections[i-1].Full) {
			t.line("")
		}
		t.section(&d.Sections[i])
	}
	for _, omitted := range d.Omissions {
		t.line(omitted)
	}
	if len(d.Sections) > 0 {
		t.line("")
	}
	t.totals(d)
	return t.out.Flush()
}

// FindingText writes one finding of a live capture when it is made; r holds the
// beginning of the trace and its captures.
func FindingText(w io.Writer, r *result.Report, f *result.Finding, o Options) error {
	t, b := newTextWriter(w, r, &o), builder{r: r, o: &o}
	s := b.section(&group{class: class{f.Detector, f.Outcome, f.Verdict}, severity: f.Severity, findings: []*result.Finding{f}, quota: repeatQuota}, 1)
	head := []string{t.verdict(s.Word), "  ", t.strong(s.Class), "  ", s.Who, "  at ", s.Time.Instant}
	if f.Revision > 1 {
		head = append(head, "  (update: revision ", strconv.Itoa(f.Revision), ")")
	}
	t.line(head...)
	t.finding(&s.Findings[0])
	if f.Revision == 1 && f.Verdict == detectors.Seen {
		t.terms(slices.DeleteFunc(s.Advice, func(a term) bool { return a.Word != "Action" }))
	}
	t.line("")
	return t.out.Flush()
}

// A textWriter writes lines; errors wait in out for Flush.
type textWriter struct {
	out     *bufio.Writer
	r       *result.Report
	o       *Options
	palette map[string]*color.Color
}

// newTextWriter sets colours one by one: the package's global switch belongs to
// the owner of the terminal. Nothing is shown by colour alone.
func newTextWriter(w io.Writer, r *result.Report, o *Options) *textWriter {
	palette := map[string]*color.Color{
		"info": color.New(color.FgCyan, color.Bold), "warning": color.New(color.FgYellow, color.Bold),
		"critical": color.New(color.FgRed, color.Bold), "undecided": color.New(color.FgMagenta, color.Bold),
		"strong": color.New(color.Bold),
	}
	for _, c := range palette {
		if o.Color {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	return &textWriter{bufio.NewWriterSize(w, 1<<16), r, o, palette}
}

func (t *textWriter) line(parts ...string) {
	for _, p := range parts {
		_, _ = t.out.WriteString(p)
	}
	_ = t.out.WriteByte('\n')
}

func (t *textWriter) lines(indent string, lines []string) {
	for _, l := range lines {
		t.line(indent, l)
	}
}

func (t *textWriter) strong(word string) string { return t.palette["strong"].Sprint(word) }

// verdict is the word that the eye looks for first.
func (t *textWriter) verdict(word string) string {
	return t.palette[word].Sprint(strings.ToUpper(word))
}

// section writes a group in as much detail as it has. A group of one is just
// that finding.
func (t *textWriter) section(s *section) {
	switch {
	case !s.Full:
		t.headline(s.Word, s.Class, s.Summary, plain, plain)
		return
	case s.Count == 1:
		t.headline(s.Word, s.Class, s.Who+"  at "+s.Time.Offset, t.strong, plain)
		t.finding(&s.Findings[0])
	default:
		t.headline(s.Word, s.Class, s.Summary, t.strong, t.strong)
		t.members(s)
		t.line("")
	}
	for _, a := range s.Advice {
		if a.Word != lookAlikes {
			t.label(a.Word, a.Text)
		}
	}
}

func plain(s string) string { return s }

// headline is a verdict, and what it is about: on a terminal in a line of its own, if it does not fit.
func (t *textWriter) headline(word, class, about string, classStyle, aboutStyle func(string) string) {
	if t.o.Width == 0 || utf8.RuneCountInString(word+"  "+class+"  "+about) <= t.o.width() {
		t.line(t.verdict(word), "  ", classStyle(class), "  ", aboutStyle(about))
		return
	}
	t.line(t.verdict(word), "  ", classStyle(class))
	for _, l := range wrap(about, t.o.width()-2) {
		t.line("  ", aboutStyle(l))
	}
}

// members writes the findings of a group of several.
func (t *textWriter) members(s *section) {
	for i := range s.Findings {
		f := &s.Findings[i]
		t.line("")
		t.line("  ", f.Ordinal, "  ", f.Connection, "  at ", f.Time.Offset)
		t.finding(f)
	}
	if len(s.Others) == 0 {
		return
	}
	var rows [][]string
	for _, f := range s.Others {
		rows = append(rows, []string{f.Ordinal, f.Connection, "at " + f.Time.Offset, f.States, fmt.Sprintf("connection %d", f.Flow)})
	}
	t.line("")
	t.table("  ", rows, true)
	if s.More > 0 {
		t.line("  ... and ", quantity.Count(s.More, "more connection"), ": --format json lists them")
	}
}

// finding writes one finding below its verdict line.
func (t *textWriter) finding(f *finding) {
	t.lines("  ", wrap(f.Message, t.o.width()-2))
	t.line("")
	var rows [][]string
	for _, e := range f.Ends {
		row := []string{e.Name, e.Endpoint, e.State, e.Role}
		if e.Name == "" {
			row = row[1:]
		}
		rows = append(rows, row)
	}
	t.table("  ", rows)
	t.line("")
	t.table("    ", frameCells(f.Frames), true, true)
	t.line("")
	for _, l := range f.Ladder {
		t.line("  ", l.Text)
	}
	if len(f.Ladder) > 0 {
		t.line("")
	}
	t.terms(f.Doubt)
	t.label("When", fmt.Sprintf("%s; connection %d, finding %s", f.When, f.Flow, f.ID))
	t.terms(f.Details)
	var filters []string
	for _, l := range f.Filters {
		if len(t.r.Captures) > 1 {
			l.Filter += "  in " + l.File
		}
		filters = append(filters, l.Filter)
	}
	filters = append(filters, f.Whole+"  (whole connection)")
	t.label("Filter", strings.Join(filters, "\n\n"))
}

func (t *textWriter) terms(terms []term) {
	for _, d := range terms {
		t.label(d.Word, d.Text)
	}
}

// labelWidth fits "Undecided:" and "Wireshark:".
const labelWidth = 12

// label writes prose behind a label, or nothing if there is none.
func (t *textWriter) label(name, prose string) {
	head := t.strong(name+":") + padding(name+":", labelWidth)
	for _, l := range wrap(prose, t.o.width()-2-labelWidth) {
		if l != "" {
			t.line("  ", head, l)
			head = strings.Repeat(" ", labelWidth)
		}
	}
}

// hanging writes prose whose second line is indented.
func (t *textWriter) hanging(prose string) {
	for i, l := range wrap(prose, t.o.width()-2) {
		t.line(strings.Repeat("  ", min(i, 1)), l)
	}
}

// remark writes a sentence below a table, in one line but on a terminal.
func (t *textWriter) remark(s string) {
	if t.o.Width == 0 {
		t.line(s)
		return
	}
	t.hanging(s)
}

// totals writes the closing lines.
func (t *textWriter) totals(d *document) {
	t.lines("", wrap(d.Totals, t.o.width()))
	for _, tap := range d.Taps {
		t.hanging(tap)
	}
	for _, note := range d.Notes {
		t.hanging("Note: " + note)
	}
	for _, c := range d.Captures {
		for _, warning := range c.Warnings {
			t.line(t.palette["warning"].Sprint("Warning:"), " ", c.File, ": ", warning)
		}
	}
}
