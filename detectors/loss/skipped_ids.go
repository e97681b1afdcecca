package loss

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// skippedIDs compare how many packets a sender numbered with how many were captured: what was lost before the capture
// point has a number, too, so what fills its place has one more. What only came late has but one, however late its sender gave it.
type skippedIDs struct {
	since  uint16         // IP identification of the segment from which on they are counted; 0 if none is
	from   reassembly.Seq // what was sent first after that
	frames uint32         // captured by then
	fills  uint32         // segments beyond from that filled a hole
	bytes  uint64
}

// begin counts from the side's last segment on, unless that counts already or is of several packets, which an interface joined.
func (s *skippedIDs) begin(side reassembly.Side, v fsm.View) {
	last := v.Last(side)
	if used := last.IPID - s.since; s.since != 0 && used < 1<<14 || last.Len > v.EffSndMSS() || v.EffSndMSS() == 0 {
		return
	}
	*s = skippedIDs{since: last.IPID, from: v.Stream(side).Nxt, frames: uint32(v.Packets(side)), bytes: v.Bytes(side)}
}

// prove takes a segment that fills a hole, and reports whether it must have been sent again: the packets that were not captured
// are as many as the fills at least, and no more than what may have been lost, or the host numbers those of other connections, too.
func (s *skippedIDs) prove(ev fsm.Event, v fsm.View) bool {
	seg, out := ev.Seg, v.Stream(ev.Side)
	if s.since == 0 || seg.Seq.Before(s.from) {
		return false
	}
	s.fills++
	ids, full := v.IPHabits(ev.Side), uint64(v.EffSndMSS())
	if !ids.Numbered || ids.Behind > 0 || seg.IPID == 0 {
		return false
	}
	const others = 8 // acknowledgments, and what was sent again and lost
	used := uint64(seg.IPID - s.since)
	captured := max(v.Packets(ev.Side)-uint64(s.frames), (v.Bytes(ev.Side)-s.bytes+full-1)/full)
	missing := uint64(out.InFlight())/full + 1
	return used >= captured+uint64(s.fills) && used <= captured+2*uint64(s.fills)+missing+others
}
