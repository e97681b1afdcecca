package engine

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// How long an answer must take to show that something stood still, in nanoseconds: one in the handshake longer than any path is, so
// that later round trips need not show it; one to what was sent again, which its sender expected sooner, half of that. If it took
// longer than longestDelay (R2 for a SYN, RFC 1122 4.2.3.5), the clock was set.
const (
	longHandshake = int64(time.Second)
	longResend    = int64(500 * time.Millisecond)
	longestDelay  = int64(3 * time.Minute)
)

// note notes what a segment shows for other connections.
func (p *partition) note(f *flow.Flow, seg *reassembly.Segment, events *fsm.Events) {
	for i := range events.Len() {
		switch ev := events.At(i); ev.Kind {
		case fsm.HoleAcked:
			p.missed(f, seg, int64(ev.Age)*int64(time.Microsecond))
		case fsm.AnsweredLate: // payload comes when an application has some
			if took := seg.At - ev.Was.At; took >= longHandshake && (seg.Flags&reassembly.SYN != 0 || seg.Len == 0) {
				p.delayed(f, ev.Side.Peer(), took, seg)
			}
		case fsm.ResendAcked:
			if took := int64(ev.Age) * int64(time.Microsecond); took >= longResend {
				p.delayed(f, ev.Side, took, seg)
			}
		}
	}
}

// delayed counts the time in which the side waited for the segment.
func (p *partition) delayed(f *flow.Flow, side reassembly.Side, took int64, seg *reassembly.Segment) {
	if took <= longestDelay {
		p.counts.Delays.Count(stats.Delay{
			From: f.Conn.Endpoint(side).Addr, To: f.Conn.Endpoint(side.Peer()).Addr, Start: seg.At - took, End: seg.At, Frame: seg.Frame,
		})
	}
}
