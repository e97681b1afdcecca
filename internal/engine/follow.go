package engine

import (
	"cmp"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Follow picks connections to be told in full: one by its number or by its
// endpoints (the first connection of the four-tuple), or several by what names
// them in the report of an earlier run, Flow.Conn.
type Follow struct {
	ID    uint64          // number of the connection, in order of first frames; 0 = by the others
	Place uint64          // which of the connections judged is that, where it is not ID: in shards
	Key   reassembly.Key  // both endpoints, Lo and Hi in any order
	Conns map[uint64]bool // by Flow.Conn
	// Heirs adds the connections that come to use the four-tuple of one that
	// is followed.
	Heirs bool
	// Turn is told every segment of the connections followed, copies left out.
	Turn func(result.Step)

	// Same are the numbers of the connections of Key that come after the one
	// that is followed, the first few.
	Same []uint64

	flows map[*flow]bool
	keys  map[reassembly.Key]bool
	begun uint64
}

// maxSame is how many connections of one four-tuple are named.
const maxSame = 8

func (w *Follow) begin(f *flow) {
	w.begun++
	delete(w.flows, f) // another's that was dropped, and left its place
	k := f.conn.Key()
	same := k == w.Key || k == reassembly.Key{Lo: w.Key.Hi, Hi: w.Key.Lo}
	switch {
	case w.ID != 0 && cmp.Or(w.Place, w.ID) == w.begun, same && !w.keys[k], w.Conns[f.ordinal], w.Heirs && w.keys[k]:
		w.pick(f, k)
	case same && len(w.Same) < maxSame:
		w.Same = append(w.Same, w.begun)
	}
}

func (w *Follow) pick(f *flow, k reassembly.Key) {
	if w.flows == nil {
		w.flows, w.keys = map[*flow]bool{}, map[reassembly.Key]bool{}
	}
	w.flows[f], w.keys[k] = true, true
}

func (w *Follow) follows(f *flow) bool { return w != nil && w.flows[f] }

func (w *Follow) note(f *flow, seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, timeWait time.Duration) {
	if !w.flows[f] {
		return
	}
	t := result.Step{
		Conn: f.ordinal, N: f.conn.Packets(reassembly.A) + f.conn.Packets(reassembly.B),
		Seg: *seg, Side: side, Class: ev.Class,
	}
	for s := range reassembly.Side(2) {
		t.State[s], _ = f.conn.State(s, seg.At, timeWait)
		t.Bounded[s] = f.conn.Bounded(s)
	}
	w.Turn(t)
}
