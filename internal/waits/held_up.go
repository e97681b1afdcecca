package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// heldUp takes the first segment of the answer, sent again. Between one transmission and the next, a timeout passes at the server, each twice
// as long as the one before (RFC 6298 5.5): where they arrive in less, the path held the first one up, and the server had answered sooner. Its
// own timestamps would show that, too, see late. Its IP IDs show that the capture has all of them, in order.
func (s *step) heldUp() {
	first, seg, n := s.answerBegan().first, s.seg, s.told.rareOf(s.Account).resent
	if seg.Opts.Has&reassembly.HasTimestamps != 0 || first.IPID == 0 || seg.IPID != first.IPID+n+1 || seg.Seq != first.Seq || seg.Len != first.Len || n == mostResent {
		return
	}
	s.told.noteRare(s.Account).resent++
	timer := max(minRTO, s.roundTrip()) << n
	if more := min(timer-(seg.At-s.own.sent), s.thought); more > 0 {
		s.thought -= more
		s.Waits[detectors.ServerApp] -= more
		s.Waits[detectors.Network] += more
	}
}

// mostResent is how often hosts send a segment again at most (Linux: net.ipv4.tcp_retries2).
const mostResent = 15
