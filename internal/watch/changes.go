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
	for _, w := range s.each(watchers) {
		changed = w.Changed() || changed
	}
	return changed
}

// Changes goes through the findings of a connection that stand, in the order of its
// watchers: report is given each, then Withdraw each that stood when Changes was last
// called and does not any more.
func (s *Set) Changes(watchers uint32, report func(detectors.Finding)) {
	if s.shown == nil {
		s.shown = map[uint32][]Anchor{}
	}
	for number, w := range s.each(watchers) { // one may have to yield to what another has reported
		before, shown := s.shown[number], []Anchor(nil)
		for _, f := range w.Findings() {
			if !s.yields(watchers, w, &f) {
				report(*f.Finding)
				shown = append(shown, AnchorOf(f.Finding))
			}
		}
		if s.shown[number] = shown; shown == nil {
			delete(s.shown, number)
		}
		for n, a := range before { // as a rule, what stood still stands, at the same place
			if !(n < len(shown) && shown[n] == a || slices.Contains(shown, a)) {
				s.Withdraw(a, w.Omitted() > 0)
			}
		}
	}
}

// withdrawUnlisted withdraws what Changes has reported of a connection that ends, and what
// is not among the findings that are listed at last.
func (s *Set) withdrawUnlisted(watchers uint32, listed []Found) {
	for number, w := range s.each(watchers) {
		for _, a := range s.shown[number] {
			if !slices.ContainsFunc(listed, func(f Found) bool { return AnchorOf(f.Finding) == a }) {
				s.Withdraw(a, w.Omitted() > 0)
			}
		}
	}
}
