package engine

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// bounds are a partition's share of --max-flows, and who leaves first when it
// is reached: the closed, in the order in which they closed, then whoever has
// been silent longest, as a clock hand finds it.
type bounds struct {
	flows  int
	closed []leaver // a queue of closed connections
	head   int
	hand   uint32
}

// A leaver is a connection that closed. Its place may have become another's.
type leaver struct {
	index   uint32
	ordinal uint32 // the lower half of the flow's
}

func (l leaver) flow(t *table) (f *flow, still bool) {
	f = t.flow(l.index)
	return f, f.live && f.closed && uint32(f.ordinal) == l.ordinal
}

func newBounds(flows int) bounds { return bounds{flows: max(1, flows/partitions)} }

// close queues a connection. Those that left out of turn are cleared away before
// they outnumber the others.
func (b *bounds) close(i uint32, t *table) {
	if n := len(b.closed); n > 2*chunkSize && n > 2*t.count {
		b.closed = slices.DeleteFunc(b.closed[b.head:], func(l leaver) bool {
			_, still := l.flow(t)
			return !still
		})
		b.head = 0
	}
	b.closed = append(b.closed, leaver{i, uint32(t.flow(i).ordinal)})
}

// oldestClosed takes the next closed connection off the queue.
func (b *bounds) oldestClosed(t *table) (uint32, bool) {
	i, is := b.peekClosed(t)
	if is {
		b.head++
	}
	return i, is
}

// peekClosed finds the next closed connection, and leaves it in the queue.
func (b *bounds) peekClosed(t *table) (uint32, bool) {
	for ; b.head < len(b.closed); b.head++ {
		l := b.closed[b.head]
		f, still := l.flow(t)
		if !still {
			continue
		}
		if f.conn.Over() {
			if b.head > chunkSize && b.head*2 > len(b.closed) {
				b.closed = append(b.closed[:0], b.closed[b.head:]...)
				b.head = 0
			}
			return l.index, true
		}
		f.closed = false // it came back to life, and will close again
	}
	b.closed, b.head = b.closed[:0], 0
	return 0, false
}

// oldestSilent moves the hand to a connection that was silent since the hand
// last came by.
func (b *bounds) oldestSilent(t *table) uint32 {
	for {
		i := b.hand
		if b.hand++; b.hand >= t.made {
			b.hand = 0
		}
		f := t.flow(i)
		if f.live && !f.fresh {
			return i
		}
		f.fresh = false
	}
}

// evicted is a connection that left before the end, with its findings.
type evicted struct {
	row   result.Flow
	found []found
}

// maxKept bounds the findings of connections that are gone, for the closing
// report. They were told when they were found.
const maxKept = 100

// forget drops the oldest of what is kept of connections that are gone.
func (p *partition) forget() {
	if over := len(p.kept) - maxKept; over > 0 {
		for _, gone := range p.kept[:over] {
			for i := range gone.found {
				f := &gone.found[i]
				p.held[f.detector]--
				p.unlisted.add(kindOf(f.Finding, f.finRank), f.Severity, 1, 0)
			}
		}
		p.kept = append(p.kept[:0], p.kept[over:]...)
	}
}

// evict makes room for one connection.
func (p *partition) evict() {
	i, closed := p.bounds.oldestClosed(&p.table)
	if !closed {
		i = p.bounds.oldestSilent(&p.table)
	}
	p.release(i, detectors.Ending{At: p.now, Why: detectors.Dropped}, !closed)
	p.dropped++
}

// release ends a connection before the trace does and keeps what was found; cut
// says that it was not over yet.
func (p *partition) release(i uint32, e detectors.Ending, cut bool) {
	f := p.table.flow(i)
	var limits fsm.Limits
	if cut {
		limits = fsm.Evicted
	}
	all := p.finish(f, e, limits, nil)
	if len(all) > 0 || p.options.Follow.follows(f) {
		row := p.row(f, e)
		row.Limits |= limits
		if cut {
			row.Ending = "evicted"
		}
		p.kept = append(p.kept, evicted{row: row, found: all})
	}
	f.conn.Settle() // as at the end, for the counts
	survey(&p.counts, f)
	p.spoke(i)
	delete(p.former, f.ordinal)
	p.table.remove(i)
}
