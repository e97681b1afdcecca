package report

import (
	"io"
	"strconv"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// FindingText writes one finding of a live capture as it is told; r holds where
// the trace begins and its captures.
func FindingText(w io.Writer, r *result.Report, f *result.Finding, o Options) error {
	t := newTextWriter(w, r, &o)
	g := &group{class: class{f.Detector, f.Outcome, f.Verdict}, severity: f.Severity}
	head := []string{t.verdict(g), "  ", t.paint.strong(g.class.String()), "  ", party(f, f.Culprit), "  at ", instant(f.Start)}
	if f.Revision > 1 {
		head = append(head, "  (was told before: revision ", strconv.Itoa(f.Revision), ")")
	}
	t.line(head...)
	t.finding(f)
	if f.Revision == 1 && f.Verdict == detectors.Seen {
		t.label("Action", t.o.doc(f.Detector, f.Outcome).Action)
	}
	t.line("")
	return t.out.Flush()
}

// FindingNDJSON writes the line of one finding of a live capture.
func FindingNDJSON(w io.Writer, r *result.Report, f *result.Finding, o Options) error {
	out := newJSONWriter(w)
	ndjsonRows(out, "finding", []result.Finding{*f}, liveFields(r, &o))
	return out.Flush()
}

// ClosingNDJSON writes the lines of a live capture's report that are not yet
// told: its connections, and the summary.
func ClosingNDJSON(w io.Writer, r *result.Report, o Options) error {
	out := newJSONWriter(w)
	ndjsonRows(out, "flow", r.Flows, appendFlow)
	out.write(func(b []byte) []byte { return appendSummary(b, r, &o) })
	return out.Flush()
}

// liveFields are those of a finding that may come again.
func liveFields(r *result.Report, o *Options) func([]byte, *result.Finding) []byte {
	fields := findingFields{r: r, o: o}
	return func(b []byte, f *result.Finding) []byte {
		b = fields.append(b, f)
		b = strconv.AppendInt(appendKey(b, "revision"), int64(f.Revision), 10)
		return appendBoolField(b, "final", f.Final)
	}
}
