package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// heldUp takes a segment of the answer, sent again. Before a server sends something again, a round trip passes (duplicate ACKs, a tail loss
// probe: RFC 8985 7.2) or, if it has sent just one segment, a timeout, each twice as long as the one before (RFC 6298 5.5): where it arrives in
// less than half of that, the path held the answer up. The server had sent it at most as long before as passes until its next timer: what
// that has sent is not here. Its own timestamps would show that, too, see late. Its IP IDs show that it is no copy, and that the capture has
// all that came between.
func (s *step) heldUp() {
	first, seg, n := s.answerBegan().first, s.seg, s.told.rareOf(s.Account).resent
	if seg.Opts.Has&reassembly.HasTimestamps != 0 || first.IPID == 0 || seg.IPID != s.own.ids.last+1 || seg.Seq.Before(first.Seq) || n == mostResent {
		return
	}
	soonest := s.roundTrip()
	if seg.IPID == first.IPID+n+1 {
		soonest = max(minRTO, soonest) << n
	}
	s.told.noteRare(s.Account).resent++
	if 2*(seg.At-first.At) >= soonest {
		return
	}
	timer := max(minRTO, firstRTO*s.roundTrip())
	held := timer << (n + 1)
	if n == 0 {
		held += timer
	}
	held = min(held, s.thought)
	s.thought = max(s.thought-held, min(s.thought, int64(detectors.PromptAnswer))) // nor was it prompt
	s.Waits[detectors.ServerApp] -= held
	s.Waits[detectors.Network] += held
}

// firstRTO is how many round trips a timeout lasts after the first was measured (RFC 6298 2.2), mostResent how often hosts send a segment again
// at most (Linux: net.ipv4.tcp_retries2).
const (
	firstRTO   = 3
	mostResent = 15
)
