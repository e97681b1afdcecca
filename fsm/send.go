package fsm

import (
	"math"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// send processes a segment without SYN and RST.
func (s *step) send() {
	seg, own := s.seg, s.own
	if own.dir.is(doubted) {
		s.settleDoubt()
	}
	own.dir.bits |= spoke
	if own.dir.Phase == PhaseIdle || s.peer.packets == 0 {
		s.missedSYNs()
	}
	if own.dir.Phase >= PhaseFinSent {
		s.afterFIN()
	}
	n := s.n
	if s.class == Plain && (seg.Seq != own.out.Nxt || s.peer.dir.is(shut)) { // else it is what comes next
		s.class = s.probeClass()
	}
	was, knew := own.out.Nxt, own.out.Knows(reassembly.KnowNxt)
	shown := own.out.Shown()
	place := own.out.Send(seg.Seq, n, s.room)
	if place == reassembly.Ahead && own.out.Overflowed() { // nobody knows what of it is captured yet
		s.c.hole = s.c.secondOf(seg.At) + 1
	}
	if s.class == Plain {
		s.class = s.plainClass(place, was, knew, shown)
		if place == reassembly.Ahead && n == 0 {
			own.out.Show(seg.Seq)
		} else if shown && n > 0 && s.class != Retransmission { // it was overtaken
			own.out.Unshow()
		}
	}
	s.ev.place = place
	fresh := freshBytes(seg, place, was)
	if fresh > 0 {
		s.c.count(own, s.peer, seg, fresh)
	}
	if !own.dir.is(timing) && n > 0 && place == reassembly.Fresh {
		s.c.time(own, seg)
	}
	if n == 0 {
		own.acks = satInc(own.acks)
		if s.class == DupAck {
			s.dupAck()
		}
	} else {
		own.noteSize(s.peer, seg)
	}
	s.announce(fresh)
	if n == 0 && s.peer.dir.Phase == PhaseFinSent {
		s.showsHole()
	}
	if seg.Flags&reassembly.FIN != 0 && !s.finOnSYN() {
		s.finish()
	} else if own.dir.Phase >= PhaseFinSent && seg.Len > 0 && seg.End().After(own.dir.FIN) {
		s.emit(SentBeyondFin, s.side)
	}
}

// count counts payload that was not seen before.
func (c *Conn) count(own, peer *end, seg *reassembly.Segment, fresh uint32) {
	own.bytes += uint64(fresh)
	c.roll(seg.At)
	own.recent[0] += fresh
	if seg.End() == own.out.Nxt {
		own.dir.bits = c.pushes(own, peer, seg, own.dir.bits)
	}
}

// pushes is what the side's bits are after the segment, its latest: whether it has more to send.
func (c *Conn) pushes(own, peer *end, seg *reassembly.Segment, bits directionBits) directionBits {
	if bits &^= unpushed; seg.Flags&(reassembly.PSH|reassembly.FIN) == 0 && c.cutShort(own, peer, seg) {
		bits |= unpushed
	}
	return bits
}

// noteSize notes a segment that is larger than the peer's MSS.
func (e *end) noteSize(peer *end, seg *reassembly.Segment) {
	if seg.Len > uint32(peer.mss) && peer.mss != 0 {
		e.dir.bits |= oversize
	}
}

// cutShort says whether the payload ends where it does because nothing more fits: the
// segment is full, or it reaches the right edge. What ends elsewhere without PSH may
// as well come from a TCP that does not set PSH.
func (c *Conn) cutShort(own, peer *end, seg *reassembly.Segment) bool {
	full := c.fullSegment()
	if own.mss|peer.mss == 0 {
		full = ethernetMSS
	}
	return seg.Len+maxOptions >= full || own.out.Knows(reassembly.KnowEdge) && !seg.End().Before(own.out.Edge)
}

// missedSYNs opens what must be open by the time that a side sends a segment without
// SYN, though the capture does not show how.
func (s *step) missedSYNs() {
	own, peer := &s.own.dir, &s.peer.dir
	if own.Phase == PhaseIdle { // its SYN was missed
		own.Phase = PhaseOpen
		if s.mayChallenge() {
			own.doubt, own.bits = s.peer.out.Nxt, own.bits|doubted
		}
	}
	if s.peer.packets == 0 { // the peer's part was missed, or is not captured at all
		own.Phase, peer.Phase = max(own.Phase, PhaseOpen), max(peer.Phase, PhaseOpen)
	}
}

// mayChallenge reports whether the segment is one that a side in SYN_RECEIVED sends, too: the
// challenge of another SYN (RFC 5961 4.2). That was captured, or of the handshake only the peer's
// SYN was; and no more is acknowledged. Who opened is there only if it has sent SYN-ACK, too.
func (s *step) mayChallenge() bool {
	peer := s.peer
	if s.side == reassembly.A && !s.own.last.Flags.Has(reassembly.SYN|reassembly.ACK) || s.n > 0 || !peer.out.Knows(reassembly.KnowISS) || s.seg.Ack != peer.out.ISS+1 {
		return false
	}
	again := s.own.dir.is(challenged) && peer.last.At <= s.own.last.At // it answers the next SYN
	return again || s.c.bits&challengeBit(s.side.Peer()) != 0 || !s.own.dir.is(synSeen) && !peer.dir.is(spoke)
}

// announce emits the events of the segment's class.
func (s *step) announce(fresh uint32) {
	switch s.class {
	case Probe:
		s.own.stamp = s.c.clock(s.seg.At)
		s.own.tries = satInc(s.own.tries)
		s.emit(Probed, s.side)
		return
	case KeepAlive:
		s.emitAfter(KeptAlive)
	case Retransmission:
		again := s.resend()
		s.sentAgain()
		if s.seg.Len > 0 {
			e := s.emitAfter(DataResent)
			e.n, e.age, e.dups, e.new = again.silence, again.age, s.own.dupACKs(), uint16(min(fresh, math.MaxUint16))
		}
	case OutOfOrder:
		if s.seg.Len > 0 {
			s.emit(DataOutOfOrder, s.side)
		}
	}
	if fresh > 0 {
		s.emit(DataSent, s.side)
		s.wroteAfterFIN()
		if end := s.seg.Seq + reassembly.Seq(s.seg.Len); s.own.out.Edge.Before(end) {
			s.overrun(uint32(end - s.own.out.Edge))
		}
		// WOKE: payload after a minute or more of silence on both sides. No middlebox of
		// note forgets a connection sooner.
		if s.silence() >= idleTime {
			s.emit(DataAfterIdle, s.side)
		}
		if s.nagleDelayed() {
			s.emitAfter(NagleDelay)
		}
	} else if s.n == 0 && s.repeatsAck() {
		s.emit(AckRepeated, s.side)
	}
	if s.maybeProbe() {
		s.emit(MaybeProbed, s.side)
	}
}

// idleTime is how long both sides must be silent for a connection to be idle.
const idleTime = time.Minute

// silence is how long neither side had sent anything before the segment.
func (s *step) silence() time.Duration {
	last := max(s.own.last.At, s.peer.last.At)
	if last == 0 {
		return 0
	}
	return time.Duration(s.seg.At - last)
}

// showsHole says whether an empty segment shows that the peer's FIN lies beyond a
// hole: it has arrived out of order, or something else beyond the hole has, and
// a receiver answers that at once with the acknowledgment that it sent before
// (RFC 5681 4.2), or with SACK.
func (s *step) showsHole() {
	if s.seg.Ack.Before(s.peer.dir.FIN) && (s.class == DupAck || s.seg.Opts.NBlocks > 0) {
		s.emit(FinOverHole, s.side.Peer())
	}
}

// freshBytes is how much of the payload was not seen before.
func freshBytes(seg *reassembly.Segment, place reassembly.Placement, was reassembly.Seq) uint32 {
	switch place {
	case reassembly.Repeat:
		return 0
	case reassembly.Overlap:
		return min(seg.Len, uint32(was.To(seg.Seq+reassembly.Seq(seg.Len))))
	}
	return seg.Len
}

// sentAgain counts a retransmission. A segment sent twice is not timed:
// either of the two may have been acknowledged (Karn; RFC 6298 3).
func (s *step) sentAgain() {
	s.own.rexmits++
	if !s.crossedAck() {
		s.own.row = satInc(s.own.row)
	}
	s.own.dir.bits &^= timing
}

// crossedAck says whether all of a segment that was sent again had been
// acknowledged, so shortly before that its sender cannot have known.
func (s *step) crossedAck() bool {
	return s.own.out.Covered(s.seg.End()) && time.Duration(s.seg.At-s.peer.last.At) <= max(reorderTime, s.c.RTT())
}
