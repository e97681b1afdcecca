package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// end ends a connection, and adds what was found to all.
func (p *partition) end(id flow.ID, f *flow.Flow, e detectors.Ending, limits fsm.Limits, all []found) []found {
	if f.Watchers != 0 {
		f.Watchers = p.watch.Expire(f.Watchers, e.At, f.Conn.View())
	}
	p.endAccount(f, e)
	f.Conn.End(&p.aside)
	if p.aside.Kinds&p.starts != 0 || f.Watchers != 0 {
		f.Watchers = p.watch.Deliver(f.Watchers, uint32(id), f.Conn.View(), &p.aside)
	}
	if f.Watchers != 0 {
		p.ended = p.watch.End(f.Watchers, &f.Conn, e, limits, p.ended[:0])
		f.Watchers = 0
		for _, fd := range p.ended {
			all = append(all, found{Found: fd, conn: f.Position})
		}
	}
	count(&p.counts, f, 1)
	return all
}

// ending is how the record of a connection stops at the end of the trace.
func (p *partition) ending(id flow.ID, f *flow.Flow, trace *stats.Trace, end int64) detectors.Ending {
	e := detectors.Ending{At: trace.KnownUntil(f.Conn.Last(), end, f.Conn.File())}
	if e.At < end {
		e.Why = detectors.Interrupted
	}
	if at, is := p.flows.ReplacedAt(id); is && at <= e.At { // frames are not always in order
		e = detectors.Ending{At: max(at, f.Conn.Last()), Why: detectors.Replaced}
	}
	return e
}

// evicted is a connection that left before the end, with its findings.
type evicted struct {
	row   result.Flow
	found []found
}

// maxKept bounds the findings of connections that are gone, for the closing report.
// They were reported when they were found.
const maxKept = 100

// forget drops the oldest of what is kept of connections that are gone.
func (p *partition) forget() {
	over := len(p.kept) - maxKept
	if over <= 0 {
		return
	}
	for _, gone := range p.kept[:over] {
		for i := range gone.found {
			p.watch.Forget(&gone.found[i].Found)
		}
	}
	p.kept = append(p.kept[:0], p.kept[over:]...)
}

// evict ends a connection that has to make room for another.
func (p *partition) evict(id flow.ID, why flow.Why) {
	e := detectors.Ending{At: p.now, Why: detectors.Dropped}
	if why == flow.Replaced {
		at, _ := p.flows.ReplacedAt(id)
		e = detectors.Ending{At: max(at, p.flows.At(id).Conn.Last()), Why: detectors.Replaced}
	}
	p.release(id, e, why == flow.Evicted || why == flow.Crowded)
	p.dropped++
	if why == flow.Replaced || why == flow.Crowded {
		p.crowded++
	}
}

// release ends a connection before the trace does and keeps what was found; cut says
// that it was not over yet.
func (p *partition) release(id flow.ID, e detectors.Ending, cut bool) {
	f := p.flows.At(id)
	var limits fsm.Limits
	if cut {
		limits = fsm.Evicted
	}
	all := p.end(id, f, e, limits, nil)
	countTry(&p.counts.Scans, &f.Conn)
	if len(all) > 0 || p.options.Follow.follows(f) {
		row := p.row(f, e)
		row.Limits |= limits
		if cut {
			row.Ending = "evicted"
		}
		p.kept = append(p.kept, evicted{row: row, found: all})
	}
	delete(p.predecessors, f.Position)
	p.flows.Remove(id)
}
