package waits

import (
	"math"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// repairs are what few runs have: most of it because something was missing.
type repairs struct {
	unneeded  int64  // repairs of what had arrived, see [detectors.Transfer.Unneeded]
	repair    int64  // how long the latest repair of a loss took, once it is over
	brief     int64  // pauses of its application that may have been the path's before the tap, see [detectors.Transfer.Brief]
	fresh     uint64 // new payload while something was missing
	wentOn    int64  // for how long it went on meanwhile, in nanoseconds
	unclocked int64  // of SenderWindow, see [detectors.Transfer.Unclocked]
	clocked   int64  // SenderWindow when its last flight began to pass the tap
	answered  answered
}

// repairsOf are those of the account, to be read only.
func (l *aside) repairsOf(a *Account) *repairs { return l.repairs.read(a.repairs, &noRepairs) }

var noRepairs repairs

// noteRepairs are those of the account, to be written.
func (l *aside) noteRepairs(a *Account) *repairs { return l.repairs.write(&a.repairs) }

// forgetRepairs forgets them.
func (l *aside) forgetRepairs(a *Account) { l.repairs.free(&a.repairs) }

// meanwhile notes what the run's side sends for the first time with the segment, or before it without having been captured,
// while something is missing, and how long after what came before: within two round trips, it went on.
func (s *step) meanwhile() {
	if r := &s.run; r.on && r.side == s.side {
		p := s.told.noteRepairs(s.Account)
		if gap := s.seg.At - r.last.At; gap <= 2*s.roundTrip() {
			p.wentOn += gap
		}
		p.fresh += uint64(max(r.end.To(s.seg.Seq+reassembly.Seq(s.seg.Len)), 0))
	}
}

// sentAgain notes that the run's side sent something again, as if it had been lost.
func (r *run) sentAgain(side reassembly.Side) {
	if r.side == side && r.resends < math.MaxUint8 {
		r.resends++
	}
}

// arrivedTwice notes that a D-SACK reports something of the run's side (RFC 2883).
func (s *step) arrivedTwice(side reassembly.Side) {
	if r := &s.run; r.side == side && r.twice < r.resends {
		r.twice++
		s.settleRepair()
	}
}

// settleRepair notes how long the latest repair took, once that is known, if all that was sent again had arrived: nothing was lost.
func (s *step) settleRepair() {
	if r := &s.run; r.resends > 0 && r.twice == r.resends && s.repairs != 0 {
		p := s.told.noteRepairs(s.Account)
		p.unneeded += p.repair
		p.repair = 0
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
