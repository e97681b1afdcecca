package report

import (
	"io"
	"slices"
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
	t.table("", rows)
	t.line("")
	t.line("tcptrace --explain DETECTOR describes one.")
	return t.out.Flush()
}

// severityRange is "info to critical", or the one that all outcomes have.
func severityRange(d *detectors.Detector) string {
	var all []detectors.Severity
	for _, o := range d.Outcomes {
		all = append(all, o.Severity)
	}
	if all == nil {
		return ""
	}
	low, high := slices.Min(all), slices.Max(all)
	if low == high {
		return low.String()
	}
	return low.String() + " to " + high.String()
}

// Explain writes one detector's page: --explain. The sample is a scenario in
// which it has a finding, empty if there is none.
func Explain(w io.Writer, d *detectors.Detector, sample string, o Options) error {
	t := newTextWriter(w, &result.Report{}, &o)
	t.line(t.strong(d.Name), ": ", d.Doc.Title)
	t.prose("On the wire", d.Doc.What)
	t.prose(lookAlikes, d.Doc.NotThis)
	t.prose("Cause", d.Doc.Cause)
	t.prose("Action", d.Doc.Action)
	t.prose("Wireshark", d.Doc.Peers)
	var outcomes, params [][]string
	for _, o := range d.Outcomes {
		outcomes = append(outcomes, []string{o.Name, o.Severity.String(), o.When})
	}
	for _, p := range d.Params {
		params = append(params, []string{p.Name, strconv.FormatFloat(p.Default, 'f', -1, 64) + p.Unit, p.Doc})
	}
	t.block("Outcomes", t.wrapped(outcomes))
	for _, o := range d.Outcomes {
		t.prose("If it is "+o.Name, strings.TrimSpace(o.Cause+" "+o.Action))
	}
	t.block("Parameters (--set "+d.Name+".NAME=VALUE), with their defaults", t.wrapped(params))
	t.prose("References", strings.Join(d.Doc.Refs, ", "))
	t.prose("Since", d.Doc.Since)
	if sample != "" {
		var lines []string
		for _, l := range strings.Split(strings.TrimRight(sample, "\n"), "\n") {
			lines = append(lines, Clean(strings.ReplaceAll(l, "\t", "    ")))
		}
		t.block("Sample", lines)
	}
	return t.out.Flush()
}

// prose writes paragraphs under a heading, or nothing.
func (t *textWriter) prose(heading, prose string) {
	if prose != "" {
		t.block(heading, wrap(t.o.Names.respell(prose), t.o.width()-2))
	}
}

// block writes indented lines under a heading, or nothing.
func (t *textWriter) block(heading string, lines []string) {
	if len(lines) == 0 {
		return
	}
	t.line("")
	t.line(t.strong(heading))
	for _, l := range lines {
		t.line(strings.TrimRight("  "+l, " "))
	}
}

// wrapped is a table of rows whose last cell is prose, which is wrapped within
// its column.
func (t *textWriter) wrapped(rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		widths = widen(widths, row)
	}
	room := t.o.width() - 2
	for _, width := range widths {
		room -= width + 2
	}
	var cells [][]string
	for _, row := range rows {
		last := len(row) - 1
		for _, l := range wrap(t.o.Names.respell(row[last]), room) {
			cells = append(cells, append(row[:last:last], l))
			row = make([]string, len(row))
		}
	}
	return table(cells)
}
