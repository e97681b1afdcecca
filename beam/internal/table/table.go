// Package table writes connections as rows of Parquet, with the names of JSON.
package table

import (
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Row is one connection.
type Row struct {
	ID        uint64   `parquet:"id"`
	A         string   `parquet:"a"`
	B         string   `parquet:"b"`
	Initiator string   `parquet:"initiator,dict"`
	StateA    string   `parquet:"state_a,dict"`
	StateB    string   `parquet:"state_b,dict"`
	BoundedA  bool     `parquet:"bounded_a"`
	BoundedB  bool     `parquet:"bounded_b"`
	Ending    string   `parquet:"ending,dict"`
	First     int64    `parquet:"first,timestamp(nanosecond)"`
	Last      int64    `parquet:"last,timestamp(nanosecond)"`
	PacketsAB uint64   `parquet:"packets_a2b"`
	PacketsBA uint64   `parquet:"packets_b2a"`
	BytesAB   uint64   `parquet:"bytes_a2b"`
	BytesBA   uint64   `parquet:"bytes_b2a"`
	RexmitsAB uint64   `parquet:"retransmissions_a2b"`
	RexmitsBA uint64   `parquet:"retransmissions_b2a"`
	RTT       *float64 `parquet:"rtt_s"`
	History   string   `parquet:"history,dict"`
	Limits    []string `parquet:"limits,list"`
	Copies    uint64   `parquet:"copies"`
}

// A Writer writes the rows of one file.
type Writer struct {
	out *parquet.GenericWriter[Row]
	err error
}

// NewWriter starts a file.
func NewWriter(w io.Writer) *Writer {
	return &Writer{out: parquet.NewGenericWriter[Row](w, parquet.Compression(&parquet.Zstd))}
}

// Write adds a connection. Close returns an error.
func (w *Writer) Write(f *result.Flow) {
	if w.err == nil {
		_, w.err = w.out.Write([]Row{RowOf(f)})
	}
}

// Close writes the rest. It does not close the underlying writer.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	return w.out.Close()
}

// RowOf is a connection as a row.
func RowOf(f *result.Flow) Row {
	const a, b = reassembly.A, reassembly.B
	r := Row{
		ID: f.ID, A: f.End[a].String(), B: f.End[b].String(), Initiator: f.Initiator.String(),
		StateA: f.State[a].String(), StateB: f.State[b].String(), BoundedA: f.Bounded[a], BoundedB: f.Bounded[b],
		Ending: f.Ending, First: f.First, Last: f.Last, PacketsAB: f.Packets[a], PacketsBA: f.Packets[b],
		BytesAB: f.Bytes[a], BytesBA: f.Bytes[b], RexmitsAB: f.Rexmits[a], RexmitsBA: f.Rexmits[b],
		History: f.History, Limits: f.Limits.Names(), Copies: f.Duplicates,
	}
	if f.RTT != 0 {
		seconds := float64(f.RTT) / 1e9
		r.RTT = &seconds
	}
	return r
}
