package report

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// CSV writes a line for each finding, or for each connection if Options.Flows
// is set, below a line of column names: those of JSON, with a dot between a name
// and what is inside it.
func CSV(w io.Writer, r *result.Report, o Options) error {
	out := csv.NewWriter(w)
	write := func(row []string) {
		for i, c := range row {
			row[i] = plainCell(c)
		}
		_ = out.Write(row) // csv keeps the error for Error
	}
	if !o.Flows && !o.Time {
		findingRows(r, &o, write)
		out.Flush()
		return out.Error()
	}
	write(csvTitles(o.Time))
	out.Flush()
	return flowLines(w, o.flows(r), o.Time)
}

// findingRows have the roles and metrics last, which differ between detectors.
// file and frame are the anchor's.
func findingRows(r *result.Report, o *Options, write func([]string)) {
	header := []string{
		"id", "detector", "outcome", "verdict", "reason", "severity", "flow", "culprit", "a", "b", "state_a", "state_b",
		"start", "end", "title", "message", "cause", "action", "limits", "references", "file", "frame", "frames", "fault", "subject", "path",
	}
	var roles, metrics []string // in order of appearance
	findings := o.findings(r)
	for _, f := range findings {
		for _, role := range f.Roles {
			if name := "roles." + role.Name; !slices.Contains(roles, name) {
				roles = append(roles, name)
			}
		}
		for _, m := range f.Metrics {
			if name := "metrics." + m.Name; !slices.Contains(metrics, name) {
				metrics = append(metrics, name)
			}
		}
	}
	fixed := len(header)
	header = slices.Concat(header, roles, metrics)
	write(slices.Clone(header))
	for _, f := range findings {
		row := findingCells(r, o, f)
		for _, name := range header[fixed:] {
			row = append(row, namedCell(f, name))
		}
		write(row)
	}
}

func findingCells(r *result.Report, o *Options, f *result.Finding) []string {
	const A, B = reassembly.A, reassembly.B
	doc, ends, anchor := o.doc(f.Finding), f.Flow.End, &f.Evidence[0].Seg
	frames := make([]string, len(f.Evidence))
	for i := range f.Evidence {
		frames[i] = unsigned(r.FrameNumberOf(&f.Evidence[i].Seg))
	}
	between := ""
	if f.Fault == detectors.FaultPath {
		ends := pathOf(f)
		between = ends[0] + " " + ends[1]
	}
	return []string{
		f.ID, f.Detector, f.Outcome, f.Verdict.String(), f.Reason, f.Severity.String(), unsigned(f.Flow.ID),
		culprit(f), ends[A].String(), ends[B].String(), f.States[A].String(), f.States[B].String(),
		timestamp(f.Start), timestamp(f.End), f.Title, f.Message, doc.Cause, doc.Action, f.Limits.String(), strings.Join(doc.Refs, ", "),
		o.file(r, anchor), frames[0], strings.Join(frames, " "), f.Fault.String(), ends[f.Subject].String(), between,
	}
}

// namedCell is a role's endpoint or a metric's value; empty if the finding has
// none of that name.
func namedCell(f *result.Finding, column string) string {
	kind, name, _ := strings.Cut(column, ".")
	if kind == "roles" {
		if i := slices.IndexFunc(f.Roles, func(r detectors.Role) bool { return r.Name == name }); i >= 0 {
			return f.Flow.End[f.Roles[i].Side].String()
		}
		return ""
	}
	i := slices.IndexFunc(f.Metrics, func(m detectors.Metric) bool { return m.Name == name })
	if i < 0 {
		return ""
	}
	if s, ok := f.Metrics[i].Value.(string); ok {
		return s
	}
	return string(object(nil).metric(f.Metrics[i].Value))
}

// plainCell is a cell that no spreadsheet takes for a formula: they all take
// what begins with = + - or @, some what follows a tab or a carriage return
// (OWASP, CSV injection), or the full-width forms of these. An apostrophe in
// front means text to all of them.
func plainCell(s string) string {
	s = Clean(s)
	for _, mark := range [...]string{"=", "+", "-", "@", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(strings.TrimLeft(s, " "), mark) {
			return "'" + s
		}
	}
	return s
}

func unsigned(n uint64) string { return strconv.FormatUint(n, 10) }

func timestamp(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
