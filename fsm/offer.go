package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What a window that is offered says beyond its size. All of this needs the
// scale: without it, windows are lower bounds (RFC 7323 2.2).

// optionRoom is how much smaller than the MSS a full segment may be: TCP options
// take 40 bytes at most (RFC 9293 3.7.1).
const optionRoom = 40

// shrink processes a right edge that lies by bytes to the left of the one before it, which
// RFC 9293 3.8.6 strongly discourages. Less than a unit of the scale is rounding (RFC 7323
// 2.4). What a SYN-ACK offered does not count: it could not be scaled, and hosts size
// their buffers after it. Nor does a window that nobody can use: after the peer's FIN,
// some stacks advertise 0. Nor one that was sent before the larger, by its IP identification (wlID is that of the larger). Nor does
// one after a RST, or that acknowledges what was not seen: it may never have been sent, and then whoever receives that
// drops the segment with its window (RFC 9293 3.10.7.4).
func (s *step) shrink(by uint32, sent order, wlID uint16) {
	if by < 1<<s.c.scaleOf(s.side) || s.c.scaleUnknown() || s.seg.Flags&reassembly.SYN != 0 || orderOf(s.seg.IPID, wlID) == before {
		return
	}
	s.own.dir.bits |= shrank
	if (s.own.last.Flags|s.peer.last.Flags)&reassembly.RST != 0 || s.c.bits&(resetByA|resetByB) != 0 ||
		s.ev.Kinds.Has(HoleAcked) && s.seg.Ack == s.peer.out.Nxt {
		return
	}
	if s.own.last.Flags&reassembly.SYN == 0 && s.peer.dir.Phase != PhaseFinAcked && (sent == after || s.late()) {
		e := s.ev.addWas(WindowShrunk, s.side, ownLast, &s.own.last)
		e.n, e.age = by, uint32(wlID)
	}
}

// late says whether the segment was captured so long after its side's last one that
// reordering cannot explain it, unless IP identifications show it.
func (s *step) late() bool {
	return time.Duration(s.seg.At-s.own.last.At) > max(reorderTime, s.c.RTT())
}

// overrun takes new payload that ends by bytes beyond the peer's right edge. A probe may
// do that, so that closed windows are left out; a unit of the scale is rounding. If the
// peer has taken back what it offered, even if only the SYN-ACK offered it, nothing is
// reported.
func (s *step) overrun(by uint32) {
	if !s.own.out.Knows(reassembly.KnowEdge) || s.peer.dir.is(shrank|shut) || s.c.scaleUnknown() ||
		by < max(2, uint32(1)<<s.c.scaleOf(s.side.Peer())) {
		return
	}
	s.ev.add(Overran, s.side, by)
}

// windowSmall reports whether the side's window is open and too small for a full
// segment.
func (c *Conn) windowSmall(side reassembly.Side) bool {
	wnd := c.ends[side.Peer()].out.Window()
	return wnd > 0 && wnd+optionRoom < uint32(c.ends[side].mss) && !c.scaleUnknown()
}
