package report

import (
	"strconv"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// flowTable writes --flows: a row for each connection. The rows are made twice,
// once to measure them, because a million of them should not wait in memory for
// the widest.
func (t *textWriter) flowTable() {
	var row flowRow
	row.set(flowTitles[:])
	row.measure()
	for i := range t.r.Flows {
		t.flowCells(&row, &t.r.Flows[i])
		row.measure()
	}
	row.set(flowTitles[:])
	row.write(t)
	for i := range t.r.Flows {
		t.flowCells(&row, &t.r.Flows[i])
		row.write(t)
	}
}

// The columns. Pairs are what the opener sent, and what its peer sent.
var flowTitles = [flowColumns]string{
	"ID", "OPENER", "", "PEER", "START", "LASTED", "PACKETS >/<", "BYTES >/<", "RESENT >/<", "RTT", "ENDED", "STATES", "LIMITS",
}

const flowColumns = 13

// flowNumbers are the columns that align to the right.
var flowNumbers = [flowColumns]bool{0: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true}

// A flowRow is one line of the table: its cells one after another.
type flowRow struct {
	text   []byte
	end    [flowColumns]int // of each cell in text
	n      int              // cells so far
	widths [flowColumns]int
}

func (r *flowRow) reset() { r.text, r.n = r.text[:0], 0 }

// cell ends a cell with everything appended since the last.
func (r *flowRow) cell(text []byte) {
	r.text = text
	r.end[r.n] = len(text)
	r.n++
}

func (r *flowRow) set(cells []string) {
	r.reset()
	for _, c := range cells {
		r.cell(append(r.text, c...))
	}
}

func (r *flowRow) measure() {
	start := 0
	for i, end := range r.end {
		r.widths[i] = max(r.widths[i], end-start)
		start = end
	}
}

func (r *flowRow) write(t *textWriter) {
	start := 0
	for i, end := range r.end {
		blanks := r.widths[i] - (end - start)
		if flowNumbers[i] {
			t.blanks(blanks)
		}
		_, _ = t.out.Write(r.text[start:end])
		if len(r.text) == end {
			break // nothing but empty cells to come
		}
		if !flowNumbers[i] {
			t.blanks(blanks)
		}
		t.blanks(2)
		start = end
	}
	_ = t.out.WriteByte('\n')
}

func (t *textWriter) blanks(n int) {
	for ; n > 0; n-- {
		_ = t.out.WriteByte(' ')
	}
}

// flowCells fills the row of one connection, the opener's end first.
func (t *textWriter) flowCells(row *flowRow, f *result.Flow) {
	own := opener(f)
	peer := own.Peer()
	row.reset()
	row.cell(strconv.AppendUint(row.text, f.ID, 10))
	row.cell(appendEndpoint(row.text, f.End[own]))
	row.cell(append(row.text, arrow(f)))
	row.cell(appendEndpoint(row.text, f.End[peer]))
	row.cell(append(row.text, offset(f.First-t.r.Trace.First)...))
	row.cell(append(row.text, duration(f.Last-f.First)...))
	row.cell(appendPair(row.text, f.Packets, own))
	row.cell(appendPair(row.text, f.Bytes, own))
	row.cell(appendPair(row.text, f.Rexmits, own))
	if f.RTT != 0 {
		row.text = append(row.text, duration(f.RTT)...)
	}
	row.cell(row.text)
	row.cell(append(row.text, Clean(f.Ending)...))
	row.text = append(t.appendState(row.text, f, own), '/')
	row.cell(t.appendState(row.text, f, peer))
	row.cell(append(row.text, f.Limits.String()...))
}

// appendPair appends "14/26".
func appendPair(b []byte, pair [2]uint64, own reassembly.Side) []byte {
	b = append(strconv.AppendUint(b, pair[own], 10), '/')
	return strconv.AppendUint(b, pair[own.Peer()], 10)
}

// appendState appends a state, with ~ if the wire proves only that the end got
// at most this far.
func (t *textWriter) appendState(b []byte, f *result.Flow, side reassembly.Side) []byte {
	b = append(b, t.o.Names.State(f.State[side])...)
	if f.Bounded[side] {
		b = append(b, '~')
	}
	return b
}
