package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// missed counts a segment that acknowledges what was not captured, the first of its connection for that long.
func (p *partition) missed(f *flow.Flow, seg *reassembly.Segment, after int64) {
	p.counts.Holes.Count(stats.Hole{
		End:   [2]reassembly.Endpoint{f.Conn.Endpoint(reassembly.A), f.Conn.Endpoint(reassembly.B)},
		At:    seg.At,
		After: after,
		Frame: seg.Frame,
	})
}

// lossless makes undecided what rests on a frame not having come, at a time when the capture missed frames of the
// same hosts, in whichever connection.
func lossless(f *detectors.Finding, h *stats.Holes) {
	x := f.Lossless
	if x == nil || f.Verdict != detectors.Seen {
		return
	}
	if h.Many {
		f.MissedFrames(0)
	} else if hole, is := h.Near(&x.End, x.Both, x.From, x.To); is {
		f.MissedFrames(hole.Frame)
	}
}
