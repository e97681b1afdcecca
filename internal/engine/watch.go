package engine

import (
	"fmt"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// watches are what the detectors follow on one connection, in order of the
// list of detectors.
type watches struct {
	list  []watch
	hears fsm.Kinds          // what any of them hears
	due   int64              // earliest deadline; 0 = none
	flow  uint32             // index of the connection
	said  map[int32][]anchor // of the findings that were told live and stand, by detector
}

type watch struct {
	detectors.Run
	detector int32 // index into Options.Detectors
	listed   int32 // how many of its findings the partition counts as held
}

// tell gives the events of a segment to those who hear them, and starts the
// watches that they open.
func (p *partition) tell(i uint32, f *flow, ev *fsm.Events) {
	if ev.Kinds&p.opens != 0 {
		p.open(i, f, ev.Kinds)
	}
	if f.watch == 0 {
		return
	}
	w := p.watches.at(f.watch)
	if w.hears&ev.Kinds == 0 { // most segments of a long connection that lost one
		return
	}
	w.due, w.hears = 0, 0
	for i := range w.list {
		x := &w.list[i]
		if x.Subscribed()&ev.Kinds != 0 {
			p.ration(x)
			x.Deliver(ev)
			p.account(x)
		}
		w.hears |= x.Subscribed()
		w.setDue(x.Next())
	}
}

func (w *watches) setDue(at int64) {
	if at != 0 && (w.due == 0 || at < w.due) {
		w.due = at
	}
}

// open starts the watches that the kinds call for and that do not run yet.
func (p *partition) open(index uint32, f *flow, kinds fsm.Kinds) {
	for i, d := range p.options.Detectors {
		if d.StartsOn&kinds == 0 || f.watch != 0 && p.watches.at(f.watch).has(i) {
			continue
		}
		if f.watch == 0 {
			f.watch = p.watches.take()
		}
		w := p.watches.at(f.watch)
		if w.list == nil {
			w.list = make([]watch, 0, 2) // a close opens two
		}
		n := len(w.list)
		w.list = append(w.list, watch{detector: int32(i)})
		x := &w.list[n]
		if !x.Start(d, &f.conn, p.options.Settings) {
			w.list = w.list[:n]
			continue
		}
		w.flow, w.hears = index, w.hears|d.SubscribesTo
		w.setDue(x.Next())
	}
	if f.watch != 0 && len(p.watches.at(f.watch).list) == 0 {
		p.leave(f)
	}
}

// leave ends the watches of a connection.
func (p *partition) leave(f *flow) {
	p.watches.free(f.watch)
	f.watch = 0
}

func (w *watches) has(detector int) bool {
	for i := range w.list {
		if w.list[i].detector == int32(detector) {
			return true
		}
	}
	return false
}

// wake fires the connection's deadlines up to now, each at its own time.
func (p *partition) wake(f *flow, now int64) {
	w := p.watches.at(f.watch)
	for w.due != 0 && w.due <= now {
		at := w.due
		w.due = 0
		for i := range w.list {
			x := &w.list[i]
			if d := x.Next(); d != 0 && d <= at {
				p.ration(x)
				x.Expire(at)
				p.account(x)
			}
			if d := x.Next(); d > at { // one that asks for the same moment again must wait for the next segment
				w.setDue(d)
			}
		}
	}
}

// settle tells the watchers of a doubtful RST that is believed after all, as
// the connection ended with it.
func (p *partition) settle(f *flow, w *watches) {
	side, settled := f.conn.Settle()
	if !settled {
		return
	}
	m := f.conn.LastSent(side)
	rst := m.Segment(f.conn.Endpoint(side), f.conn.Endpoint(side.Peer()))
	for i := range w.list {
		x := &w.list[i]
		if p.options.Detectors[x.detector].SubscribesTo.Has(fsm.ResetSent) {
			x.Event(fsm.Event{Kind: fsm.ResetSent, Side: side, Class: fsm.Rst, Seg: &rst}, rst.At)
		}
	}
}

// finish fires what is due up to the end, tells the watchers that nothing more
// comes, and adds the findings to all. The watches are gone afterwards.
func (p *partition) finish(f *flow, e detectors.Ending, limits fsm.Limits, all []found) []found {
	if f.watch == 0 {
		return all
	}
	p.wake(f, e.At)
	w := p.watches.at(f.watch)
	p.settle(f, w)
	for i := range w.list {
		x := &w.list[i]
		p.ration(x)
		x.End(e, limits)
		p.account(x)
	}
	for i := range w.list {
		x := &w.list[i]
		told, omitted := x.Findings(), x.Omitted()
		if p.err == nil {
			p.err = x.Err()
		}
		for n := range told {
			if p.yields(w, x, &told[n]) {
				p.held[x.detector]--
				continue
			}
			fd := told[n]                         // who yields goes by it as it was told
			fd.Limits |= f.conn.Limits() | limits // some were told before all was known
			fd.Doubt()
			if n == len(told)-1 && omitted > 0 {
				fd.Message += fmt.Sprintf(" Before this, %d more findings of the connection are left out.", omitted)
			}
			rank := finRank(&f.conn, &fd)
			if x.IsBrief() {
				p.unlisted.add(kindOf(&fd, rank), fd.Severity, 1, 0)
				continue
			}
			all = append(all, found{Finding: &fd, detector: int(x.detector), ord: f.ordinal, finRank: rank})
		}
	}
	p.leave(f)
	return all
}

// yields reports whether another detector tells better what x has found: of two
// that could speak of one thing, one does.
func (p *partition) yields(w *watches, x *watch, f *detectors.Finding) bool {
	to := p.options.Detectors[x.detector].YieldsTo
	if len(to) == 0 {
		return false
	}
	for i := range w.list {
		y := &w.list[i]
		if !slices.Contains(to, p.options.Detectors[y.detector].Name) {
			continue
		}
		for k := range y.Findings() {
			g := &y.Findings()[k]
			if g.Verdict <= f.Verdict && (y.IsBrief() || g.Shows(&f.Evidence[0].Seg)) {
				return true
			}
		}
	}
	return false
}
