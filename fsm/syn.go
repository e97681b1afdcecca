package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// What may befall a SYN before it is answered, besides silence and RST.

// awaitsAnswer says whether this end has sent a SYN, and its peer nothing that
// belongs to the connection.
func (e *end) awaitsAnswer(peer *end) bool {
	return e.dir.Phase == PhaseOpening && peer.dir.Phase == PhaseIdle && e.out.Knows(reassembly.KnowISS)
}

// wrongAnswer processes an out-of-window segment: is it a host's answer to the peer's
// SYN that belongs to another connection? In SYN_SENT, what does not
// acknowledge the SYN is not acceptable, and draws a RST at its ACK number (RFC
// 9293 3.10.7.3).
func (s *step) wrongAnswer() {
	seg, peer := s.seg, s.peer
	if s.another() {
		s.own.out.Reject(seg.End())
	}
	if !peer.awaitsAnswer(s.own) || seg.Len > 0 || s.answersBare() {
		return
	}
	kind := SynChallenged
	switch seg.Flags & (reassembly.SYN | reassembly.FIN | reassembly.ACK) {
	case reassembly.ACK: // CHALLENGE: it has a connection with other numbers (RFC 5961 4.2)
	case reassembly.SYN | reassembly.ACK:
		kind = SynMisacked
	default:
		return
	}
	peer.out.Reject(seg.Ack)
	s.own.countFrom(seg)
	s.ev.addWas(kind, s.side.Peer(), peerLast, &peer.last)
}

// answersBare says whether the segment acknowledges the peer's SYN, and nothing else, without a SYN of its own. That
// opens nothing: in SYN_SENT it is dropped (RFC 9293 3.10.7.3), also with a FIN. Some NATs answer repeated SYNs so while they
// cannot reach the server, and libslirp closes so when it cannot. Where the SYN-ACK is missing from the capture, what the peer sends next shows it.
func (s *step) answersBare() bool {
	return s.seg.Len == 0 && s.seg.Flags&(reassembly.SYN|reassembly.ACK|reassembly.RST) == reassembly.ACK &&
		s.peer.awaitsAnswer(s.own) && !s.peer.dir.is(spoke) && s.seg.Ack == s.peer.out.ISS+1
}

// another says whether the segment is another SYN-ACK than the one that the side
// has sent so far, while nothing shows that the peer has got that: a host that
// forgot the SYN, or never remembers any (RFC 4987 3.6), answers the next one with
// another ISN, and so does another host behind the same address.
func (s *step) another() bool {
	const synACK = reassembly.SYN | reassembly.ACK
	return s.seg.Flags.Has(synACK) && s.own.dir.Phase == PhaseOpening && s.peer.out.Knows(reassembly.KnowISS) &&
		s.seg.Ack.After(s.peer.out.ISS) && s.seg.Ack.AtOrBefore(s.peer.out.Nxt)
}

// settles says whether the segment shows that the other SYN-ACK is the one that
// counts: it acknowledges that, or continues from there.
func (s *step) settles() bool {
	seg, own, peer := s.seg, s.own, s.peer
	wide := s.c.scaleUnknown()
	switch {
	case own.dir.Phase == PhaseOpen && peer.dir.Phase == PhaseOpening && peer.out.Knows(reassembly.KnowISS) && peer.out.RejectedAt(seg.Ack):
		if own.out.Acceptable(seg.Seq, s.n, peer.maxWnd, wide) {
			peer.out.Reopen(seg.Ack-1, s.room)
			peer.dir.bits &^= timing // of the SYN-ACK that this does not answer
			return true
		}
	case own.dir.Phase == PhaseOpening && peer.dir.Phase == PhaseOpen && own.out.Knows(reassembly.KnowISS) && own.out.RejectedAt(seg.Seq):
		if peer.out.Acceptable(seg.Ack, 0, own.maxWnd, wide) {
			own.out.Reopen(seg.Seq-1, s.room)
			own.dir.bits &^= timing
			return true
		}
	}
	return false
}

// countFrom has relative numbers of this end, of which nothing is known, begin
// with the segment.
func (e *end) countFrom(seg *reassembly.Segment) {
	if e.out.Knows(reassembly.KnowISS) || e.out.Knows(reassembly.KnowNxt) {
		return
	}
	e.out.ISS = seg.Seq
	if seg.Flags&reassembly.SYN == 0 {
		e.out.ISS--
	}
}

// AwaitsAnswer reports whether the side has sent a SYN that nothing of this
// connection has answered, not even a RST.
func (c *Conn) AwaitsAnswer(side reassembly.Side) bool {
	return c.ends[side].awaitsAnswer(&c.ends[side.Peer()]) && !c.Over()
}

// IsAttempt reports whether the connection is no more than a SYN that nobody has answered.
// Anybody can send one in a host's name.
func (c *Conn) IsAttempt() bool { return c.AwaitsAnswer(reassembly.A) }

// IsOpening reports whether nobody has sent more than SYNs, their answers included, or
// one segment of a connection that was not seen to begin.
func (c *Conn) IsOpening() bool {
	a, b := &c.ends[reassembly.A], &c.ends[reassembly.B]
	return !a.dir.is(spoke) && !b.dir.is(spoke) || a.packets+b.packets <= 1
}

// closedWithoutData processes the first FIN of a side that was connected to: did either
// side send data?
func (s *step) closedWithoutData() {
	own, peer := s.own, s.peer
	opened := own.dir.bits&peer.dir.bits&synSeen != 0 && own.out.Knows(reassembly.KnowUna) && peer.dir.Phase == PhaseOpen
	if s.side == reassembly.B && opened && s.c.bits&(resetByA|resetByB) == 0 && s.seg.Len == 0 &&
		s.seg.Seq == own.out.ISS+1 && own.out.Una == s.seg.Seq && peer.out.Nxt == peer.out.ISS+1 {
		s.ev.addWas(ClosedWithoutData, s.side, peerLast, &peer.last)
	}
}
