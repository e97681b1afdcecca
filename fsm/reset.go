package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// reset processes a RST. It ends the connection only if it is acceptable; a forged
// one must not (RFC 5961 3.2).
func (s *step) reset() {
	c := s.c
	if out := &s.own.out; !out.Knows(reassembly.KnowISS) && !out.Knows(reassembly.KnowNxt) { // relative numbers count from here
		out.ISS = s.seg.Seq
	}
	if c.bits&(resetByA|resetByB) != 0 { // it is over already, but perhaps not for a side that stayed open
		if c.bits&(openA|openB) != 0 && s.checkReset() == resetAccepted {
			s.resetAgain()
		}
		return
	}
	if s.own.awaitsAnswer(s.peer) && s.own.out.RejectedAt(s.seg.Seq) {
		s.emit(ChallengeRst, s.side) // it ends the peer's old connection, not this one
		return
	}
	switch s.checkReset() {
	case resetAccepted:
		c.bits |= resetBit(s.side)
		c.bits &^= pendingByA | pendingByB | openA | openB | foreignA | foreignB
		if s.foreignReset() {
			c.bits |= foreignBit(s.side)
		}
		s.emitReset(ResetSent)
	case resetPending:
		c.bits |= pendingBit(s.side) | challengeBit(s.side)
		s.emitReset(ResetDoubted)
	default:
		c.bits |= challengeBit(s.side)
		s.emitReset(ResetIgnored)
	}
}

// resetAgain processes a further RST where some side stayed open. One RST may be lost; where a second did not arrive either, nothing
// shows that the next one does. The open bit of a side that has reset the connection says that one was lost.
func (s *step) resetAgain() {
	c, open, lost := s.c, openBit(s.side.Peer()), openBit(s.side)
	switch {
	case c.bits&resetBit(s.side) == 0: // the side that stayed open closes
		c.bits &^= openA | openB
	case c.bits&open != 0 && c.bits&lost == 0:
		c.bits = c.bits&^open | lost
	}
}

// emitReset emits what became of the RST.
func (s *step) emitReset(k Kind) { s.emitAfter(k).n = s.peer.challenge() }

// challenge is 1 if the side's last segment is a challenge ACK: it answers a SYN or RST that was out
// of place (RFC 5961 3.2, 4.2).
func (e *end) challenge() uint32 {
	if e.dir.is(challenged) {
		return 1
	}
	return 0
}

type resetCheck uint8

const (
	resetIgnored resetCheck = iota
	resetPending
	resetAccepted
)

func (s *step) checkReset() resetCheck {
	seg, out, peer := s.seg, &s.own.out, s.peer
	// IN SYN_SENT a RST must acknowledge the SYN, and its sequence number does not matter (RFC
	// 9293 3.10.7.3). The peer is still there as long as no answer is known to have reached
	// it: neither the SYN of the other side, of a simultaneous open, nor a SYN-ACK that did
	// not keep it from asking again.
	if peer.dir.seenBySelf() == PhaseOpening && s.own.dir.Phase <= PhaseOpening {
		if seg.Flags&reassembly.ACK != 0 && seg.Ack.After(peer.out.ISS) && seg.Ack.AtOrBefore(peer.out.Nxt) {
			return resetAccepted
		}
		if s.own.dir.Phase == PhaseIdle {
			return resetIgnored
		}
	}
	if !out.Knows(reassembly.KnowNxt) && !out.Knows(reassembly.KnowUna) {
		return resetAccepted // nothing is known against it
	}
	una := out.Una
	if !out.Knows(reassembly.KnowUna) {
		una = out.Nxt
		if out.Knows(reassembly.KnowISS) {
			una = out.ISS
		}
	}
	switch {
	// IN PLACE: between what the peer acknowledged and what this side sent.
	case una.AtOrBefore(seg.Seq) && seg.Seq.AtOrBefore(out.Nxt):
		return resetAccepted
	// ANSWERING: at the acknowledgment of the segment it answers.
	case peer.last.Flags&reassembly.ACK != 0 && seg.Seq == peer.last.Ack:
		return resetAccepted
	// AT ITS FIN, acknowledged since: it answers what crossed the FIN, or follows
	// it at once (Linux tcp_reset_check takes it, for macOS; samples/reset-cause).
	case s.own.dir.Phase == PhaseFinAcked && seg.Seq == s.own.dir.FIN:
		return resetAccepted
	// IN THE WINDOW, elsewhere: the next segment decides.
	case una.AtOrBefore(seg.Seq) && s.mayBeInWindow():
		return resetPending
	}
	return resetIgnored
}

// mayBeInWindow says whether the segment lies left of the edge of the peer's
// window, which may be further right than is known while the scale is unknown.
func (s *step) mayBeInWindow() bool {
	out := &s.own.out
	if s.c.scaleUnknown() {
		return out.Acceptable(s.seg.Seq, 0, s.peer.maxWnd, true)
	}
	return out.Knows(reassembly.KnowEdge) && s.seg.Seq.Before(out.Edge)
}

// continued draws the conclusion from a side that continues to send after a RST in
// its name: the RST was not its own.
func (s *step) continued() {
	c := s.c
	if c.bits&outlivedBit(s.side) != 0 {
		c.bits &^= outlivedBit(s.side)
		s.emit(Resumed, s.side)
	}
	if c.bits&(resetByA|resetByB|pendingByA|pendingByB) == 0 {
		return
	}
	s.stayedOpen()
	if c.bits&pendingBit(s.side) != 0 {
		c.bits &^= pendingBit(s.side)
		s.emitAfter(ResetIgnored)
	}
	if c.bits&resetBit(s.side) != 0 && !s.passedByReset() && (time.Duration(s.seg.At-s.own.last.At) > reorderTime || s.accepts()) {
		c.bits &^= resetBit(s.side)
		s.emit(Revived, s.side)
	}
}

// passedByReset says whether the segment may have been sent before the side's RST, which overtook it:
// the RST answers data, and the segment does not acknowledge that.
func (s *step) passedByReset() bool {
	rst, data := &s.own.last, &s.peer.last
	if rst.Flags&reassembly.RST == 0 || data.SeqLen() == 0 || data.At > rst.At || time.Duration(s.seg.At-rst.At) >= maxLate || s.seg.Flags&reassembly.ACK == 0 {
		return false
	}
	answers := rst.Flags&reassembly.ACK == 0 && rst.Seq == data.Ack || rst.Flags&reassembly.ACK != 0 && rst.Ack == data.End()
	return answers && s.seg.Ack.AtOrBefore(data.Seq) && s.seg.Seq == s.own.out.Nxt
}

// foreignReset says whether the RST does not fit its side, by TTL, IP ID or sequence
// number: that is the side's next, or the acknowledgment that the RST answers.
func (s *step) foreignReset() bool {
	out, last := &s.own.out, &s.peer.last
	return s.foreign() || out.Knows(reassembly.KnowNxt) && s.seg.Seq != out.Nxt && !(last.Flags&reassembly.ACK != 0 && s.seg.Seq == last.Ack)
}

// afterOwnReset says whether the segment, which follows a RST of its side, is the one of
// the two that is somebody else's: the RST fits the side, and the segment does not, by TTL,
// IP ID or sequence number. Where its numbers continue those of another one so, the
// capture has a hole.
func (s *step) afterOwnReset() bool {
	own := s.own
	if s.c.bits&(resetBit(s.side)|foreignBit(s.side)) != resetBit(s.side) || own.last.Flags&reassembly.RST == 0 {
		return false
	}
	if s.foreign() {
		return !s.continuesIDs()
	}
	if !own.out.Knows(reassembly.KnowNxt) || !s.seg.Seq.After(own.out.Nxt) || own.out.RejectedAt(s.seg.Seq) {
		return false
	}
	own.out.Reject(s.seg.End())
	return true
}

// continuesIDs says whether the IP ID of the segment is next after those before the RST of
// its side, and that of the RST is not, though a busy host could have come to it: it is the
// RST that is somebody else's.
func (s *step) continuesIDs() bool {
	own, m := s.own, reassembly.MarkOf(s.seg)
	return !own.dir.habits().OtherTTL(&own.last, &m) && nextID(own.wlID, m.IPID) && !nextID(own.wlID, own.last.IPID)
}

// stayedOpen checks whether the segment shows that its side has not closed, although its
// peer has sent a RST: it challenges the RST (RFC 5961 3.2), or is sent on for more than a
// round trip, in which the RST should have arrived. It was lost behind the tap, or does
// not lie where the side expects it. A RST that was doubtful is then ignored.
func (s *step) stayedOpen() {
	c, rst := s.c, &s.peer.last
	if c.bits&(resetBit(s.side.Peer())|pendingBit(s.side.Peer())) == 0 || rst.Flags&reassembly.RST == 0 {
		return
	}
	wait := c.RTT()
	if wait == 0 {
		wait = minRTO
	}
	if time.Duration(s.seg.At-rst.At) <= max(wait, reorderTime) && !s.challenges(rst) {
		return
	}
	if c.bits&pendingBit(s.side.Peer()) != 0 {
		c.bits &^= pendingBit(s.side.Peer())
		s.ev.addWas(ResetIgnored, s.side.Peer(), peerLast, rst)
	} else if c.bits&openBit(s.side) == 0 {
		c.bits |= openBit(s.side)
		s.ev.addWas(StayedOpen, s.side, peerLast, rst)
	}
}

// challenges says whether the segment is a challenge ACK that answers the peer's RST:
// a repeated ACK, of another number than the RST has (RFC 5961 3.2). It follows on the
// RST as the side's answers do; sooner, an ACK only crosses it.
func (s *step) challenges(rst *reassembly.Mark) bool {
	seg, own := s.seg, s.own
	if s.n > 0 || seg.Seq != own.out.Nxt || seg.Ack == rst.Seq || own.last.At != 0 && seg.Ack != own.last.Ack {
		return false
	}
	return s.c.bits&pendingBit(s.side.Peer()) != 0 || time.Duration(seg.At-rst.At) >= s.c.handshakeRTT(s.side)
}

// refused says whether a RST in the side's name refused its peer's SYN, and the
// side has sent nothing else.
func (s *step) refused() bool {
	return s.c.bits&resetBit(s.side) != 0 && s.own.dir.Phase == PhaseIdle
}

// accepts says whether the segment is a SYN-ACK behind a RST that refused the SYN:
// what sends it cannot have sent a RST that does not lie behind it.
func (s *step) accepts() bool { return s.refused() && s.own.last.Seq != s.seg.End() }

// End says that the connection's record ends, and fills ev with what that brings to
// light: a doubtful RST that nothing followed counts, as the connection ended with it.
func (c *Conn) End(ev *Events) {
	ev.reset(c, nil)
	for side := range reassembly.Side(2) {
		if c.bits&pendingBit(side) == 0 {
			continue
		}
		c.bits &^= pendingByA | pendingByB
		c.bits |= resetBit(side)
		last := &c.ends[side].last
		c.updateStates(last.At)
		rst := last.Segment(c.Endpoint(side), c.Endpoint(side.Peer()))
		ev.seg, ev.Class = &rst, Rst
		ev.Before = [2]State{c.ends[0].state, c.ends[1].state} // it ended long ago
		ev.addWas(ResetSent, side, ownLast, last).n = c.ends[side.Peer()].challenge()
		return
	}
}
