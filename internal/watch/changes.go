package watch

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// An Anchor names a finding within one run: by detector and anchor frame.
type Anchor struct {
	Detector string
	File     uint16
	Frame    uint32
}

// AnchorOf is the anchor of a finding.
func AnchorOf(f *detectors.Finding) Anchor {
	return Anchor{f.Detector, f.Evidence[0].Seg.File, f.Evidence[0].Seg.Frame}
}

// Changed reports whether findings of a connection came or went since it was last
// asked.
func (s *Set) Changed(watchers uint32) bool {
	if watchers&closingBit != 0 {
		return false
	}
	changed := false
	g := s.groups.at(watchers)
	for i := range g.list {
		changed = g.list[i].Changed() || changed
	}
	return changed
}

// Changes goes through the findings of a connection that stand, in the order of its
// watchers: report is given each, then withdraw each that stood when Changes was last
// called and does not any more. omitted says that it does, but is left out because
// the connection has too many.
func (s *Set) Changes(watchers uint32, report func(detectors.Finding), withdraw func(a Anchor, omitted bool)) {
	g := s.groups.at(watchers)
	for i := range g.list { // one may have to yield to what another has reported
		w := &g.list[i]
		before := w.shown
		w.shown = nil
		for _, f := range w.Findings() {
			if !s.yields(g, w, &f) {
				report(f)
				w.shown = append(w.shown, AnchorOf(&f))
			}
		}
		for n, a := range before { // as a rule, what stood still stands, at the same place
			if !(n < len(w.shown) && w.shown[n] == a || slices.Contains(w.shown, a)) {
				withdraw(a, w.Omitted() > 0)
			}
		}
	}
}
