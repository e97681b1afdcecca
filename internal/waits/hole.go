package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// again accounts for the time before payload that was sent again: a round trip after
// it was first sent, its acknowledgment was due.
func (s *step) again(place reassembly.Placement) {
	seg, own := s.seg, s.own
	s.run.resent = s.run.resent || s.run.side == s.side
	if !s.out.Covered(seg.End()) {
		if s.run.side != s.side && !s.peer.open {
			s.endTransfer() // the other side waits for this
		}
		if !own.open {
			s.run.resends, s.run.twice = 0, 0
			due := max(own.first, own.sent) + s.roundTrip()
			if own.first != 0 {
				due = own.first + s.roundTrip()
			}
			s.give(s.awaiting(), min(due, seg.At))
		}
		s.open(seg.End())
		s.give(detectors.Loss, seg.At)
		s.lost = true
		s.run.sentAgain(s.side)
	}
	if s.replying && s.side == reassembly.B && place == reassembly.Repeat {
		s.heldUp()
	}
	own.sent, own.sentLen = seg.At, seg.Len
	if s.asking && s.side == reassembly.A && !s.out.Covered(seg.End()) { // it had not arrived
		s.request = reassembly.MarkOf(seg)
	}
	s.ask()
}

// awaiting is what a side waits for that has data in flight, within a round trip.
func (s *step) awaiting() detectors.Wait {
	if s.own.sentLen >= s.full() {
		return s.sender()
	}
	return detectors.Network
}

// open notes that what the side sent before end lacks something.
func (s *step) open(end reassembly.Seq) {
	if hole := &s.Account.hole[s.side&1]; !s.own.open || hole.Before(end) {
		*hole = end
	}
	s.own.open = true
	s.run.repairs(s.side)
}

// repairs notes that the side lacks something of what it sent.
func (r *run) repairs(side reassembly.Side) { r.repaired = r.repaired || r.side == side }

// hole follows a hole of the peer's that the segment shows, or may close.
func (s *step) hole(out *reassembly.Stream, kinds fsm.Kinds) {
	peer := s.peer
	peer.shown = peer.shown || kinds.Has(fsm.HoleShown)
	if kinds.Has(fsm.HoleShown) && !peer.open && out.InFlight() > 0 {
		if peer.sentLen >= s.full() {
			s.give(s.sender(), s.seg.At)
		} else {
			s.give(detectors.Network, s.seg.At)
		}
		peer.open, s.Account.hole[s.side.Peer()&1] = true, out.Una+1
		s.run.repairs(s.side.Peer())
	}
	if !peer.open || out.Una.Before(s.Account.hole[s.side.Peer()&1]) || s.seg.Opts.NBlocks > 0 && s.lost && out.InFlight() > 0 {
		return
	}
	s.mended(peer)
}

// late closes a hole of the side that nothing but the capture showed: what was missing has
// come, and had only been captured late.
func (s *step) late() {
	if s.own.open {
		s.lateOnly()
	}
}

func (s *step) lateOnly() {
	if !s.own.shown && s.out.Whole() {
		s.mended(s.own)
	}
}

// mended closes a hole. If nothing was sent again, nothing was lost.
func (s *step) mended(e *end) {
	e.open, e.shown = false, false
	if s.lost && e == &s.ends[s.run.side] {
		s.told.noteRepairs(s.Account).repair = s.provisional
		s.settleRepair()
	}
	if s.own.open || s.peer.open {
		return
	}
	if !s.lost {
		s.move(s.sender())
	}
	s.provisional, s.lost = 0, false
}

// unseen accounts for the time before a segment that acknowledges what was not captured: payload
// between that of a transfer, or an answer.
func (s *step) unseen() {
	if s.run.side == s.side {
		s.endTransfer()
	}
	if s.side == reassembly.A {
		s.asking, s.pipelined = false, false
	}
	s.blame(Holes)
	s.give(detectors.UnknownWait, s.seg.At)
}
