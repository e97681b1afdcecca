package watch

import "github.com/tcptrace-go/tcptrace/fsm"

func (g *group) setDue(at int64) { g.due = sooner(g.due, at) }

// sooner is the earlier of two deadlines, of which 0 is none.
func sooner(a, b int64) int64 {
	if b != 0 && (a == 0 || b < a) {
		return b
	}
	return a
}

// Expire has the connection's deadlines up to trace time now pass, each at its own
// time. It is called before the connection's next segment is applied, and returns who
// watches the connection from then on. A watcher that asks again for a moment that has
// come is not called for it before its next event.
func (s *Set) Expire(watchers uint32, now int64, c fsm.View) uint32 {
	if watchers != 0 && watchers&closingBit == 0 {
		if g := s.groups.at(watchers); g.closing == 0 && !g.drafted && (g.due == 0 || g.due > now) {
			return watchers
		}
	}
	if of := s.closingOf(watchers); of != nil && !of.Over() && now >= of.Until() {
		watchers = s.opened(watchers, c)
	}
	if watchers == 0 || watchers&closingBit != 0 {
		return watchers
	}
	g := s.groups.at(watchers)
	if g.drafted {
		s.complete(watchers, c)
	}
	for g.due != 0 && g.due <= now {
		at := g.due
		g.due = 0
		for n, w := range s.each(watchers) {
			if d := w.Next(); d != 0 && d <= at && (w.passed == 0 || d > w.passed) {
				w.passed = at
				w.Expire(at, s.about(w, c))
				s.count(n, w)
				g.drafted = g.drafted || w.Drafted()
			}
			if d := w.Next(); d > at {
				g.setDue(d)
			}
		}
	}
	return watchers
}

// complete has those write what they have drafted who have.
func (s *Set) complete(watchers uint32, c fsm.View) {
	for _, w := range s.each(watchers) {
		if w.Drafted() {
			w.Complete(s.about(w, c))
		}
	}
	s.groups.at(watchers).drafted = false
}

// Due goes through the connections of which a deadline is due by trace time now: their
// ID in the table, their watchers, and when.
func (s *Set) Due(now int64, yield func(owner, watchers uint32, due int64)) {
	for n, c := range s.closings.each {
		if !c.grouped && !c.Over() && c.Until() <= now {
			yield(c.owner, n|closingBit, c.Until())
		}
	}
	for n, g := range s.groups.each {
		if g.due != 0 && g.due <= now {
			yield(g.owner, n, g.due)
		}
	}
}
