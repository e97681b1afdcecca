package waits

import "github.com/tcptrace-go/tcptrace/detectors"

// A repair is what a run sent while something was missing.
type repair struct {
	fresh uint64 // new payload
	stuck int64  // in pauses that are longer than twice the round trip, and 200 ms: the shortest timeouts
}

// meanwhile notes payload of the run's side while something is missing; n bytes of it are new.
func (s *step) meanwhile(n uint32) {
	r := &s.run
	if !r.on || r.side != s.side {
		return
	}
	r.repair.fresh += uint64(n)
	if pause := s.seg.At - s.own.sent; pause > max(2*s.roundTrip(), lossPause+50_000_000) {
		r.repair.stuck += pause
	}
}

// sustained reports whether the sender went on with new payload while losses were repaired: at three quarters
// or more of its rate without, as halving the window, or taking 30 % of it (RFC 9438 4.6), would show. Where something was missing
// nearly all the time, and its rate without is not known, the pauses of timeouts tell.
func sustained(t *detectors.Transfer, repair repair) bool {
	w := &t.Waits
	loss := w[detectors.Loss]
	rest := t.Duration() - loss - w[detectors.ClientApp] - w[detectors.ServerApp] - w[detectors.Idle]
	switch {
	case loss <= 0 || repair.fresh == 0:
		return false
	case rest < t.Duration()/5:
		return repair.stuck < loss/4
	}
	return float64(repair.fresh)/float64(loss) >= 0.75*float64(t.Bytes-min(repair.fresh, t.Bytes))/float64(rest)
}
