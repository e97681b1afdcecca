package taps

import (
	"cmp"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// order lists what arrived after something that had left later, each once.
func (c *crossing) order(w *way, side int, out *result.Way) {
	type leg struct{ near, far int32 }
	var legs []leg
	for i, j := range w.partner {
		if j >= 0 && w.pieces[int32(i)] == 0 && !w.joinedLarge[j] {
			legs = append(legs, leg{int32(i), j})
		}
	}
	sorting.Stable(legs, func(a, b leg) int { return cmp.Compare(a.far, b.far) })
	latest := int32(-1)
	for _, l := range legs {
		if l.near < latest {
			out.Reordered = append(out.Reordered, c.tapFrame(w.far[l.far], c.tap[1-c.nearTap[side]]))
		}
		latest = max(latest, l.near)
	}
}

// duplicates lists what came twice where the near tap saw one, unless the far tap
// doubles most of its frames.
func (c *crossing) duplicates(w *way, side int, out *result.Way) {
	s, until := c.scan, c.comparedUntil(c.tap[c.nearTap[side]])
	var all []result.TapFrame
	for _, g := range s.alike(w) {
		if len(g.far) <= len(g.near) {
			continue
		}
		for _, j := range g.far {
			if !w.taken[j] && s.leftAt(w, int(j)) <= until {
				all = append(all, c.tapFrame(w.far[j], c.tap[1-c.nearTap[side]]))
				w.twice[j] = true
			}
		}
	}
	if 2*len(all) < len(w.far) {
		sorting.Stable(all, func(a, b result.TapFrame) int { return cmp.Compare(a.Frame, b.Frame) })
		out.Duplicated = all
	}
}
