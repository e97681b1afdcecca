package loss

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// slowAnswers are segments that were sent again some time after a hole had shown, while nobody knew how far away their
// sender was. Where another hole was filled much sooner, a timer made it send these: what the hole made it send was lost, too.
type slowAnswers struct {
	n        uint32
	least    int64 // after what silence at least, in nanoseconds
	quickest int64 // the shortest time between a hole and what filled it first, in nanoseconds: a round trip at least; 0 if none did
}

// add takes a segment that was sent again for the given reason. The hole showed at shown; not says that the segment need not be
// the first answer to that.
func (s *slowAnswers) add(ev fsm.Event, k trigger, shown int64, not bool, r *detectors.Report) {
	if k != fast || shown == 0 || not {
		return
	}
	if took := ev.Seg.At - shown; s.quickest == 0 || took < s.quickest {
		s.quickest = took
	}
	silence := int64(ev.N) * int64(time.Microsecond)
	if unknown := r.Conn.HandshakeRTT(ev.Side) == 0 && r.Conn.SRTT(ev.Side.Peer()) == 0; unknown && silence >= int64(leastTimeout) {
		if s.n++; s.n == 1 || silence < s.least {
			s.least = silence
		}
	}
}

// settle counts them as timeouts, if they are.
func (s *slowAnswers) settle(c *counts) {
	if s.quickest == 0 || s.least < s.quickest+int64(ackClock) {
		return
	}
	n := min(s.n, c.by[fast]-c.notLost().spurious[fast])
	c.by[fast], c.by[timeout], s.n = c.by[fast]-n, c.by[timeout]+n, s.n-n
}
