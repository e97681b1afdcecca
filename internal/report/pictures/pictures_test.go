package pictures

import (
	"math"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

var began = time.Date(2026, 11, 21, 7, 42, 39, 106361000, time.UTC).UnixNano()

// TestSeries_folds: merging columns loses no extremes, neither the time nor a
// wrapping sequence space confuses it, and what is kept stays small.
func TestSeries_folds(t *testing.T) {
	const n, size = 3_000_000, 3000 // twice around the sequence space
	whole := NewSeries(began, math.MaxInt64)
	part := NewSeries(began+n/3*1e6, began+n/2*1e6)
	iss := reassembly.Seq(4294967000)
	for i := range uint32(n) {
		seg := reassembly.Segment{
			At: began + int64(i)*1e6, Flags: reassembly.ACK, Seq: iss + reassembly.Seq(i*size), Ack: 1001, Len: size, Window: 500,
		}
		whole.Add(reassembly.B, fsm.NewData, &seg)
		part.Add(reassembly.B, fsm.NewData, &seg)
	}
	d := &whole.sent[reassembly.B]
	if len(d.cells) > maxCells || len(d.cells) < maxCells/4 {
		t.Errorf("%d cells", len(d.cells))
	}
	if want := int64(n) * size; d.top != want || d.cells[len(d.cells)-1].sent.hi != want || d.cells[0].sent.lo != 0 {
		t.Errorf("offsets 0 to %d, want %d", d.cells[len(d.cells)-1].sent.hi, want)
	}
	for i := 1; i < len(d.cells); i++ {
		if d.cells[i].sent.lo != d.cells[i-1].sent.hi {
			t.Fatalf("cell %d begins at %d, the one before ends at %d", i, d.cells[i].sent.lo, d.cells[i-1].sent.hi)
		}
	}
	if d.segments.n != n {
		t.Errorf("%d segments counted", d.segments.n)
	}
	for _, s := range []*Series{whole, part} {
		for side := range s.sent {
			if n := cap(s.sent[side].cells); n > 2*maxCells {
				t.Errorf("%d cells kept", n)
			}
		}
	}
}

// TestTicks: round numbers, all within the axis, and no two labels in one place.
func TestTicks(t *testing.T) {
	for _, span := range []int64{1, 3, 999, 52_000, 2_345_678, 1e9, 55e9, 8 * 3600e9, 11 * 24 * 3600e9, 400 * 24 * 3600e9} {
		w := &window{x0: began, x1: began + span, y0: 0, y1: span, height: plotHigh, columns: plotColumns}
		ticks := timeTicks(w, began-span/3)
		if len(ticks) < 1 || len(ticks) > 12 {
			t.Errorf("%d ns: %d ticks", span, len(ticks))
		}
		seen := map[string]bool{}
		for _, tick := range ticks {
			if seen[tick.Text] && tick.Text != "" {
				t.Errorf("%d ns: %q is there twice", span, tick.Text)
			}
			seen[tick.Text] = true
		}
		rows := sequenceTicks(w, 0)
		if len(rows) < 1 || len(rows) > 8 {
			t.Errorf("%d bytes: %d ticks", span, len(rows))
		}
	}
}
