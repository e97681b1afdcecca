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

// shrink takes a right edge that lies by bytes to the left of the one before it,
// which RFC 9293 3.8.6 strongly discourages. Less than a unit of the scale is
// rounding (RFC 7323 2.4). What a SYN-ACK offered does not count: it could not
// be scaled, and hosts size their buffers after it. Nor does a window for nothing:
// behind the FIN, some stacks advertise 0.
func (s *step) shrink(by uint32) {
	if by < 1<<s.c.scaleOf(s.side) || s.c.scaleUnknown() || s.seg.Flags&reassembly.SYN != 0 {
		return
	}
	s.own.half.bits |= shrank
	if s.own.last.Flags&reassembly.SYN == 0 && s.peer.half.Phase != PhaseFinAcked && s.later() {
		s.ev.add(WindowShrunk, s.side, by)
	}
}

// later says whether the segment must have been sent after its side's last one,
// and not merely captured after it.
func (s *step) later() bool {
	seg, last := s.seg, &s.own.last
	return seg.Seq.After(last.Seq) || seg.Ack.After(last.Ack) || time.Duration(seg.At-last.At) > max(reorderTime, s.c.RTT())
}

// overrun takes new payload that ends by bytes beyond the peer's right edge. A
// probe may do that, so that closed windows are left out; a unit of the scale is
// rounding. If the peer has taken back what it offered, if only what the SYN-ACK
// did, nothing is said.
func (s *step) overrun(by uint32) {
	if !s.own.out.Knows(reassembly.KnowEdge) || s.peer.half.is(shrank|shut) || s.c.scaleUnknown() ||
		by < max(2, uint32(1)<<s.c.scaleOf(s.side.Peer())) {
		return
	}
	s.ev.add(Overran, s.side, by)
}

// TookBack reports whether the side ever took back window that it had offered:
// then its peer need not have filled what it closes.
func (c *Conn) TookBack(side reassembly.Side) bool { return c.ends[side].half.is(shrank) }

// Window is what the side last offered its peer, in bytes.
func (c *Conn) Window(side reassembly.Side) uint32 {
	out := &c.ends[side.Peer()].out
	if !out.Knows(reassembly.KnowEdge|reassembly.KnowUna) || out.Edge.Before(out.Una) {
		return 0
	}
	return uint32(out.Edge - out.Una)
}

// WindowSmall reports whether the side's window is open and too small for a full
// segment.
func (c *Conn) WindowSmall(side reassembly.Side) bool {
	w := c.Window(side)
	return w > 0 && w+optionRoom < uint32(c.ends[side].mss) && !c.scaleUnknown()
}

// WindowFilled reports whether the side has sent up to its peer's right edge.
func (c *Conn) WindowFilled(side reassembly.Side) bool {
	out := &c.ends[side].out
	return out.Knows(reassembly.KnowEdge|reassembly.KnowNxt) && !out.Nxt.Before(out.Edge)
}

// CutOff is how many bytes the side has in flight that lie beyond its peer's
// right edge, rounding apart.
func (c *Conn) CutOff(side reassembly.Side) uint32 {
	out := &c.ends[side].out
	if !out.Knows(reassembly.KnowEdge|reassembly.KnowNxt) || out.Nxt.Before(out.Edge+1<<c.scaleOf(side.Peer())) {
		return 0
	}
	return uint32(out.Nxt - out.Edge)
}

// HoldsBack reports whether the side has more to send than it has sent, by its
// own word: what is in flight must be acknowledged or sent again, and the last
// buffered segment bears PSH (RFC 9293 3.9.1.2, MUST-61).
func (c *Conn) HoldsBack(side reassembly.Side) bool {
	own := &c.ends[side]
	return own.out.InFlight() > 0 || own.half.is(unpushed)
}

// OfferedShort reports whether a segment of the side, the latest that it sent,
// offers less than its peer has sent with the other one: if there was an offer of
// more, this segment would have to take it back.
func (c *Conn) OfferedShort(side reassembly.Side, seg *reassembly.Segment, sent *reassembly.Mark) bool {
	edge := seg.Ack + reassembly.Seq(uint32(seg.Window)<<c.scaleOf(side))
	return c.AcksUna(side, seg) && edge.Before(sent.Seq+reassembly.Seq(sent.Len))
}

// ScaleUnanswered reports whether one SYN offered the window scale option and the
// other did not bear it, so that neither side may scale (RFC 7323 2.2).
func (c *Conn) ScaleUnanswered() bool {
	a, b := &c.ends[0], &c.ends[1]
	return !c.scaleUnknown() && (a.opts^b.opts)&reassembly.HasScale != 0
}

// MSS is the largest segment that the side announced it would take; 0 if it did
// not.
func (c *Conn) MSS(side reassembly.Side) uint16 { return c.ends[side].mss }

// Covers reports whether a segment sends the last byte of another again.
func (c *Conn) Covers(again, seg *reassembly.Mark) bool {
	end := seg.Seq + reassembly.Seq(seg.Len)
	return again.Seq.Before(end) && end.AtOrBefore(again.Seq+reassembly.Seq(again.Len))
}
