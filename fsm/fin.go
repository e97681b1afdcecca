package fsm

import (
	"cmp"
	"math"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A FIN, and what shows that the side in whose name it came has not sent it: after its
// own FIN, the host's segments lie beyond it.

// finish processes the FIN of a segment.
func (s *step) finish() {
	h := &s.own.dir
	f := s.seg.FINSeq()
	switch {
	case h.Phase < PhaseFinSent:
		if h.Phase == PhaseOpening {
			h.bits |= finFirst
		}
		h.FIN, h.Phase = f, PhaseFinSent
		if s.own.tries == 0 && !s.peer.dir.is(shut) {
			s.own.stamp = 0
		}
		if s.peer.dir.Phase >= PhaseFinSent {
			h.bits |= finSecond
		}
		if s.c.seenByPeer(s.side.Peer()) == PhaseFinAcked {
			h.bits |= closedSecond
		}
		own, before := unpadded(s.seg.Len, s.seg.Flags), unpadded(s.own.last.Len, s.own.last.Flags)
		if own > 0 || before > 0 && s.own.last.Ack == s.seg.Ack {
			s.own.bits |= asked
			if cmp.Or(own, before) < ShortPayload {
				s.own.bits |= askedShort
			}
		}
		if s.seg.Len > 0 && s.ev.place == reassembly.Fresh {
			s.own.bits |= carried
		}
		s.c.bits &^= foreignFINBit(s.side) | deniedFINBit(s.side) | takenFINBit(s.side)
		s.own.bits &^= withdrawn
		if s.foreign() {
			s.c.bits |= foreignFINBit(s.side)
		}
		if s.lostBeforeFIN() {
			s.peer.wrote = lostBefore
		}
		s.emit(FinSent, s.side)
		s.closedWithoutData()
		if s.own.out.Knows(reassembly.KnowUna) && s.own.out.Una.After(f) {
			s.finAckedBefore()
		}
	case f != h.FIN && !(s.seg.Seq == h.FIN && s.seg.Len <= Padding && s.seg.Flags&reassembly.PSH == 0): // there is but one FIN (RFC 9293 3.10.4)
		s.emit(SentBeyondFin, s.side)
	default:
		// A resend that only crossed the ACK proves nothing.
		if h.Phase == PhaseFinAcked && !s.crossedAck() {
			h.bits |= finAckLost
		}
		// A side that sends the FIN again has sent it: small stacks that have not received its ACK
		// yet may send their own ACKs from its number (uIP, and VPN stacks on phones).
		if s.c.bits&foreignFINBit(s.side) == 0 {
			s.c.bits &^= deniedFINBit(s.side)
		}
		s.emitAfter(FinResent)
	}
}

// finOnSYN reports whether the segment's FIN has the sequence number of its side's SYN: it ends nothing, and the ACK of the SYN
// is not its own. Sent on a close in SYN_SENT, where there is nothing to end yet (RFC 9293 3.10.4).
func (s *step) finOnSYN() bool {
	return s.own.out.Knows(reassembly.KnowISS) && s.seg.FINSeq().AtOrBefore(s.own.out.ISS)
}

// ShortPayload is the payload, in bytes, below which a segment may be one that only ends a session:
// a TLS close_notify is 24 to 85 bytes.
const ShortPayload = 100

// Padding is the most bytes by which an Ethernet frame is padded that carries an IPv4 segment
// without options and payload. Some hosts and tunnels count them in the IP length.
const Padding = 6

// unpadded is the payload of a segment, or 0 if it may be padding.
func unpadded(n uint32, flags reassembly.Flags) uint32 {
	if n <= Padding && flags&reassembly.PSH == 0 {
		return 0
	}
	return n
}

// paddedFIN reports whether the payload of a FIN may be such padding. It is, if the ACK of the FIN
// has the number after its first byte: a segment is acknowledged as a whole.
func paddedFIN(last *reassembly.Mark) bool {
	return last.Flags&(reassembly.FIN|reassembly.PSH) == reassembly.FIN && last.Len > 0 && last.Len <= Padding
}

// finAckedBefore processes a FIN whose ACK was captured first: captures reorder by
// microseconds. If that ACK was the peer's FIN, the peer closed second.
func (s *step) finAckedBefore() {
	h, peer := &s.own.dir, s.peer
	h.Phase = PhaseFinAcked
	h.doubt, h.bits = peer.out.Nxt, h.bits|doubted
	if peer.dir.Phase >= PhaseFinSent && peer.last.Flags&reassembly.FIN != 0 && peer.last.Ack.After(h.FIN) {
		h.bits &^= finSecond | closedSecond
		peer.dir.bits |= finSecond | closedSecond
	}
	s.emit(FinAcked, s.side)
}

// seenByPeer is the phase of the side as its peer knows it.
func (c *Conn) seenByPeer(side reassembly.Side) Phase {
	if c.bits&takenFINBit(side) != 0 {
		return PhaseFinAcked
	}
	return c.ends[side].dir.seenByPeer()
}

// afterFIN checks whether the segment denies the FIN that came before it in its side's
// name. One is enough if the FIN does not fit the side by TTL or IP ID, else it takes two.
func (s *step) afterFIN() {
	c, seg, own := s.c, s.seg, s.own
	f := own.dir.FIN
	isFIN := seg.Flags&reassembly.FIN != 0
	foreign := c.bits&foreignFINBit(s.side) != 0
	if isFIN && seg.FINSeq() == f || seg.Seq.After(f) && !(isFIN && foreign) {
		s.confirmFIN(foreign)
		return
	}
	if last := &own.last; last.Flags&reassembly.FIN != 0 && last.End() == f+1 {
		s.emitAfter(SentBelowFin)
	}
	switch {
	case !s.fitsBeforeFIN(foreign), s.wasBehindFIN(&own.last, foreign), !foreign && s.keepsAlive(f):
		return
	case s.n == 0 && s.answersPeer():
		s.class = PureAck // not a keep-alive of the other
	case isFIN && foreign, !isFIN && seg.Len > 0 && seg.End().After(f):
	default:
		return
	}
	s.emit(FinDenied, s.side)
	if foreign || s.n == 0 && c.bits&deniedFINBit(s.side) != 0 {
		s.class = Plain
		own.out.Rewind(seg.Seq, s.room)
		s.withdrawFIN(s.side)
		return
	}
	c.bits |= deniedFINBit(s.side)
}

// confirmFIN takes back what a single empty segment denied, where the side's next is an empty one from behind the FIN: the
// first was its keep-alive, which has the number of the FIN (RFC 9293 3.8.4) and crossed what it seemed to answer. Payload
// in the place of the FIN may have one byte, and what follows it then proves nothing.
func (s *step) confirmFIN(foreign bool) {
	f, last := s.own.dir.FIN, &s.own.last
	if s.c.bits&deniedFINBit(s.side) == 0 || foreign || s.seg.Seq != f+1 || s.seg.SeqLen() != 0 || last.Seq != f || last.SeqLen() != 0 || s.foreign() {
		return
	}
	s.c.bits &^= deniedFINBit(s.side)
	s.emit(FinConfirmed, s.side)
}

// keepsAlive says whether the segment is, for all that it shows, the side's keep-alive after its FIN: a byte in its place, which
// is no payload (RFC 9293 3.8.4), and which no application pushed.
func (s *step) keepsAlive(fin reassembly.Seq) bool {
	return s.seg.Len == 1 && s.seg.Seq == fin && s.seg.Flags&(reassembly.PSH|reassembly.FIN) == 0
}

// wasBehindFIN says whether the side's last segment was an empty one from behind its FIN: a host that does not know of the
// FIN does not go back from there.
func (s *step) wasBehindFIN(last *reassembly.Mark, foreign bool) bool {
	return !foreign && s.n == 0 && last.Seq == s.own.dir.FIN+1 && last.SeqLen() == 0
}

// fitsBeforeFIN says whether the segment is the side's own, by TTL and IP ID. Where the
// FIN before it is not, a segment unlike the FIN is.
func (s *step) fitsBeforeFIN(foreign bool) bool {
	if last := &s.own.last; foreign && last.Flags&reassembly.FIN != 0 {
		ttl, gap := int(s.seg.TTL)-int(last.TTL), s.seg.IPID-last.IPID
		return ttl >= otherHop || ttl <= -otherHop || s.seg.IPID != 0 && last.IPID != 0 && gap > orderlyStep
	}
	return !s.foreign()
}

// answersPeer says whether an empty segment answers one that the peer has sent since the
// side's last: it acknowledges something new; or it follows on what calls for an ACK, later
// than an ACK from before the FIN can come. A sender whose FIN lies beyond a window that
// was taken back may send its ACKs from the window's edge (Linux tcp_acceptable_seq).
func (s *step) answersPeer() bool {
	seg, own, peer := s.seg, s.own, s.peer
	switch {
	case !own.out.Knows(reassembly.KnowEdge) || !own.out.Edge.After(own.dir.FIN):
		return false
	case s.c.Over(), seg.Ack.Before(peer.out.Una): // it is all the same, or an old one
		return false
	case s.moved > 0:
		return true
	}
	called := peer.last.SeqLen() > 0 || peer.last.Seq.Before(peer.out.Nxt) || peer.last.Ack.After(own.dir.FIN)
	return called && peer.last.At > own.last.At && time.Duration(seg.At-peer.last.At) <= maxAckDelay+s.c.RTT() &&
		time.Duration(seg.At-own.last.At) > max(reorderTime, s.c.RTT())
}

// withdrawFIN takes back the side's FIN: it was not its own. The peer may have accepted
// it, and then considers the side closed.
func (s *step) withdrawFIN(side reassembly.Side) {
	h := &s.c.ends[side].dir
	if h.Phase == PhaseFinAcked {
		s.c.bits |= takenFINBit(side)
	}
	h.Phase = PhaseOpen
	h.bits &^= closedSecond | finAckLost | finFirst | finSecond | doubted
	s.c.ends[side].bits = s.c.ends[side].bits&^(asked|askedShort|carried) | withdrawn
	s.c.bits &^= foreignFINBit(side) | deniedFINBit(side)
	s.emit(FinWithdrawn, side)
}

// finPause is how long after its ACK of the peer's FIN a side sent its first new payload: in
// steps of finPauseStep, and one more; 0 if it has sent none. lostBefore is another thing: see [step.lostBeforeFIN].
type finPause uint8

const (
	finPauseStep          = 10 * time.Millisecond
	lostBefore   finPause = math.MaxUint8
)

// lostBeforeFIN reports whether the peer's data was lost before this side sent its FIN: the peer had sent it again, the last time a
// retransmission timeout before the FIN or longer, and the FIN does not acknowledge it, though the window is open.
func (s *step) lostBeforeFIN() bool {
	peer := s.peer
	again := peer.row > 0 && peer.last.Len > 0 && peer.last.Seq.AtOrBefore(peer.out.Una) && peer.last.End().After(peer.out.Una)
	return again && peer.out.Knows(reassembly.KnowUna) && peer.wrote == 0 && !s.own.dir.is(shut) &&
		time.Duration(s.seg.At-peer.last.At) >= s.c.rto(s.side.Peer())
}

// finArrived reports whether the peer of a side that has sent FIN shows by its ACK that it has
// received it. The stacks of some VPN programs do not count the FIN of a segment with payload.
func (e *end) finArrived(ack reassembly.Seq) bool {
	return ack.After(e.dir.FIN) || ack == e.dir.FIN && e.bits&carried != 0 && !paddedFIN(&e.last)
}

// wroteAfterFIN notes when new payload follows on the ACK of the peer's FIN.
func (s *step) wroteAfterFIN() {
	own := s.own
	if own.wrote != 0 || s.peer.dir.Phase < PhaseFinSent || !s.peer.finArrived(s.seg.Ack) {
		return
	}
	own.wrote = 1
	if own.last.At != 0 && s.peer.finArrived(own.last.Ack) { // else it is not known since when
		own.wrote += finPause(min(max(s.seg.At-own.last.At, 0)/int64(finPauseStep), int64(lostBefore)-2))
	}
}
