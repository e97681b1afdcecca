package report

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// CSV writes a line for each finding, or for each connection if Options.Flows
// is set, below a line of column names: those of JSON, where a dot stands
// between a name and what is inside it.
func CSV(w io.Writer, r *result.Report, o Options) error {
	out := csv.NewWriter(w)
	if o.Flows {
		writeFlowCells(out, r)
	} else {
		writeFindingCells(out, r, &o)
	}
	out.Flush()
	return out.Error()
}

// flowColumnNames are the fields of JSON's rows, in their order.
var flowColumnNames = []string{
	"id", "a", "b", "initiator", "state_a", "state_b", "bounded_a", "bounded_b", "ending", "first", "last",
	"packets_a2b", "packets_b2a", "bytes_a2b", "bytes_b2a", "retransmissions_a2b", "retransmissions_b2a",
	"rtt_s", "history", "limits", "copies",
}

func writeFlowCells(out *csv.Writer, r *result.Report) {
	_ = out.Write(flowColumnNames) // csv keeps the error for Error
	row := make([]string, 0, len(flowColumnNames))
	for i := range r.Flows {
		f := &r.Flows[i]
		row = append(row[:0], unsigned(f.ID), f.End[reassembly.A].String(), f.End[reassembly.B].String(),
			f.Initiator.String(), f.State[reassembly.A].String(), f.State[reassembly.B].String(),
			strconv.FormatBool(f.Bounded[reassembly.A]), strconv.FormatBool(f.Bounded[reassembly.B]),
			f.Ending, timestamp(f.First), timestamp(f.Last),
			unsigned(f.Packets[reassembly.A]), unsigned(f.Packets[reassembly.B]),
			unsigned(f.Bytes[reassembly.A]), unsigned(f.Bytes[reassembly.B]),
			unsigned(f.Rexmits[reassembly.A]), unsigned(f.Rexmits[reassembly.B]),
			roundTrip(f), f.History, f.Limits.String(), unsigned(f.Copies))
		writeCells(out, row)
	}
}

// findingColumnNames come before the roles and metrics, which differ between
// detectors. file and frame are the anchor's.
var findingColumnNames = []string{
	"id", "detector", "outcome", "verdict", "reason", "severity", "flow", "culprit", "a", "b", "state_a", "state_b",
	"start", "end", "title", "message", "cause", "action", "limits", "references", "file", "frame", "frames",
}

func writeFindingCells(out *csv.Writer, r *result.Report, o *Options) {
	roles, metrics := namesUsed(r)
	header := slices.Clone(findingColumnNames)
	for _, name := range roles {
		header = append(header, "roles."+name)
	}
	for _, name := range metrics {
		header = append(header, "metrics."+name)
	}
	writeCells(out, header)
	for i := range r.Findings {
		f := &r.Findings[i]
		row := findingCells(r, o, f)
		for _, name := range roles {
			row = append(row, roleCell(f, name))
		}
		for _, name := range metrics {
			row = append(row, metricCell(f, name))
		}
		writeCells(out, row)
	}
}

func findingCells(r *result.Report, o *Options, f *result.Finding) []string {
	doc, ends, anchor := o.doc(f.Detector, f.Outcome), f.Flow.End, &f.Evidence[0].Seg
	frames := make([]string, len(f.Evidence))
	for i := range f.Evidence {
		frames[i] = strconv.Itoa(int(f.Evidence[i].Seg.Frame))
	}
	return []string{
		f.ID, f.Detector, f.Outcome, f.Verdict.String(), f.Reason, f.Severity.String(), unsigned(f.Flow.ID),
		ends[f.Culprit].String(), ends[reassembly.A].String(), ends[reassembly.B].String(),
		f.States[reassembly.A].String(), f.States[reassembly.B].String(),
		timestamp(f.Start), timestamp(f.End), f.Title, f.Message, doc.Cause, doc.Action,
		f.Limits.String(), strings.Join(doc.Refs, ", "),
		o.file(r, anchor), strconv.Itoa(int(anchor.Frame)), strings.Join(frames, " "),
	}
}

// namesUsed are the roles and metrics of all findings, in order of appearance.
func namesUsed(r *result.Report) (roles, metrics []string) {
	known := map[string]bool{}
	add := func(list *[]string, kind, name string) {
		if !known[kind+name] {
			known[kind+name] = true
			*list = append(*list, name)
		}
	}
	for i := range r.Findings {
		for _, role := range r.Findings[i].Roles {
			add(&roles, "role ", role.Name)
		}
		for _, m := range r.Findings[i].Metrics {
			add(&metrics, "metric ", m.Name)
		}
	}
	return roles, metrics
}

func roleCell(f *result.Finding, name string) string {
	for _, role := range f.Roles {
		if role.Name == name {
			return f.Flow.End[role.Side].String()
		}
	}
	return ""
}

func metricCell(f *result.Finding, name string) string {
	for _, m := range f.Metrics {
		if m.Name != name {
			continue
		}
		if s, ok := m.Value.(string); ok {
			return s
		}
		return string(appendMetricValue(nil, m.Value))
	}
	return ""
}

// writeCells writes a line with every cell made harmless, in place.
func writeCells(out *csv.Writer, row []string) {
	for i, c := range row {
		row[i] = plainCell(c)
	}
	_ = out.Write(row) // csv keeps the error for Error
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

// timestamp is RFC 3339 without JSON's quotes.
func timestamp(ns int64) string { return strings.Trim(string(appendTime(nil, ns)), `"`) }

// roundTrip is the RTT in seconds, empty if it is unknown.
func roundTrip(f *result.Flow) string {
	if f.RTT == 0 {
		return ""
	}
	return string(appendSeconds(nil, f.RTT))
}
