package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// meanwhile notes what the run's side sends for the first time with the segment, or before it without having been captured,
// while something is missing.
func (s *step) meanwhile() {
	if r := &s.run; r.on && r.side == s.side {
		r.fresh += uint64(max(r.end.To(s.seg.Seq+reassembly.Seq(s.seg.Len)), 0))
	}
}

// sustained reports whether the sender went on with new payload, so many bytes, while losses were repaired, at three quarters
// or more of its rate without: halving the window, or taking 30 % of it (RFC 9438 4.6), would show. Where something was missing
// nearly all the time, its rate without is not known.
func sustained(t *detectors.Transfer, fresh uint64) bool {
	w := &t.Waits
	loss := w[detectors.Loss]
	rest := t.Duration() - loss - w[detectors.ClientApp] - w[detectors.ServerApp] - w[detectors.Idle]
	if loss <= 0 || rest < t.Duration()/20 {
		return false
	}
	return float64(fresh)/float64(loss) >= 0.75*float64(t.Bytes-min(fresh, t.Bytes))/float64(rest)
}
