package report

import (
	"io"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// List writes the detectors, a line each: --list.
func List(w io.Writer, all []*detectors.Detector, o Options) error {
	t := newTextWriter(w, &result.Report{}, &o)
	rows := [][]string{{"DETECTOR", "SEVERITY", "WHAT WENT WRONG"}}
	for _, d := range all {
		rows = append(rows, []string{d.Name, severityRange(d), d.Doc.Title})
	}
	for _, l := range table(rows) {
		t.line(l)
	}
	t.line("")
	t.line("tcptrace --explain DETECTOR says more of each.")
	return t.out.Flush()
}

// severityRange is "info to critical", or the one that all outcomes have.
func severityRange(d *detectors.Detector) string {
	if len(d.Outcomes) == 0 {
		return ""
	}
	low, high := d.Outcomes[0].Severity, d.Outcomes[0].Severity
	for _, o := range d.Outcomes {
		low, high = min(low, o.Severity), max(high, o.Severity)
	}
	if low == high {
		return low.String()
	}
	return low.String() + " to " + high.String()
}

// Explain writes one detector's page: --explain. The sample is a scenario that
// it speaks up on, empty if there is none.
func Explain(w io.Writer, d *detectors.Detector, sample string, o Options) error {
	t := newTextWriter(w, &result.Report{}, &o)
	t.line(t.paint.strong(d.Name), ": ", d.Doc.Title)
	t.section("On the wire", d.Doc.What)
	t.section("Look-alikes", d.Doc.NotThis)
	t.section("Cause", d.Doc.Cause)
	t.section("Action", d.Doc.Action)
	t.section("Wireshark", d.Doc.Peers)
	t.outcomes(d.Outcomes)
	for _, o := range d.Outcomes {
		if o.Cause != "" || o.Action != "" {
			t.section("If it is "+o.Name, strings.TrimSpace(o.Cause+" "+o.Action))
		}
	}
	t.params(d)
	t.section("References", strings.Join(d.Doc.Refs, ", "))
	t.section("Since", d.Doc.Since)
	t.sample(sample)
	return t.out.Flush()
}

func (t *textWriter) heading(name string) {
	t.line("")
	t.line(t.paint.strong(name))
}

// section writes prose under a heading, or nothing.
func (t *textWriter) section(name, prose string) {
	if prose == "" {
		return
	}
	t.heading(name)
	for _, l := range wrap(t.o.Names.respell(prose), lineWidth-2) {
		t.line(strings.TrimRight("  "+l, " "))
	}
}

func (t *textWriter) outcomes(outcomes []*detectors.Outcome) {
	var rows [][]string
	for _, o := range outcomes {
		rows = append(rows, []string{o.Name, o.Severity.String(), o.When})
	}
	t.wrappedTable("Outcomes", rows)
}

func (t *textWriter) params(d *detectors.Detector) {
	var rows [][]string
	for _, p := range d.Params {
		value := strconv.FormatFloat(p.Default, 'f', -1, 64) + p.Unit
		rows = append(rows, []string{p.Name, value, p.Doc})
	}
	t.wrappedTable("Parameters (--set "+d.Name+".NAME=VALUE), with their defaults", rows)
}

// wrappedTable writes rows whose last cell is prose, wrapped within its column.
func (t *textWriter) wrappedTable(name string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	var lines [][]string
	for _, row := range rows {
		last := len(row) - 1
		for i, l := range wrap(t.o.Names.respell(row[last]), lineWidth-2-leading(rows)) {
			cells := make([]string, last, last+1)
			if i == 0 {
				copy(cells, row)
			}
			lines = append(lines, append(cells, l))
		}
	}
	t.heading(name)
	for _, l := range table(lines) {
		t.line("  ", l)
	}
}

// leading is the width of all columns before the last.
func leading(rows [][]string) int {
	width := 0
	for column := range len(rows[0]) - 1 {
		widest := 0
		for _, row := range rows {
			widest = max(widest, len(row[column]))
		}
		width += widest + 2
	}
	return width
}

func (t *textWriter) sample(text string) {
	if text == "" {
		return
	}
	t.heading("Sample")
	for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		t.line(strings.TrimRight("  "+Clean(strings.ReplaceAll(l, "\t", "    ")), " "))
	}
}
