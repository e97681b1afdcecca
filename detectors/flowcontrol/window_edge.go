package flowcontrol

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// How far the right edge of a window has moved left, and what lies beyond it.

// rounding reports whether a window that is rounded up once and down the next time (RFC 7323 2.4) can move the right edge left by
// so many bytes, though nothing was taken back.
func rounding(v fsm.View, side reassembly.Side, by uint32) bool {
	shift, _ := v.WindowScale(side)
	return shift > 0 && by < 2<<shift
}

// beyondEdge is how many bytes the side has in flight beyond its peer's right edge, which the peer's segment has moved left. What that
// SACKs has arrived. Less than a unit of the window scale is rounding (RFC 7323 2.4).
func beyondEdge(v fsm.View, side reassembly.Side, seg *reassembly.Segment) uint32 {
	out := v.Stream(side)
	shift, _ := v.WindowScale(side.Peer())
	if !out.Knows(reassembly.KnowEdge | reassembly.KnowNxt) {
		return 0
	}
	beyond := int64(out.Edge.To(out.Nxt))
	if beyond < 1<<shift {
		return 0
	}
	for _, b := range seg.Opts.Blocks[:seg.Opts.NBlocks] {
		if from, to := max(out.Edge.To(b.From), 0), min(out.Edge.To(b.To), out.Edge.To(out.Nxt)); b.From.After(seg.Ack) && from < to { // else a D-SACK, or before the edge
			beyond -= int64(to - from)
		}
	}
	return uint32(max(beyond, 0))
}
