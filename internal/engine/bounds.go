package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// bounds are a partition's share of --max-flows, and who leaves first when it
// is reached: the closed, in the order in which they closed, then whoever has
// been silent longest, as a clock hand finds it.
type bounds struct {
	flows  int
	closed []uint32 // a queue of closed connections
	head   int
	hand   uint32
}

func newBounds(flows int) bounds { return bounds{flows: max(1, flows/partitions)} }

func (b *bounds) close(i uint32) { b.closed = append(b.closed, i) }

// oldestClosed takes the next closed connection off the queue.
func (b *bounds) oldestClosed(t *table) (uint32, bool) {
	for b.head < len(b.closed) {
		i := b.closed[b.head]
		b.head++
		if b.head*2 > len(b.closed) && b.head > chunkSize {
			b.closed = append(b.closed[:0], b.closed[b.head:]...)
			b.head = 0
		}
		if f := t.flow(i); f.live && f.closed {
			if f.conn.Over() {
				return i, true
			}
			f.closed = false // it came back to life, and will close again
		}
	}
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

// evict makes room for one connection.
func (p *partition) evict() {
	i, closed := p.bounds.oldestClosed(&p.table)
	if !closed {
		i = p.bounds.oldestSilent(&p.table)
	}
	f := p.table.flow(i)
	e := detectors.Ending{At: p.now, Why: detectors.Dropped}
	var limits fsm.Limits
	if !closed {
		limits = fsm.Evicted
	}
	var all []found
	p.finish(f, e, limits, func(d int, fd detectors.Finding) { all = append(all, found{detector: d, Finding: fd, ord: f.ordinal}) })
	if len(all) > 0 {
		row := p.row(f, e)
		row.Limits |= limits
		if !closed {
			row.Ending = "evicted"
		}
		p.kept = append(p.kept, evicted{row: row, found: all})
	}
	p.fins.count(&f.conn)
	p.spoke(i)
	p.table.remove(i)
	p.dropped++
}
