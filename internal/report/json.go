package report

import (
	"bufio"
	"io"
	"slices"

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
	out := newJSONWriter(w)
	out.report(r, &o)
	return out.end()
}

// StatesJSON writes the sockets as one object, a line each, with the RFC's
// names of states.
func StatesJSON(w io.Writer, at int64, endpoints []Endpoint, _ Options) error {
	out := newJSONWriter(w)
	out.write(func(b object) object {
		return append(b, '{').str("schema", statesSchema).time("at", at).line().open("endpoints", '[')
	})
	rows(out, endpoints, func(b object, e *Endpoint) object {
		return b.uint("flow", e.Flow).endpoint("local", e.Local).endpoint("foreign", e.Foreign).
			str("state", e.State.String()).time("since", e.Since).bool("bounded", e.Bounded)
	})
	return out.end()
}

// A jsonWriter keeps one buffer for the current row, so that a row costs no
// allocation. Errors wait in the bufio.Writer for Flush.
type jsonWriter struct {
	*bufio.Writer
	row object
}

func newJSONWriter(w io.Writer) *jsonWriter {
	return &jsonWriter{Writer: bufio.NewWriterSize(w, 1<<16)}
}

// write writes what fill appends to an empty buffer.
func (w *jsonWriter) write(fill func(object) object) {
	w.row = fill(w.row[:0])
	_, _ = w.Write(w.row)
}

// rows writes the elements of an array, an object a line, and ends it.
func rows[T any](w *jsonWriter, values []T, fields func(object, *T) object) {
	for i := range values {
		b := w.row[:0]
		if i > 0 {
			b = append(b, ',')
		}
		w.row = append(fields(append(b, "\n  {"...), &values[i]), '}')
		_, _ = w.Write(w.row)
	}
	_ = w.WriteByte(']')
}

func (w *jsonWriter) end() error {
	_, _ = w.WriteString("}\n")
	return w.Flush()
}

// report writes the object but for its end.
func (w *jsonWriter) report(r *result.Report, o *Options) {
	w.write(func(b object) object { return append(b, '{').head(r, o).line().open("captures", '[') })
	rows(w, r.Captures, object.capture)
	w.write(func(b object) object {
		b = b.line().trace(r).line().totals(&r.Totals).line().notes(r.Notes)
		if o.Hosts != nil {
			b = b.line().names(r, o.Hosts)
		}
		return b.line().open("taps", '[')
	})
	rows(w, r.Taps, object.tap)
	w.write(func(b object) object { return b.line().open("flows", '[') })
	rows(w, r.Flows, fields{r: r, o: o}.flow)
	if o.Time {
		w.write(func(b object) object { return b.line().open("hosts", '[') })
		rows(w, slices.SortedFunc(slices.Values(hosts(r)), (*hostRow).order), object.host)
	}
	w.write(func(b object) object { return b.line().open("findings", '[') })
	rows(w, r.Findings, fields{r, o, "\n    "}.finding)
}

func (b object) head(r *result.Report, o *Options) object {
	return b.str("schema", reportSchema).
		open("tool", '{').str("name", "tcptrace").str("version", o.Version).close('}').
		open("options", '{').seconds("time_wait_s", true, r.Options.TimeWait).strings("detectors", r.Options.Detectors).close('}')
}

func (b object) capture(c *result.Capture) object {
	known := c.Packets > 0
	return b.str("file", c.File).str("format", c.Format).str("compression", c.Compression).strings("link_types", c.LinkTypes).
		uint("packets", c.Packets).uint("bytes", c.Bytes).timeIf(known, "first", c.Span.First).timeIf(known, "last", c.Span.Last).
		strings("warnings", c.Warnings).uint("drops", c.Drops)
}

func (b object) trace(r *result.Report) object {
	if r.Apart {
		return append(b.key("trace"), "null"...)
	}
	known := r.Totals.Packets > 0 || r.Trace.End > 0 // a shard may have none of the packets
	return b.open("trace", '{').timeIf(known, "first", r.Trace.First).timeIf(known, "last", r.Trace.Last).
		timeIf(known, "end", r.Trace.End).close('}')
}

func (b object) totals(t *result.Totals) object {
	b = b.open("totals", '{').uint("packets", t.Packets).uint("tcp_segments", t.TCPSegments).uint("flows", t.Flows).open("skipped", '{')
	for _, c := range t.Skipped {
		b = b.dataKey(c.Name).number(c.N)
	}
	b = b.close('}').uint("evicted_flows", t.EvictedFlows).uint("copies", t.Duplicates).uint("known", t.Known).uint("hidden", t.Hidden).open("groups", '[')
	for _, g := range t.Groups {
		b = b.element().str("detector", g.Detector).str("outcome", g.Outcome).str("verdict", g.Verdict.String()).
			str("severity", g.Severity.String()).uint("findings", g.N).uint("listed", g.Listed).close('}')
	}
	return b.close(']').close('}')
}

func (b object) notes(notes []result.Note) object {
	b = b.open("notes", '[')
	for _, n := range notes {
		b = b.element().str("name", n.Name).str("message", n.Message).close('}')
	}
	return b.close(']')
}
