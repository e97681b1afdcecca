package watch

import (
	"fmt"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// A Found is a finding of a connection that has ended.
type Found struct {
	*detectors.Finding
	Order   int // of its detector in the list
	FINRank int // whether the FIN it speaks of was the first of the connection, 0, or the second
}

// End ends a connection's watchers: nothing more comes. It appends to all the
// findings that are to be listed. The watchers are gone afterwards. limits are those
// of the whole capture, for this connection; c is only read.
func (s *Set) End(watchers uint32, c *fsm.Conn, e detectors.Ending, limits fsm.Limits, all []Found) []Found {
	if of := s.closingOf(watchers); of != nil && !of.Over() {
		watchers = s.opened(watchers, c.View())
	}
	switch {
	case watchers == 0:
		return all
	case watchers&closingBit != 0:
		s.closings.free(watchers &^ closingBit)
		return all
	}
	before := len(all)
	for n, w := range s.each(watchers) {
		w.End(e, limits, s.about(w, c.View()))
		s.count(n, w)
		s.leave(n, w)
	}
	for _, w := range s.each(watchers) {
		found, omitted := w.Findings(), w.Omitted()
		if s.err == nil {
			s.err = w.Err(s.detectors[w.detector])
		}
		for n := range found {
			f := &found[n]
			if s.yields(watchers, w, f) {
				continue
			}
			if n == len(found)-1 && omitted > 0 && !f.IsShort() {
				f.Message += fmt.Sprintf(" Before this, %d more findings of the connection are left out.", omitted)
			}
			s.standing = append(s.standing, Found{f.Finding, int(w.detector), finRank(c, f.Finding)})
		}
	}
	for _, f := range s.standing { // now, as yields goes by what was reported
		if f.IsShort() {
			s.countShort(*f.Finding, f.FINRank, c, limits)
			continue
		}
		settle(f.Finding, c, limits)
		s.keep(f)
	}
	for _, f := range s.standing {
		if !f.IsShort() {
			all = append(all, f)
		}
	}
	clear(s.standing)
	s.standing = s.standing[:0]
	if s.Withdraw != nil {
		s.withdrawUnlisted(watchers, all[before:])
	}
	s.release(watchers)
	return all
}

// settle gives a finding the limits of its connection, and of the whole capture: some were reported before all was known. A pure ACK that came
// later shows that none were filtered.
func settle(f *detectors.Finding, c *fsm.Conn, limits fsm.Limits) {
	if f.Verdict == detectors.Seen && !c.AcksFiltered() {
		f.Limits &^= fsm.AcksFiltered
	}
	f.Limits |= c.Limits() | limits
	f.Doubt()
}

// countShort counts a finding that is not listed, of which others have the same.
func (s *Set) countShort(f detectors.Finding, finRank int, c *fsm.Conn, limits fsm.Limits) {
	settle(&f, c, limits)
	s.Unlisted.Add(kindOf(&f, finRank), f.Severity, 1, 0)
}

// finRank says whether the FIN that a finding speaks of was the first or the second
// of the connection: that of the side it calls closer.
func finRank(c *fsm.Conn, f *detectors.Finding) int {
	for _, role := range f.Roles {
		if role.Name == "closer" {
			return c.FINRank(role.Side)
		}
	}
	return c.FINRank(f.Subject)
}

// yields reports whether another detector explains better what w has found: of two
// that could report one thing, one does.
func (s *Set) yields(watchers uint32, w *watcher, f *detectors.Standing) bool {
	to := s.detectors[w.detector].YieldsTo
	if len(to) == 0 {
		return false
	}
	for _, other := range s.each(watchers) {
		if !slices.Contains(to, s.detectors[other.detector].Name) {
			continue
		}
		for k := range other.Findings() {
			o := &other.Findings()[k]
			if (o.Verdict <= f.Verdict || o.Limits&fsm.FromText != 0) && (o.IsShort() || o.Shows(f.File, f.Frame)) {
				return true
			}
		}
	}
	return false
}
