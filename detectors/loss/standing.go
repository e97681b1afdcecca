package loss

import (
	"math"
	"time"

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

// waits notes since when nothing was acknowledged by the time that something is sent again: since what is timed was sent, unless the
// receiver was heard after that, and may have acknowledged something older then; then that is the last moment at which it began.
func (a *resender) waits(ev fsm.Event, waited, silence time.Duration, since int64, still bool, heard reassembly.Mark, r *detectors.Report) {
	out, at := r.Conn.Stream(ev.Side), ev.Seg.At
	moved := heard.Len == 0 && heard.Ack == out.Una && ev.Dups == 0 // that acknowledged something new
	a.slack = 0
	if ev.Age == 0 && !(moved && heard.At >= ev.Was.At) { // nobody timed it, as of what was sent again before
		a.slack = 1
	}
	if sent := at - int64(waited); heard.At > sent && out.Una != out.ISS+1 && !(a.unaAt != 0 && a.una == out.Una && sent >= a.unaAt) {
		began := heard.At
		if a.resends.shown != 0 && a.hole.From == out.Una { // the hole was there
			began = min(began, max(a.since, sent))
		}
		if a.slack = 0; !moved || began != heard.At {
			a.slack = uint16(min(1+max(began-sent-int64(r.Conn.SRTT(ev.Side)), 0)/int64(time.Millisecond), math.MaxUint16))
		}
		waited = time.Duration(at - began)
	}
	a.waiting = max(at-int64(max(silence, waited)), since) // what is sent again may be older than the last SACK or duplicate ACK
	if r.Conn.LossShown(ev.Side) && heard.Len == 0 {
		a.waiting = max(a.waiting, heard.At)
	} else if still {
		a.waiting, a.slack = min(a.waiting, max(a.unaAt, since)), 0
	}
}
