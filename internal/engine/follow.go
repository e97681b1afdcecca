package engine

import (
	"cmp"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Follow picks connections to be shown in full: one by its number or by its
// endpoints (the first connection of the four-tuple), several by what names
// them in the report of an earlier run, Flow.Conn, or all.
type Follow struct {
	ID    uint64          // number of the connection, in order of first frames; 0 = by the others
	Place uint64          // which of the connections analysed is that, where it is not ID: in shards
	Key   reassembly.Key  // both endpoints, Lo and Hi in any order
	Conns map[uint64]bool // by Flow.Conn
	Every bool            // all connections, without rows in the report; Step.N does not count what ICMP errors quote
	// Successors adds the connections that come to use the four-tuple of one that is
	// followed.
	Successors bool
	// Step is given every segment of the connections followed, duplicates left out.
	Step func(result.Step)
	// Stretch is told, in order, of what each of them waited for; nil if nobody wants to
	// know.
	Stretch func(conn uint64, x *waits.Stretch)

	// Same are the numbers of the connections of Key that come after the one
	// that is followed, the first few.
	Same []uint64

	followed map[uint64]bool // by position
	keys     map[reassembly.Key]bool
	quotes   map[uint64]uint64 // segments that ICMP errors quoted, by position
	begun    uint64
}

// maxSame is how many connections of one four-tuple are named.
const maxSame = 8

func (w *Follow) begin(f *flow.Flow) {
	w.begun++
	k := f.Conn.Key()
	same := k == w.Key || k == reassembly.Key{Lo: w.Key.Hi, Hi: w.Key.Lo}
	switch {
	case w.ID != 0 && cmp.Or(w.Place, w.ID) == w.begun, same && !w.keys[k], w.Conns[f.Position], w.Successors && w.keys[k]:
		if w.followed == nil {
			w.followed, w.keys, w.quotes = map[uint64]bool{}, map[reassembly.Key]bool{}, map[uint64]uint64{}
		}
		w.followed[f.Position], w.keys[k] = true, true
	case same && len(w.Same) < maxSame:
		w.Same = append(w.Same, w.begun)
	}
}

// stretches reports whether somebody wants to know what the connection waited for.
func (w *Follow) stretches(f *flow.Flow) bool { return w.follows(f) && w.Stretch != nil }

func (w *Follow) follows(f *flow.Flow) bool { return w != nil && w.followed[f.Position] }

func (w *Follow) note(f *flow.Flow, seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, timeWait time.Duration) {
	if !w.Every && !w.follows(f) {
		return
	}
	if seg.IsQuote() && !w.Every {
		w.quotes[f.Position]++
	}
	t := result.Step{
		Conn: f.Position, N: f.Conn.Packets(reassembly.A) + f.Conn.Packets(reassembly.B) + w.quotes[f.Position],
		Seg: *seg, Side: side, Class: ev.Class,
	}
	for s := range reassembly.Side(2) {
		t.State[s], _ = f.Conn.State(s, seg.At, timeWait)
		t.Bounded[s] = f.Conn.Bounded(s)
	}
	w.Step(t)
}
