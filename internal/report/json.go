package report

import (
	"bufio"
	"io"
	"strconv"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

const (
	reportSchema = "tcptrace/report/v1"
	statesSchema = "tcptrace/states/v1"
)

// JSON writes the report as one object, with a line for each of its parts and
// for each connection, finding and frame: it streams, it can be searched with
// grep, and two reports can be compared with diff.
func JSON(w io.Writer, r *result.Report, o Options) error {
	return writeJSON(w, r, &o, func(*jsonWriter) {})
}

// writeJSON writes the object; more writes fields behind the usual ones.
func writeJSON(w io.Writer, r *result.Report, o *Options, more func(*jsonWriter)) error {
	out := newJSONWriter(w)
	out.write(func(b []byte) []byte {
		b = append(b, '{')
		b = appendStringField(b, "schema", reportSchema)
		b = appendTool(b, o)
		b = append(appendOptions(b, r.Options), ",\n "...)
		return append(appendKey(b, "captures"), '[')
	})
	jsonRows(out, r.Captures, appendCapture)
	out.write(func(b []byte) []byte {
		b = append(b, "],\n "...)
		b = append(appendTrace(b, r), ",\n "...)
		b = append(appendTotals(b, &r.Totals), ",\n "...)
		b = append(appendNotes(b, r.Notes), ",\n "...)
		return append(appendKey(b, "flows"), '[')
	})
	jsonRows(out, r.Flows, appendFlow)
	out.write(func(b []byte) []byte {
		b = append(b, "],\n "...)
		return append(appendKey(b, "findings"), '[')
	})
	fields := findingFields{r, o, "\n    "}
	jsonRows(out, r.Findings, fields.append)
	out.write(func(b []byte) []byte { return append(b, ']') })
	more(out)
	out.write(func(b []byte) []byte { return append(b, "}\n"...) })
	return out.Flush()
}

// A jsonWriter keeps one buffer for the row in hand, so that a row costs no
// allocation. Errors wait in the bufio.Writer for Flush.
type jsonWriter struct {
	*bufio.Writer
	row []byte
}

func newJSONWriter(w io.Writer) *jsonWriter {
	return &jsonWriter{Writer: bufio.NewWriterSize(w, 1<<16)}
}

// write writes what fill appends to an empty buffer.
func (w *jsonWriter) write(fill func([]byte) []byte) {
	w.row = fill(w.row[:0])
	_, _ = w.Write(w.row)
}

// jsonRows writes the elements of an array, an object a line.
func jsonRows[T any](w *jsonWriter, values []T, fields func([]byte, *T) []byte) {
	for i := range values {
		b := w.row[:0]
		if i > 0 {
			b = append(b, ',')
		}
		b = fields(append(b, "\n  {"...), &values[i])
		w.row = append(b, '}')
		_, _ = w.Write(w.row)
	}
}

func appendTool(b []byte, o *Options) []byte {
	b = append(appendKey(b, "tool"), '{')
	b = appendStringField(b, "name", "tcptrace")
	b = appendStringField(b, "version", o.Version)
	return append(b, '}')
}

func appendOptions(b []byte, opt result.Options) []byte {
	b = append(appendKey(b, "options"), '{')
	b = appendSecondsField(b, "time_wait_s", opt.TimeWait)
	b = appendStringsField(b, "detectors", opt.Detectors)
	return append(b, '}')
}

// appendCapture appends the fields of one input, without the braces.
func appendCapture(b []byte, c *result.Capture) []byte {
	b = appendStringField(b, "file", c.File)
	b = appendStringField(b, "format", c.Format)
	b = appendStringField(b, "compression", c.Compression)
	b = appendStringsField(b, "link_types", c.LinkTypes)
	b = appendUintField(b, "packets", c.Packets)
	b = appendUintField(b, "bytes", c.Bytes)
	b = appendMoment(b, "first", c.Span.First, c.Packets > 0)
	b = appendMoment(b, "last", c.Span.Last, c.Packets > 0)
	b = appendStringsField(b, "warnings", c.Warnings)
	return appendUintField(b, "drops", c.Drops)
}

func appendTrace(b []byte, r *result.Report) []byte {
	known := r.Totals.Packets > 0 || r.Trace.End > 0 // a shard may have none of the packets
	b = append(appendKey(b, "trace"), '{')
	b = appendMoment(b, "first", r.Trace.First, known)
	b = appendMoment(b, "last", r.Trace.Last, known)
	b = appendMoment(b, "end", r.Trace.End, known)
	return append(b, '}')
}

// appendMoment appends a time, or null where nothing was read.
func appendMoment(b []byte, name string, ns int64, known bool) []byte {
	if !known {
		return append(appendKey(b, name), "null"...)
	}
	return appendTimeField(b, name, ns)
}

func appendTotals(b []byte, t *result.Totals) []byte {
	b = append(appendKey(b, "totals"), '{')
	b = appendUintField(b, "packets", t.Packets)
	b = appendUintField(b, "tcp_segments", t.TCPSegments)
	b = appendUintField(b, "flows", t.Flows)
	b = append(appendKey(b, "skipped"), '{')
	for _, c := range t.Skipped {
		b = strconv.AppendUint(appendDataKey(b, c.Name), c.N, 10)
	}
	b = append(b, '}')
	b = appendUintField(b, "evicted_flows", t.EvictedFlows)
	b = appendUintField(b, "copies", t.Copies)
	b = append(appendKey(b, "groups"), '[')
	for _, g := range t.Groups {
		b = append(appendComma(b), '{')
		b = appendStringField(b, "detector", g.Detector)
		b = appendStringField(b, "outcome", g.Outcome)
		b = appendStringField(b, "verdict", g.Verdict.String())
		b = appendStringField(b, "severity", g.Severity.String())
		b = appendUintField(b, "findings", g.N)
		b = appendUintField(b, "listed", g.Listed)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

func appendNotes(b []byte, notes []result.Note) []byte {
	b = append(appendKey(b, "notes"), '[')
	for _, n := range notes {
		b = append(appendComma(b), '{')
		b = appendStringField(b, "name", n.Name)
		b = append(appendStringField(b, "message", n.Message), '}')
	}
	return append(b, ']')
}
