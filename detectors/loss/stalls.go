package loss

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A stall is a time in which nothing new was acknowledged, until a timeout.
type stall struct {
	resent reassembly.Mark // the first that the timeout caused
	ended  reassembly.Mark // the ACK
	since  int64
	heard  uint16 // IP ID of the receiver's last segment before it; 0 if there is none
	sent   uint64 // how many segments of the receiver were captured by then
	unseen uint32 // packets that the receiver sent meanwhile and that were not captured, by its IP IDs
}

func (s *stall) lasted() int64 { return s.ended.At - s.since }

// noticeable is how long a connection must stall for that to count.
const noticeable = time.Second

// endStall takes an ACK of something new from the receiver, before which n segments were
// sent again. Where its IP IDs skip no more than it can have answered, it may have answered
// those and the first: its ACKs, then, did not reach the capture point.
func (a *resender) endStall(ack *reassembly.Segment, n uint32, from reassembly.Side, r *detectors.Report) {
	s := a.stall
	if s.resent.At == 0 {
		return
	}
	a.stall = stall{}
	s.ended = reassembly.MarkOf(ack)
	captured := uint16(r.Conn.Packets(from) - s.sent)
	if skipped := uint32(ack.IPID - s.heard - captured); s.heard != 0 && ack.IPID != 0 && skipped <= n+1 {
		s.unseen = skipped
	}
	if s.lasted() < int64(noticeable) {
		return
	}
	a.stalls++
	a.stalled += s.lasted()
	if s.lasted() > a.longest.lasted() {
		a.longest = s
	}
}
