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

// spared is how long new payload, so many bytes, that was sent while losses were repaired takes at the rate without losses: that
// much of the time was not lost. Where something was missing nearly all the time, the rate without is not known.
func spared(t *detectors.Transfer, fresh uint64) int64 {
	w := &t.Waits
	loss := w[detectors.Loss]
	rest := t.Duration() - loss - w[detectors.ClientApp] - w[detectors.ServerApp] - w[detectors.Idle]
	without := t.Bytes - min(fresh, t.Bytes)
	if loss <= 0 || rest < t.Duration()/20 || without == 0 {
		return 0
	}
	return int64(min(float64(loss), float64(fresh)*float64(rest)/float64(without)))
}
