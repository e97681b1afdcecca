package engine

import (
	"cmp"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/watch"
)

// maxSeen bounds the memory of IDs. Beyond it, findings alike in connection and
// anchor segment may get the same.
const maxSeen = 1 << 16

// announced is what was last reported of a finding.
type announced struct {
	result.Finding
	flow result.Flow
}

// reconsider reports again what has become undecided.
func (l *Live) reconsider() {
	for _, a := range l.standing() {
		last := l.reported[a]
		now := *last.Finding.Finding // what was reported stays as it was
		if l.doubt(&now); now.Verdict != last.Verdict {
			last.Finding.Finding = &now
			last.Revision++
			l.send(a, last)
		}
	}
}

// doubt makes undecided what the capture's limits leave no proof of.
func (l *Live) doubt(f *detectors.Finding) {
	f.Limits |= l.limits
	f.Doubt()
	doubtClock(f, &l.trace)
}

// finish reports, for the last time, what was found about connections that have been
// released since so many were kept.
func (l *Live) finish(p *partition, before int) {
	if len(p.kept) == before {
		return
	}
	for k := range p.kept[before:] {
		kept := &p.kept[before+k]
		for j := range kept.found {
			l.doubt(kept.found[j].Finding)
			l.update(kept.found[j].Finding, &kept.row, true)
		}
	}
	for _, forgotten := range p.kept[:max(0, len(p.kept)-maxKept)] {
		for j := range forgotten.found {
			delete(l.reported, watch.AnchorOf(forgotten.found[j].Finding))
		}
	}
	p.forget()
}

// announce reports what has changed about a connection.
func (l *Live) announce(p *partition, f *flow.Flow, now int64) {
	if f.Watchers == 0 || !p.watch.Changed(f.Watchers) {
		return
	}
	row := p.row(f, detectors.Ending{At: now})
	p.watch.Changes(f.Watchers, func(fd detectors.Finding) {
		l.doubt(&fd)
		l.update(&fd, &row, false)
	})
}

// update reports a finding if it is new, changed, or final.
func (l *Live) update(f *detectors.Finding, row *result.Flow, final bool) {
	a := watch.AnchorOf(f)
	last, again := l.reported[a]
	if last.Final || again && !final && last.Outcome == f.Outcome && last.Verdict == f.Verdict {
		return
	}
	own := *f
	now := announced{result.Finding{Finding: &own, Revision: 1, Final: final}, *row}
	if again {
		now.ID, now.Revision = last.ID, last.Revision
		if last.Outcome != f.Outcome || last.Verdict != f.Verdict {
			now.Revision++
		}
	} else {
		if len(l.seen) > maxSeen {
			clear(l.seen)
		}
		now.ID = identify(f, row, l.seen)
	}
	l.send(a, now)
}

// send reports a finding and remembers that. What is final is remembered, too: the
// closing report comes upon it again.
func (l *Live) send(a watch.Anchor, now announced) {
	now.Flow = &now.flow
	l.reported[a] = now
	l.give(now.Finding)
}

// give reports a finding as a copy, which whoever is told may change.
func (l *Live) give(f result.Finding) {
	own := *f.Finding
	f.Finding = &own
	l.report(f)
}

// withdraw takes back what was reported and no longer stands. What is omitted holds,
// but the connection has so many findings that the closing report leaves it out.
func (l *Live) withdraw(a watch.Anchor, omitted bool) {
	last, is := l.reported[a]
	if !is || last.Final {
		return
	}
	if !omitted {
		now := *last.Finding.Finding
		last.Finding.Finding = &now
		last.Verdict, last.Reason = detectors.Undecided, "withdrawn: a later frame explains it"
		last.Revision++
		last.Withdrawn = true
	}
	last.Final = true
	last.Flow = &last.flow
	delete(l.reported, a)
	l.give(last.Finding)
}

// standing are the findings that may still change, in order of time.
func (l *Live) standing() []watch.Anchor {
	var list []watch.Anchor
	for a := range l.reported {
		if !l.reported[a].Final {
			list = append(list, a)
		}
	}
	sorting.Stable(list, func(a, b watch.Anchor) int {
		x, y := l.reported[a], l.reported[b]
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.ID, y.ID))
	})
	return list
}
