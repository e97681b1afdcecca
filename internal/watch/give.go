package watch

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// give gives the events to those of the group who subscribe to them.
func (s *Set) give(g *group, c fsm.View, ev *fsm.Events, skipping bool) {
	if side, to, is := ev.Reach(); is && !skipping {
		g.reaches(side, to, c)
	}
	if !ev.Any(&g.subscribed) { // most segments of a long connection that lost one
		return
	}
	var (
		subscribed [2]fsm.Kinds
		due        int64
		w          *watcher
	)
	s.report.Reach = g.reach
	for n := g.first; n != 0; n = w.next {
		w = s.watchers.at(n)
		if ev.Any(w.Subscribed()) && (!skipping || s.detectors[w.detector].SkipsClose) {
			w.Deliver(ev, s.about(w, c))
			if w.passed = 0; w.Reported() {
				s.count(n, w)
				g.drafted = g.drafted || w.Drafted()
			}
		}
		subscribed[0] |= w.Subscribed()[0]
		subscribed[1] |= w.Subscribed()[1]
		due = sooner(due, w.Next())
	}
	g.subscribed, g.due = subscribed, due
	if g.closing != 0 {
		g.setDue(s.closings.at(g.closing).due())
	}
}

// reaches notes that data of the side has arrived up to there, as SACK shows.
func (g *group) reaches(side reassembly.Side, to reassembly.Seq, c fsm.View) {
	was, out := &g.reach[side&1], c.Stream(side)
	if !was.After(out.Una) || was.After(out.Nxt) { // of long ago
		*was = to
		return
	}
	*was = was.Max(to)
}
