package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Step processes the connection's next segment, sent by side, and fills ev with what it
// proves, in the order of the kinds. Where the connection has many holes, they are in room;
// give it the same each time, and to Release in the end.
func (c *Conn) Step(seg *reassembly.Segment, side reassembly.Side, room *reassembly.Gaps, ev *Events) {
	ev.reset(c, seg)
	was := c.stateKey()
	own, peer := c.both(side)
	s := step{c: c, seg: seg, side: side, own: own, peer: peer, room: room, ev: ev, n: seg.SeqLen()}
	own.packets++
	if seg.Opts.Has&reassembly.OptionsCut != 0 {
		c.bits |= optionsCut
	}
	if seg.Missing != 0 {
		c.noteMissing(seg.Missing)
	}
	if seg.Seq|seg.Ack == 0 && own.neverCounts(seg, peer) {
		c.bits |= seqUnknown
	}
	s.skippedIDs()
	switch {
	case seg.Flags&reassembly.RST != 0:
		s.class = Rst
		s.reset()
	case !(c.bits&(resetByA|resetByB) != 0 && s.afterOwnReset()) && !s.answersBare() && (s.acceptable() || s.corroborated()):
		if c.bits&(outlivedA|outlivedB|resetByA|resetByB|pendingByA|pendingByB) != 0 {
			s.continued()
		}
		s.apply()
	default:
		s.class = OutOfWindow
		s.emit(SentOutOfWindow, side)
		s.wrongAnswer()
	}
	s.emit(Sent, side)
	ev.Class = s.class
	s.remember()
	if c.stateKey() != was || own.packets == 1 { // else both states stay, as with nearly all segments
		c.updateStates(seg.At)
	}
	c.write(side, seg, ev.Kinds, s.class)
	c.settle()
}

// step is one call of Step: the segment, and both sides as it sees them.
type step struct {
	c         *Conn
	seg       *reassembly.Segment
	own, peer *end
	room      *reassembly.Gaps
	ev        *Events
	n         uint32 // sequence numbers that the segment takes
	moved     uint32 // by how much it moved its peer's UNA
	side      reassembly.Side
	class     Class

	arrivedTwice bool // the segment shows that, by D-SACK, and nothing missing
}

// both are the ends, that of the side first.
func (c *Conn) both(side reassembly.Side) (own, peer *end) {
	if side == reassembly.A {
		return &c.ends[0], &c.ends[1]
	}
	return &c.ends[1], &c.ends[0]
}

// remember keeps the segment as its side's last, unless it was not the side's
// own, as far as is known.
func (s *step) remember() {
	seg := s.seg
	if s.class == OutOfWindow && s.own.packets+s.peer.packets == 1 { // nothing can be said against it yet
		s.own.countFrom(seg)
	} else if s.class == OutOfWindow || s.class == Rst && s.ev.Kinds&(1<<ResetIgnored|1<<ChallengeRst) != 0 {
		return
	}
	if s.class != Rst {
		s.habits()
		if s.own.breaksSilence(s.peer, seg.At) || s.c.idle != 0 {
			s.noteIdle()
		}
	}
	if s.own.last.At == 0 {
		s.own.device = DeviceOf(seg)
	}
	if seg.At < s.own.last.At || s.c.beyond != 0 {
		s.c.wentBack(s.peer, seg.At)
	}
	s.own.last.Set(seg)
}

func (s *step) emit(k Kind, side reassembly.Side) { s.ev.add(k, side, 0) }

// emitAfter emits an event of the segment's side that goes back to what that had
// sent before.
func (s *step) emitAfter(k Kind) *entry { return s.ev.addWas(k, s.side, ownLast, &s.own.last) }

// apply processes an acceptable segment: acknowledgment, window, then what it sends.
func (s *step) apply() {
	if s.seg.Flags&reassembly.ACK != 0 {
		misplaced := s.misplaced()
		s.moved = s.acknowledge()
		if s.seg.Missing&reassembly.MissingWindow == 0 && !misplaced {
			s.offerWindow()
		}
	}
	if s.seg.Flags&reassembly.SYN != 0 {
		s.open()
		return
	}
	s.send()
	if s.peer.row >= noProgressResends && s.moved == 0 && !s.peer.isSacked() && s.n == 0 {
		s.emit(NoProgress, s.side.Peer())
	}
}

// stateKey is all that both ends' states are read off, for comparison.
func (c *Conn) stateKey() uint64 {
	a, b := &c.ends[0].dir, &c.ends[1].dir
	return uint64(a.Phase)<<60 | uint64(b.Phase)<<56 | uint64(a.bits&stateBits)<<48 | uint64(b.bits&stateBits)<<40 |
		uint64(c.bits&(resetByA|resetByB|outlivedA|outlivedB|openA|openB|takenFINofA|takenFINofB))
}

// Where none of these bits is set, a state is what both phases say.
const (
	unclearBits = resetByA | resetByB | outlivedA | outlivedB | takenFINofA | takenFINofB
	unclearEnds = synAckLost | finAckLost | finFirst
)

// updateStates reads both ends' states off both directions again.
func (c *Conn) updateStates(at int64) {
	a, b := &c.ends[0], &c.ends[1]
	if c.bits&unclearBits != 0 || (a.dir.bits|b.dir.bits)&unclearEnds != 0 {
		c.updateState(reassembly.A, at)
		c.updateState(reassembly.B, at)
		return
	}
	a.become(stateOf[a.dir.Phase][b.dir.Phase].closedSecond(a.dir.bits), at) // nearly always
	b.become(stateOf[b.dir.Phase][a.dir.Phase].closedSecond(b.dir.bits), at)
}

// become has the end be in that state, since at if it was not.
func (e *end) become(st State, at int64) {
	if st != e.state {
		e.state, e.since = st, at
	}
}

// updateState reads one end's state off both directions again.
func (c *Conn) updateState(side reassembly.Side, at int64) {
	var st State
	if !c.isReset(side) && c.bits&outlivedBit(side) == 0 {
		st = c.readState(side)
	}
	c.ends[side].become(st, at)
}

// open processes a SYN or SYN-ACK.
func (s *step) open() {
	seg, own := s.seg, s.own
	s.class = Syn
	again := own.dir.is(synSeen)
	own.dir.bits |= synSeen
	own.out.Open(seg.Seq)
	own.opts |= seg.Opts.Has
	if s.echoesFalsely() {
		own.opts |= reassembly.FalseEcho
		s.peer.opts |= reassembly.FalseEcho
	}
	if seg.Opts.Has&reassembly.HasMSS != 0 {
		own.mss = seg.Opts.MSS
	}
	own.scale = min(seg.Opts.Scale, 14) << offeredScale // RFC 7323 2.3
	s.c.agreeScale()
	own.out.Send(seg.Seq, s.n, s.room)
	s.crossesRepeat(again)
	if again {
		s.sentAgain()
		// A SYN that comes with an ACK now is the answer to the peer's, of a
		// simultaneous open (RFC 9293 figure 7), rather than a repeat.
		if own.dir.Phase == PhaseOpen && own.last.Flags&reassembly.ACK == seg.Flags&reassembly.ACK {
			own.dir.bits |= synAckLost
		}
		if e := s.emitAfter(SynResent); s.echoesLater() {
			e.n = 1
		}
		s.stampSYN()
		return
	}
	s.stampSYN()
	if own.dir.Phase == PhaseIdle {
		own.dir.Phase = PhaseOpening
	}
	if s.side == reassembly.B && s.copies() {
		s.c.bits |= copiedID
	}
	s.c.time(own, seg)
	s.emit(Opened, s.side)
}

// crossesRepeat notes that both sides sent SYNs without ACK (RFC 9293 figure 7), and one of them twice: its peer
// challenges the second in SYN_RECEIVED (RFC 5961 4.2; Linux tcp_validate_incoming()).
func (s *step) crossesRepeat(again bool) {
	const synACK = reassembly.SYN | reassembly.ACK
	if s.seg.Flags&reassembly.ACK != 0 || s.peer.last.Flags&synACK != reassembly.SYN {
		return
	}
	if again {
		s.c.bits |= challengeBit(s.side)
	}
	if s.peer.row > 0 {
		s.c.bits |= challengeBit(s.side.Peer())
	}
}

// stampSYN notes the TSval of a SYN, in room that is not used until the peer shuts its window.
func (s *step) stampSYN() {
	if s.seg.Flags&reassembly.ACK == 0 && s.seg.Opts.Has&reassembly.HasTimestamps != 0 && !s.peer.dir.is(shut) {
		s.own.stamp = s.seg.Opts.TSVal
	}
}

// echoesLater reports whether a repeated SYN-ACK echoes what the peer sent after its SYN: that has
// arrived (RFC 7323 4.3).
func (s *step) echoesLater() bool {
	const synACK = reassembly.SYN | reassembly.ACK
	stamp := s.peer.synTSVal()
	return s.seg.Flags.Has(synACK) && s.seg.Opts.Has&reassembly.HasTimestamps != 0 && stamp != 0 && !s.own.dir.is(shut) &&
		reassembly.Seq(stamp).Before(reassembly.Seq(s.seg.Opts.TSEcr))
}

// echoesFalsely reports whether the SYN-ACK echoes another timestamp than that of the only SYN (RFC 7323 3.2):
// kernels of experiments carry delays there. 0 is no echo: some proxies that answer for a host send it.
func (s *step) echoesFalsely() bool {
	const synACK = reassembly.SYN | reassembly.ACK
	stamp, echo := s.peer.synTSVal(), s.seg.Opts.TSEcr
	return s.seg.Flags.Has(synACK) && s.seg.Opts.Has&reassembly.HasTimestamps != 0 && stamp != 0 && echo != 0 && echo != stamp &&
		s.peer.rexmits == 0 && !s.own.dir.is(shut)
}

// FalseEcho reports whether the timestamps that both sides echo are not those that they received.
func (c *Conn) FalseEcho() bool { return c.ends[0].opts&reassembly.FalseEcho != 0 }

// skippedIDs watches for segments that were sent but did not reach the tap:
// the sender's IP IDs, one by one so far, skip where its FIN was due again. Other connections
// may have used them: some hosts count for all of them to the same address.
func (s *step) skippedIDs() {
	last := &s.own.last
	if s.own.dir.Phase != PhaseFinSent || s.seg.IPID == 0 || last.IPID == 0 {
		return
	}
	due := s.c.rto(s.side) << min(s.own.row, 7)
	if s.seg.Flags&reassembly.FIN != 0 { // which is that one, or the one after it: each comes after twice the time (RFC 6298 5.5)
		due *= 2
	}
	if gap := s.seg.IPID - last.IPID; gap > 1 && gap <= 8 && time.Duration(s.seg.At-last.At) > due {
		s.c.bits |= skippedIDs
	}
}

// satInc counts on, as far as there is room.
func satInc[T uint8 | uint16](n T) T {
	if n+1 == 0 {
		return n
	}
	return n + 1
}
