package loss

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// stands reports whether nothing has moved since something was last acknowledged: all that was sent by now had been sent when something was
// last sent again, before that. A keep-alive and its answer move nothing.
func (a *resender) stands(out *reassembly.Stream) bool {
	return a.probing && out.Nxt.AtOrBefore(a.probed) && a.unaAt != 0 && a.una == out.Una
}

// notesProbe takes when something that was sent again is acknowledged, before it is taken off what is pending.
func (a *resender) notesProbe(at int64) {
	if a.stall == nil && a.pending.by[tailProbe] > 0 && at-a.waiting >= int64(noticeable) {
		a.noteStalled().longProbe = true
	}
}

// noteUna notes since when at least nothing more was acknowledged.
func (a *resender) noteUna(ev fsm.Event, r *detectors.Report) {
	out := r.Conn.Stream(ev.Side)
	if out.Una != a.una || a.unaAt == 0 {
		a.una, a.unaAt, a.stood = out.Una, ev.Seg.At, 0
	}
	if a.stood == 0 && out.InFlight() > 0 {
		a.stood = max(a.unaAt, r.Conn.Last(ev.Side).At)
	}
}
