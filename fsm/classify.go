package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Class is what a segment is for, as of when it was sent.
type Class uint8

// The classes.
const (
	Plain          Class = iota // not classified
	Syn                         // SYN or SYN-ACK
	NewData                     // payload or FIN not seen before
	Retransmission              // payload or FIN seen before
	OutOfOrder                  // payload that fills a hole, too soon to be a retransmission, or the late original of one
	KeepAlive                   // one below NXT, while the peer's window is open (RFC 9293 3.8.4)
	Probe                       // a zero-window probe (RFC 9293 3.8.6.1)
	Ambiguous                   // probe or keep-alive: the peer's window was never seen
	WindowUpdate                // a pure ACK that changes only the window
	DupAck                      // a pure ACK that repeats, with data in flight (RFC 5681 2)
	PureAck                     // any other segment that carries nothing
	ChallengeAck                // a pure ACK that answers a SYN or RST out of place (RFC 5961)
	Rst                         // RST
	OutOfWindow                 // far outside the sequence space
	numClasses
)

var classNames = [numClasses]string{
	"", "SYN", "new data", "retransmission", "out of order", "keep-alive", "zero-window probe",
	"probe or keep-alive", "window update", "duplicate ACK", "pure ACK", "challenge ACK", "RST", "out of window",
}

// String is the class in words: "zero-window probe".
func (c Class) String() string { return classNames[c] }

// reorderTime is how long a captured segment may be late without being a
// retransmission, where the round trip is unknown or shorter: the 3 ms that
// Wireshark allows.
const reorderTime = 3 * time.Millisecond

// maxLate is longer than any network delays a packet that others overtake.
const maxLate = time.Second

// plainClass classifies what is neither probe nor keep-alive. was is NXT before
// the segment, knew whether it was known, shown whether an empty segment had shown more.
func (s *step) plainClass(place reassembly.Placement, was reassembly.Seq, knew, shown bool) Class {
	seg, own := s.seg, s.own
	if s.n == 0 {
		return s.ackClass(was, knew)
	}
	switch place {
	case reassembly.Repeat:
		if s.uncounted() {
			return NewData
		}
		// Late, by the numbers that its sender gave: it is from before the first one captured, which
		// overtook it, or the original of what was sent again.
		if earliest := !own.out.Knows(reassembly.KnowISS) && seg.Seq.AtOrBefore(own.out.ISS); s.numbered() == before &&
			(earliest || own.dir.counted() && time.Duration(seg.At-own.last.At) < maxLate) {
			return OutOfOrder
		}
		return Retransmission
	case reassembly.Filling:
		// RETRANSMISSION or OUT OF ORDER: a segment that fills a hole is late by
		// reordering if its sender numbered it before what overtook it. It was sent
		// again if a sender that counts numbered it after that; or if the peer asked for it, and
		// it is numbered so or the peer is so far away that it was not asked for too soon.
		numbered := s.numbered()
		if numbered == before && time.Duration(seg.At-own.last.At) < maxLate {
			return OutOfOrder
		}
		acked := own.out.Knows(reassembly.KnowUna) && seg.Seq.Before(own.out.Una)
		beyond := own.last.Seq.After(seg.Seq) || !acked // the side was past it
		if numbered == after && beyond && own.dir.counted() && !s.tooSoonAgain() || own.lossShown() && (numbered == after || s.c.smoothedRTT(s.side) >= reorderTime) {
			return Retransmission
		}
		// Else it is late if what overtook it is younger than a round trip: a later
		// segment, or the peer's ACK.
		overtaker := &own.last
		if acked {
			overtaker = &s.peer.last
		}
		if time.Duration(seg.At-overtaker.At) < max(reorderTime, s.c.RTT()) && own.row == 0 {
			return OutOfOrder
		}
		return Retransmission
	case reassembly.Overlap:
		// REPACKETISED: what was sent before, and more that has come since (RFC 9293 3.8.1). One byte
		// is a probe of a shut window, which the next segment has again. At once, only what follows something else
		// that was sent again is: else its sender counts wrong.
		goesBack := own.last.Len > 0 && own.last.End().Before(was) && !own.dir.is(timing)
		if later := time.Duration(seg.At-own.last.At) >= reorderTime; seg.Seq.To(was) > 1 && (later || goesBack) && !s.uncounted() && !s.ackedEarly(was) || shown && s.shownSent() {
			return Retransmission
		}
	case reassembly.Fresh:
		if shown && s.shownSent() {
			return Retransmission
		}
	}
	return NewData
}

// ackedEarly reports whether the segment, which ends beyond was, was captured after its ACK: of what it has below
// was, the side had sent nothing, and the peer acknowledged just that less than a round trip before. A receiver
// that coalesces segments acknowledges some before it hands over the whole.
func (s *step) ackedEarly(was reassembly.Seq) bool {
	own, peer := s.own, s.peer
	return own.last.End().AtOrBefore(s.seg.Seq) && peer.last.Ack == was && own.out.Knows(reassembly.KnowUna) && own.out.Una == was &&
		time.Duration(s.seg.At-peer.last.At) < max(reorderTime, s.c.RTT())
}

// tooSoonAgain reports whether it is too soon for anything in flight to be sent again: all of it was sent in the
// last half round trip, nothing of it since, and the peer has shown no hole. What fills one has been overtaken, even
// if its sender numbered it late: a host with several queues may number packets in another order than it made them.
func (s *step) tooSoonAgain() bool {
	own := s.own
	return own.dir.is(timing) && own.row == 0 && !own.lossShown() &&
		time.Duration(s.c.elapsed(own.rttAt, s.seg.At))*time.Microsecond < s.c.RTT()/2
}

// shownSent reports whether the side had sent what the segment carries before, though the tap did
// not see it, as an empty segment has shown. If that was its last, it may have overtaken this one; if
// another came since that was sent again, this one is, too.
func (s *step) shownSent() bool {
	last := &s.own.last
	if last.Len > 0 || !last.Seq.After(s.seg.Seq) {
		return true
	}
	late := reorderTime
	if s.numbered() != after {
		late = max(late, s.c.RTT())
	}
	earlier := s.seg.IPID != 0 && int16(s.seg.IPID-last.IPID) < 0 // however much: its sender was busy
	return !earlier && time.Duration(s.seg.At-last.At) >= late
}

// ackClass classifies a segment that carries nothing.
func (s *step) ackClass(was reassembly.Seq, knew bool) Class {
	seg, own, peer := s.seg, s.own, s.peer
	last := &own.last
	inPlace := knew && seg.Seq == was && last.Flags&reassembly.ACK != 0 && seg.Ack == last.Ack
	// CHALLENGE ACK: repeats itself to a SYN or RST that was out of place.
	if bit := challengeBit(s.side.Peer()); s.c.bits&bit != 0 {
		s.c.bits &^= bit
		if last.At == 0 || last.Flags&reassembly.ACK != 0 && seg.Ack == last.Ack {
			return ChallengeAck
		}
	}
	switch {
	case !inPlace:
		return PureAck
	// WINDOW UPDATE: same seq, same ack, another window.
	case seg.Window != last.Window:
		return WindowUpdate
	// DUPLICATE ACK: same seq, ack and window, with data of the peer in flight.
	case peer.out.InFlight() > 0:
		return DupAck
	}
	return PureAck
}

// acceptable says whether the segment can belong to this connection at all. A
// forged segment rarely can; see Stream.Acceptable.
func (s *step) acceptable() bool {
	seg, own, peer := s.seg, s.own, s.peer
	if seg.Flags&reassembly.SYN != 0 {
		return s.acceptableSYN()
	}
	if seg.Flags&reassembly.ACK == 0 { // RFC 9293 3.10.7.4: "if the ACK bit is off, drop the segment"
		return false
	}
	if s.refused() { // it has no socket, unless it sends SYN-ACK
		return false
	}
	if seg.Seq == own.out.Nxt && uint32(peer.out.Nxt-seg.Ack) <= peer.out.InFlight() {
		return true // the common case
	}
	if peer.awaitsAnswer(own) && seg.Ack.AtOrBefore(peer.out.ISS) {
		return false
	}
	wide := s.c.scaleUnknown()
	return own.out.Acceptable(seg.Seq, s.n, peer.maxWnd, wide) &&
		peer.out.Acceptable(seg.Ack, 0, own.maxWnd, wide)
}

// acceptableSYN: there is one initial sequence number each way, and a SYN-ACK
// acknowledges the other.
func (s *step) acceptableSYN() bool {
	seg, own, peer := s.seg, s.own, s.peer
	switch {
	case own.out.Knows(reassembly.KnowISS):
		if own.out.ISS != seg.Seq {
			break
		}
		fallthrough
	case !own.out.Knows(reassembly.KnowNxt), own.out.Una == seg.Seq+1:
		if seg.Flags&reassembly.ACK == 0 || !peer.out.Knows(reassembly.KnowISS) {
			return true
		}
		if seg.Ack.After(peer.out.ISS) && seg.Ack.AtOrBefore(peer.out.Nxt) {
			return true
		}
	}
	s.c.bits |= challengeBit(s.side)
	return false
}

// corroborated says whether an out-of-window segment is confirmed by others: it fits
// what the other side sent before it, or one of SEQ and ACK fits the connection and the
// other fits the segment before. Then the capture has a hole, and the connection
// continues behind it.
func (s *step) corroborated() bool {
	seg, own, peer, c := s.seg, s.own, s.peer, s.c
	if seg.Flags&reassembly.SYN != 0 || seg.Flags&reassembly.ACK == 0 {
		return false
	}
	wide := c.scaleUnknown()
	if s.settles() {
		return true
	}
	// Of a side that has sent nothing yet, any number would do: that is no evidence.
	waits := peer.awaitsAnswer(own)
	seqOK := !waits && own.out.Acceptable(seg.Seq, s.n, peer.maxWnd, wide)
	ackOK := peer.out.Acceptable(seg.Ack, 0, own.maxWnd, wide) && !(waits && seg.Ack.AtOrBefore(peer.out.ISS))
	seqNear, ackNear := own.out.NearRejected(seg.Seq), peer.out.NearRejected(seg.Ack)
	byPeer := (c.bits&rejectedByA != 0) != (s.side == reassembly.A)
	own.out.Reject(seg.End())
	peer.out.Reject(seg.Ack)
	c.bits &^= rejectedByA
	if s.side == reassembly.A {
		c.bits |= rejectedByA
	}
	if !(seqOK && ackNear || ackOK && seqNear || seqNear && ackNear && (byPeer || peer.packets == 0)) {
		return false
	}
	if !seqOK {
		own.out.Jump(seg.Seq, s.room)
	}
	if !ackOK {
		peer.out.Jump(seg.Ack, s.room)
	}
	c.hole = c.secondOf(seg.At) + 1
	return true
}
