package report

import (
	"io"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FlowJSON writes the report of one connection, as JSON does, with the turns
// that were kept of it.
func FlowJSON(w io.Writer, r *result.Report, turns []result.Step, o Options) error {
	return writeJSON(w, r, &o, func(out *jsonWriter) {
		f := &r.Flows[0]
		out.write(func(b []byte) []byte {
			b = append(b, ",\n "...)
			b = appendUintField(b, "timeline_left_out", f.Packets[0]+f.Packets[1]-uint64(len(turns)))
			return append(appendKey(b, "timeline"), '[')
		})
		jsonRows(out, turns, func(b []byte, t *result.Step) []byte { return appendTurn(b, r, &o, f, t) })
		out.write(func(b []byte) []byte { return append(b, ']') })
	})
}

// appendTurn appends the fields of one turn, without the braces.
func appendTurn(b []byte, r *result.Report, o *Options, f *result.Flow, t *result.Step) []byte {
	b = appendUintField(b, "n", t.N)
	b = appendStringField(b, "file", o.file(r, &t.Seg))
	b = appendUintField(b, "frame", uint64(t.Seg.Frame))
	b = appendTimeField(b, "time", o.time(&t.Seg))
	b = appendStringField(b, "side", t.Side.String())
	b = appendStringField(b, "segment", notation(f, &t.Seg))
	b = appendStringField(b, "class", t.Class.String())
	b = appendStringField(b, "state_a", t.State[reassembly.A].String())
	b = appendStringField(b, "state_b", t.State[reassembly.B].String())
	b = appendBoolField(b, "bounded_a", t.Bounded[reassembly.A])
	return appendBoolField(b, "bounded_b", t.Bounded[reassembly.B])
}
