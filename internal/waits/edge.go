package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// needed is how much room in the window the side needs to send: a full segment, such as it sends now, or half of the
// largest window (RFC 9293 3.8.6.2.1), which is less on a loopback interface.
func (s *step) needed() uint32 {
	need, options := s.full(), uint32(maxOptions)
	if s.seg.Opts.Has&reassembly.HasTimestamps != 0 {
		options -= 12
	}
	need = max(need, min(s.seg.Len, need+options)) // offload may have joined several
	if r := &s.run; r.on && r.side == s.side && r.window > 0 {
		need = min(need, (r.window+1)/2)
	}
	return need
}

// stoppedAtEdge reports whether the side stopped because the window that it knew of ended at seq.
func (s *step) stoppedAtEdge(seq reassembly.Seq) bool {
	own, need := s.own, s.needed()
	return own.nearEdge(seq, need) && own.stoppedAtEdge(s.Account, max(own.sent, s.told.rareOf(s.Account).probed[s.side]), seq, need)
}

// fills reports whether the window that was offered when the last flight began to arrive ends at seq.
func (s *step) fills(seq reassembly.Seq) bool {
	room := seq.To(s.told.rareOf(s.Account).edge)
	return room >= 0 && uint32(room) < s.needed()
}

// stopped is where the side's payload ended before the segment, which is its first byte unless what comes before that
// is captured a moment later.
func (s *step) stopped() reassembly.Seq {
	if r := &s.run; r.on && r.side == s.side && r.end.Before(s.seg.Seq) {
		return r.end
	}
	return s.seg.Seq
}

// far reports whether the side, which goes on with the run, is farther from the tap than its peer.
func (s *step) far() bool {
	r := &s.run
	return r.on && r.side == s.side && s.own.rtt > s.peer.rtt && s.blind != detectors.UnknownWait
}

// filledFirstEdge reports whether the side, which is far from the tap and has paused for a round trip, did so after a
// flight that filled the window it was offered when the flight began to arrive. What was offered after that it may
// not have known, if this round trip is longer than the smallest. Another flight begins.
func (s *step) filledFirstEdge() bool {
	r := &s.run
	filled := r.edgeKnown && (s.fills(s.seg.Seq) || s.fills(s.stopped()))
	if n := s.Waits[detectors.SenderWindow] - s.told.repairsOf(s.Account).clocked; filled && n > 0 { // no ACK was needed within that flight
		s.relabel(detectors.SenderWindow, detectors.ReceiverWindow, n)
	}
	s.told.noteRare(s.Account).edge, r.edgeKnown = s.out.Edge, true
	return filled
}
