package report

import (
	"io"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// NDJSON writes one object a line: the findings, the connections that the
// report holds, and a summary at the end. A finding of a live capture may come
// again with a higher revision, until it is final.
func NDJSON(w io.Writer, r *result.Report, o Options) error {
	out := newJSONWriter(w)
	lines(out, "finding", r.Findings, fields{r: r, o: &o}.live)
	return out.closing(r, &o)
}

// FindingNDJSON writes the line of one finding of a live capture.
func FindingNDJSON(w io.Writer, r *result.Report, f *result.Finding, o Options) error {
	out := newJSONWriter(w)
	lines(out, "finding", []result.Finding{*f}, fields{r: r, o: &o}.live)
	return out.Flush()
}

// ClosingNDJSON writes the lines of a live capture's report that were not
// written before: its connections, and the summary.
func ClosingNDJSON(w io.Writer, r *result.Report, o Options) error {
	return newJSONWriter(w).closing(r, &o)
}

func (w *jsonWriter) closing(r *result.Report, o *Options) error {
	lines(w, "flow", r.Flows, fields{r: r, o: o}.flow)
	lines(w, "summary", []result.Report{*r}, func(b object, r *result.Report) object {
		b = b.head(r, o).open("captures", '[')
		for i := range r.Captures {
			b = b.element().capture(&r.Captures[i]).close('}')
		}
		b = b.close(']').trace(r).totals(&r.Totals).notes(r.Notes).open("taps", '[')
		for i := range r.Taps {
			b = b.element().tap(&r.Taps[i]).close('}')
		}
		return b.close(']')
	})
	return w.Flush()
}

// lines writes a line for each value.
func lines[T any](w *jsonWriter, kind string, values []T, fields func(object, *T) object) {
	for i := range values {
		w.write(func(b object) object {
			return append(fields(append(b, '{').str("type", kind), &values[i]), "}\n"...)
		})
	}
}
