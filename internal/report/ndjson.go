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
	ndjsonRows(out, "finding", r.Findings, liveFields(r, &o))
	ndjsonRows(out, "flow", r.Flows, appendFlow)
	out.write(func(b []byte) []byte { return appendSummary(b, r, &o) })
	return out.Flush()
}

// ndjsonRows writes a line for each value.
func ndjsonRows[T any](w *jsonWriter, kind string, values []T, fields func([]byte, *T) []byte) {
	for i := range values {
		b := appendStringField(append(w.row[:0], '{'), "type", kind)
		w.row = append(fields(b, &values[i]), "}\n"...)
		_, _ = w.Write(w.row)
	}
}

// appendSummary appends the line of what is neither finding nor connection.
func appendSummary(b []byte, r *result.Report, o *Options) []byte {
	b = appendStringField(append(b, '{'), "type", "summary")
	b = appendStringField(b, "schema", reportSchema)
	b = appendTool(b, o)
	b = appendOptions(b, r.Options)
	b = append(appendKey(b, "captures"), '[')
	for i := range r.Captures {
		b = append(appendComma(b), '{')
		b = append(appendCapture(b, &r.Captures[i]), '}')
	}
	b = append(b, ']')
	b = appendTrace(b, r)
	b = appendTotals(b, &r.Totals)
	b = appendNotes(b, r.Notes)
	return append(b, "}\n"...)
}
