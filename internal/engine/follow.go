package engine

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Follow picks one connection to be told in full: by number, or by endpoints
// (the first connection of the four-tuple).
type Follow struct {
	ID   uint64         // number of the connection; 0 = by Key
	Key  reassembly.Key // both endpoints, Lo and Hi in any order
	Turn func(result.Turn)

	flow  *flow
	begun uint64
}

func (w *Follow) begin(f *flow) {
	w.begun++
	k := f.conn.Key()
	same := k == w.Key || k == reassembly.Key{Lo: w.Key.Hi, Hi: w.Key.Lo}
	if w.flow == nil && (w.ID == w.begun || w.ID == 0 && same) {
		w.flow = f
	}
}

func (w *Follow) note(f *flow, seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, timeWait time.Duration) {
	if f != w.flow {
		return
	}
	t := result.Turn{Seg: *seg, Side: side, Class: ev.Class}
	for s := range reassembly.Side(2) {
		t.State[s], _ = f.conn.State(s, seg.At, timeWait)
		t.Bounded[s] = f.conn.Bounded(s)
	}
	w.Turn(t)
}
