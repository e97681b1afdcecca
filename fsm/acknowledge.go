package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// acknowledge applies the segment's acknowledgment to the peer's sequence space and
// returns how far UNA moved.
func (s *step) acknowledge() uint32 {
	seg, peer := s.seg, s.peer
	h := &peer.dir
	if seg.Flags&reassembly.SYN != 0 && peer.packets == 0 && h.Phase == PhaseIdle { // the SYN it answers was missed
		peer.out.Open(seg.Ack - 1)
		h.Phase = PhaseOpening
	}
	ack := seg.Ack
	switch {
	case peer.bits&withdrawn == 0:
	case ack == h.FIN+1 && ack.After(peer.out.Nxt): // of a FIN that was not the peer's own
		s.c.bits |= takenFINBit(s.side.Peer())
		ack = h.FIN
	case ack.After(h.FIN + 1): // it took what came after that, too
		s.c.bits &^= takenFINBit(s.side.Peer())
	}
	first := !peer.out.Knows(reassembly.KnowUna)
	moved, unseen := peer.out.Acked(ack, s.room)
	if unseen > 0 {
		whole := s.c.hole == 0 && s.c.Bytes(s.side.Peer()) > 0
		s.c.hole = s.c.secondOf(seg.At) + 1
		s.c.roll(seg.At)
		peer.recent[0] += unseen
		h.bits &^= unpushed
		if e := s.ev.add(HoleAcked, s.side.Peer(), moved); whole {
			e.age = s.c.elapsed(s.c.clock(s.c.Last()), seg.At)
		}
	}
	h.bits &^= synAckLost
	if peer.row > 0 && (moved > 0 || first && peer.last.Len > 0 && peer.last.End().AtOrBefore(ack)) {
		peer.row = 0
		e := s.ev.add(ResendAcked, s.side.Peer(), 0)
		e.age = s.unheard(moved)
		if e.dups = peer.dupACKs(); peer.isSacked() {
			e.dups = max(e.dups, 1)
		}
	}
	if moved > 0 {
		peer.dups = 0
		if peer.wrote == lostBefore { // it arrived after all
			peer.wrote = 0
		}
		if h.Phase == PhaseOpening || h.is(finFirst) {
			s.synAcked()
		}
		s.sampleRTT()
		s.ev.add(Advanced, s.side.Peer(), moved)
	} else if first { // midstream
		s.sampleRTT()
	}
	if seg.Opts.NBlocks > 0 {
		s.sack()
	}
	if h.Phase == PhaseFinSent && s.c.bits&deniedFINBit(s.side.Peer()) != 0 && seg.Ack.After(h.FIN+1) {
		s.withdrawFIN(s.side.Peer()) // it took what the peer sent in the place of the FIN
	}
	if fin := &peer.last; h.Phase == PhaseFinSent && paddedFIN(fin) && fin.Seq+reassembly.Seq(fin.Len) == h.FIN && seg.Ack == fin.Seq+1 {
		h.FIN = fin.Seq
		peer.out.Rewind(h.FIN+1, s.room)
	}
	if h.Phase >= PhaseFinSent && seg.Ack.After(h.FIN) {
		if h.Phase == PhaseFinSent {
			h.Phase = PhaseFinAcked
			s.doubt()
			s.emit(FinAcked, s.side.Peer())
		}
		h.bits &^= finAckLost
	}
	return moved
}

// synAcked notes the acknowledgment of the peer's SYN.
func (s *step) synAcked() {
	h := &s.peer.dir
	h.bits &^= finFirst
	if h.Phase == PhaseOpening {
		h.Phase = PhaseOpen
		s.doubt()
	}
	s.emit(SynAcked, s.side.Peer())
	s.timeAnswer()
}

// doubt notes that the peer's phase now rests on this segment's arrival.
func (s *step) doubt() {
	s.peer.dir.doubt = s.own.out.Nxt
	s.peer.dir.bits |= doubted
}

// settleDoubt sees whether the segment proves that an earlier ACK arrived, on which the phase rests. A
// side that speaks without SYN, and challenges none, has left SYN_RECEIVED; one that
// acknowledges what its peer sent with or after that ACK has received it.
func (s *step) settleDoubt() {
	h := &s.own.dir
	if h.Phase == PhaseOpen && !s.mayChallenge() || s.seg.Ack.After(h.doubt) {
		h.bits &^= doubted
	}
}
