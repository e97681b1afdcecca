package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Step takes the connection's next segment, sent by side, and fills ev with
// what it brought to light, in the order of the kinds.
func (c *Conn) Step(seg *reassembly.Segment, side reassembly.Side, ev *Events) {
	ev.reset(c, seg)
	own, peer := &c.ends[side], &c.ends[side.Peer()]
	s := step{c: c, seg: seg, side: side, own: own, peer: peer, ev: ev}
	own.packets++
	if seg.Opts.Has&reassembly.OptionsCut != 0 {
		c.bits |= optionsCut
	}
	s.skippedIDs()
	switch {
	case seg.Flags&reassembly.RST != 0:
		s.class = Rst
		s.reset()
	case s.believed() || s.corroborated():
		s.goneOn()
		s.apply()
	default:
		s.class = Stray
		s.emit(Strayed, side)
	}
	s.emit(Sent, side)
	ev.Class = s.class
	s.remember()
	c.rename(reassembly.A, seg.At)
	c.rename(reassembly.B, seg.At)
	c.write(side, seg, ev.Kinds, s.class)
}

// step is one call of Step: the segment, and both sides as it sees them.
type step struct {
	c         *Conn
	seg       *reassembly.Segment
	own, peer *end
	ev        *Events
	side      reassembly.Side
	class     Class
}

// remember keeps the segment as its side's last, unless it was not the side's
// own for all that is known.
func (s *step) remember() {
	if s.class == Stray || s.class == Rst && s.ev.Kinds.Has(ResetIgnored) {
		return
	}
	s.own.last = reassembly.MarkOf(s.seg)
}

func (s *step) emit(k Kind, side reassembly.Side) { s.ev.add(k, side) }

// apply takes a believed segment: acknowledgment, window, then what it sends.
func (s *step) apply() {
	if s.seg.Flags&reassembly.ACK != 0 {
		moved := s.acknowledge()
		s.offerWindow(moved > 0)
	}
	if s.seg.Flags&reassembly.SYN != 0 {
		s.open()
	} else {
		s.send()
	}
}

// rename reads one end's state off the halves again.
func (c *Conn) rename(side reassembly.Side, at int64) {
	own := &c.ends[side]
	st := stateFrom(&own.half, &c.ends[side.Peer()].half)
	if c.bits&(resetByA|resetByB) != 0 {
		st = Closed
	}
	if st != own.state {
		own.state, own.since = st, at
	}
}

// acknowledge applies what the segment says of the peer's sequence space and
// returns how far UNA moved.
func (s *step) acknowledge() uint32 {
	seg, peer := s.seg, s.peer
	h := &peer.half
	if seg.Flags&reassembly.SYN != 0 && peer.packets == 0 && h.Phase == Idle { // the SYN it answers was missed
		peer.out.Open(seg.Ack - 1)
		h.Phase = Opening
	}
	moved, unseen := peer.out.Acked(seg.Ack)
	if unseen {
		s.c.hole = s.c.secondOf(seg.At) + 1
		s.emit(HoleAcked, s.side.Peer())
	}
	h.bits &^= synAckLost
	if moved > 0 {
		peer.row = 0
		if h.Phase == Opening || h.is(finFirst) {
			s.synAcked()
		}
		s.sampleRTT()
		s.emit(Advanced, s.side.Peer())
		s.ev.moved = moved
	}
	if h.Phase >= Shut && seg.Ack.After(h.FIN) {
		if h.Phase == Shut {
			h.Phase = Done
			s.doubt()
			s.emit(FinAcked, s.side.Peer())
		}
		h.bits &^= finAckLost
	}
	return moved
}

// synAcked notes the acknowledgment of the peer's SYN.
func (s *step) synAcked() {
	h := &s.peer.half
	h.bits &^= finFirst
	if h.Phase == Opening {
		h.Phase = Open
		s.doubt()
	}
	s.timeAnswer()
	s.emit(SynAcked, s.side.Peer())
}

// doubt notes that the peer's phase now rests on this segment's arrival.
func (s *step) doubt() {
	s.peer.half.doubt = s.own.out.Nxt
	s.peer.half.bits |= doubted
}

// settleDoubt sees whether the segment proves that an earlier ACK arrived. A
// side that speaks without SYN has left SYN_RECEIVED; one that acknowledges
// what its peer sent with or after that ACK has received it.
func (s *step) settleDoubt() {
	h := &s.own.half
	if h.is(doubted) && (h.Phase == Open || s.seg.Ack.After(h.doubt)) {
		h.bits &^= doubted
	}
}

// open takes a SYN or SYN-ACK.
func (s *step) open() {
	seg, own := s.seg, s.own
	s.class = Syn
	again := own.half.is(synSeen)
	own.half.bits |= synSeen
	own.out.Open(seg.Seq)
	own.opts |= seg.Opts.Has
	if seg.Opts.Has&reassembly.HasMSS != 0 {
		own.mss = seg.Opts.MSS
	}
	own.scale = min(seg.Opts.Scale, 14) // RFC 7323 2.3
	own.out.Send(seg.Seq, seg.SeqLen())
	if again {
		s.sentAgain()
		// A SYN that comes with an ACK now is the answer to the peer's, of a
		// simultaneous open (RFC 9293 figure 7), rather than a repeat.
		if own.half.Phase == Open && own.last.Flags&reassembly.ACK == seg.Flags&reassembly.ACK {
			own.half.bits |= synAckLost
		}
		s.emit(SynResent, s.side)
		return
	}
	if own.half.Phase == Idle {
		own.half.Phase = Opening
	}
	s.time()
	s.emit(Opened, s.side)
}

// send takes a segment without SYN and RST.
func (s *step) send() {
	seg, own := s.seg, s.own
	s.settleDoubt()
	own.half.bits |= spoke
	s.missedSYNs()
	n := seg.SeqLen()
	s.class = s.probeClass()
	was, knew := own.out.Nxt, own.out.Knows(reassembly.KnowNxt)
	place := own.out.Send(seg.Seq, n)
	if s.class == Plain {
		s.class = s.plainClass(place, was, knew)
	}
	fresh := freshBytes(seg, place, was)
	own.bytes += uint64(fresh)
	if fresh > 0 {
		s.c.roll(seg.At)
		own.recent[0] += fresh
	}
	if !own.half.is(timing) && n > 0 && place == reassembly.Fresh {
		s.time()
	}
	if n == 0 {
		own.acks = satInc(own.acks)
	}
	s.announce(fresh)
	if seg.Flags&reassembly.FIN != 0 {
		s.finish()
	} else if own.half.Phase >= Shut && seg.Len > 0 && seg.End().After(own.half.FIN) {
		s.beyondFin()
	}
}

// missedSYNs opens what must be open by the time that a side speaks without
// SYN, though the capture does not show how.
func (s *step) missedSYNs() {
	own, peer := &s.own.half, &s.peer.half
	if own.Phase == Idle { // its SYN was missed
		own.Phase = Open
	}
	if s.peer.packets == 0 { // the peer's part was missed, or is not captured at all
		own.Phase, peer.Phase = max(own.Phase, Open), max(peer.Phase, Open)
	}
}

// announce emits the events of the segment's class.
func (s *step) announce(fresh uint32) {
	switch s.class {
	case Probe:
		s.own.quietAt = clock(s.seg.At)
		s.own.tries = satInc(s.own.tries)
		s.emit(Probed, s.side)
		return
	case KeepAlive:
		s.emit(KeptAlive, s.side)
	case Retransmission:
		s.sentAgain()
		if s.seg.Len > 0 {
			s.emit(DataResent, s.side)
		}
	}
	if fresh > 0 {
		s.emit(DataSent, s.side)
	}
	if s.maybeProbe() {
		s.emit(MaybeProbed, s.side)
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

// sentAgain counts a retransmission. A segment sent twice is not timed: nobody
// can say which of the two was acknowledged (Karn; RFC 6298 3).
func (s *step) sentAgain() {
	s.own.rexmits++
	s.own.row = satInc(s.own.row)
	s.own.half.bits &^= timing
}

// finish takes the FIN of a segment.
func (s *step) finish() {
	h := &s.own.half
	f := s.seg.FINSeq()
	switch {
	case h.Phase < Shut:
		if h.Phase == Opening {
			h.bits |= finFirst
		}
		h.FIN, h.Phase = f, Shut
		if s.peer.half.Phase >= Shut {
			h.bits |= finSecond
		}
		if s.peer.half.Phase == Done {
			h.bits |= closedSecond
		}
		s.emit(FinSent, s.side)
		if s.own.out.Knows(reassembly.KnowUna) && s.own.out.Una.After(f) {
			s.finAckedBefore()
		}
	case f != h.FIN: // there is but one FIN (RFC 9293 3.10.4)
		s.beyondFin()
	default:
		h.bits |= finAgain
		// A resend that only crossed the ACK proves nothing.
		if h.Phase == Done && time.Duration(s.seg.At-s.peer.last.At) > max(reorderTime, s.c.RTT()) {
			h.bits |= finAckLost
		}
		s.emit(FinResent, s.side)
	}
}

// finAckedBefore takes a FIN whose ACK was captured first: captures reorder by
// microseconds. If that ACK was the peer's FIN, the peer closed second.
func (s *step) finAckedBefore() {
	h, peer := &s.own.half, s.peer
	h.Phase = Done
	h.doubt, h.bits = peer.out.Nxt, h.bits|doubted
	if peer.half.Phase >= Shut && peer.last.Flags&reassembly.FIN != 0 && peer.last.Ack.After(h.FIN) {
		h.bits &^= finSecond | closedSecond
		peer.half.bits |= finSecond | closedSecond
	}
	s.emit(FinAcked, s.side)
}

func (s *step) beyondFin() {
	s.own.half.bits |= beyondFin
	s.emit(SentBeyondFin, s.side)
}

// skippedIDs watches for segments that were sent but did not reach the tap:
// the sender's IP IDs, one by one so far, skip.
func (s *step) skippedIDs() {
	last := &s.own.last
	if s.seg.IPID == 0 || last.IPID == 0 || s.own.half.Phase < Shut || s.own.half.Phase == Done {
		return
	}
	if gap := s.seg.IPID - last.IPID; gap > 1 && gap <= 8 {
		s.c.bits |= skippedIDs
	}
}

func satInc(n uint8) uint8 { return n + 1 - n/255 }
