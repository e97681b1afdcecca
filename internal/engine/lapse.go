package engine

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// lapses are the connections that became half closed within the last second, in
// that order. Nearly all of them close in that time, and so cost a place in a
// queue instead of a watch: what opens one is the clock ([fsm.HalfClosed]).
type lapses struct {
	queue []lapse
	head  int
	due   int64 // of the first; 0 = none
}

// A lapse is a connection that is half closed. Its place in the table may have
// become another's.
type lapse struct {
	index   uint32
	ordinal uint32 // the lower half of the flow's
	side    reassembly.Side
	ack     reassembly.Mark // of that side's FIN
}

// flow is the connection, if it is still half closed.
func (l *lapse) flow(t *table) (f *flow, still bool) {
	f = t.flow(l.index)
	return f, f.live && uint32(f.ordinal) == l.ordinal && f.conn.HalfClosed(l.side)
}

// add queues the connection if the segment, which acknowledged a FIN, left it
// half closed.
func (q *lapses) add(i uint32, f *flow, t *table) {
	side := reassembly.A
	if !f.conn.HalfClosed(side) {
		side = reassembly.B
	}
	if !f.conn.HalfClosed(side) {
		return
	}
	if n := len(q.queue) - q.head; n > 2*chunkSize && n > 2*t.count { // time stands still, and connections come and go
		q.clear(t)
	}
	q.queue = append(q.queue, lapse{i, uint32(f.ordinal), side, f.conn.LastSent(side.Peer())})
	q.set()
}

// clear leaves those that have closed out of the queue.
func (q *lapses) clear(t *table) {
	kept := q.queue[:0]
	for i := range q.queue[q.head:] {
		l := q.queue[q.head+i]
		if _, still := l.flow(t); still {
			kept = append(kept, l)
		}
	}
	q.queue, q.head = kept, 0
}

// set reads due off the queue, and makes room if most of it is behind.
func (q *lapses) set() {
	q.due = 0
	switch n := len(q.queue) - q.head; {
	case n == 0:
		q.queue, q.head = q.queue[:0], 0
		return
	case q.head > chunkSize && q.head > n:
		q.queue, q.head = append(q.queue[:0], q.queue[q.head:]...), 0
	}
	q.due = q.queue[q.head].ack.At + int64(fsm.HalfCloseGrace)
}

// lapse tells of the connections that have been half closed for a second by
// trace time now.
func (p *partition) lapse(now int64) {
	q := &p.lapses
	for q.due != 0 && q.due <= now {
		l := q.queue[q.head]
		at := q.due
		q.head++
		q.set()
		f, still := l.flow(&p.table)
		if !still {
			continue
		}
		seg := l.ack.Segment(f.conn.Endpoint(l.side.Peer()), f.conn.Endpoint(l.side))
		p.raise(l.index, f, fsm.Event{Kind: fsm.HalfClosed, Side: l.side, Seg: &seg}, at)
	}
}

// raise tells those who hear it of an event that no segment brings, and starts
// the watches that it opens.
func (p *partition) raise(i uint32, f *flow, ev fsm.Event, at int64) {
	kinds := fsm.On(ev.Kind)
	if p.opens&kinds != 0 {
		p.open(i, f, kinds)
	}
	if f.watch == 0 {
		return
	}
	w := p.watches.at(f.watch)
	for i := range w.list {
		x := &w.list[i]
		if !p.options.Detectors[x.detector].SubscribesTo.Has(ev.Kind) {
			continue
		}
		p.ration(x)
		x.Event(ev, at)
		p.account(x)
		w.setDue(x.Next())
	}
}
