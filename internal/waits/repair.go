package waits

import (
	"math"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// meanwhile notes what the run's side sends for the first time with the segment, or before it without having been captured,
// while something is missing, and how long after what came before: within two round trips, it went on.
func (s *step) meanwhile() {
	if r := &s.run; r.on && r.side == s.side {
		if gap := s.seg.At - r.last.At; gap <= 2*s.roundTrip() {
			r.wentOn += gap
		}
		r.fresh += uint64(max(r.end.To(s.seg.Seq+reassembly.Seq(s.seg.Len)), 0))
	}
}

// sentAgain notes that the run's side sent something again, as if it had been lost.
func (r *run) sentAgain(side reassembly.Side) {
	if r.side == side && r.resends < math.MaxUint8 {
		r.resends++
	}
}

// arrivedTwice notes that a D-SACK reports something of the run's side (RFC 2883).
func (r *run) arrivedTwice(side reassembly.Side) {
	if r.side == side && r.twice < r.resends {
		r.twice++
		r.settle()
	}
}

// settle notes how long the latest repair took, once that is known, if all that was sent again had arrived: nothing was lost.
func (r *run) settle() {
	if r.resends > 0 && r.twice == r.resends {
		r.unneeded += r.repair
		r.repair = 0
	}
}

// spared is how long new payload, so many bytes, that was sent while losses were repaired takes at the rate without losses: that
// much of the time was not lost. Where something was missing nearly all the time, the rate without is not known: then it is as
// long as new payload went on meanwhile, which may have been as fast as without.
func spared(t *detectors.Transfer, fresh uint64, wentOn int64) int64 {
	loss := t.Repairs() - t.Unneeded
	rest := t.Duration() - t.Repairs() - t.Waits[detectors.ClientApp] - t.Waits[detectors.ServerApp] - t.Waits[detectors.Idle]
	without := t.Bytes - min(fresh, t.Bytes)
	switch {
	case loss <= 0:
		return 0
	case rest < t.Duration()/20 || without == 0:
		return min(loss, wentOn)
	}
	return int64(min(float64(loss), float64(fresh)*float64(rest)/float64(without)))
}
