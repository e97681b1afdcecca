package watch

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// HalfCloses are the connections that became half closed within the last second, in
// that order. Nearly all of them close in that time, and so cost an entry in a queue
// instead of a watcher: the clock brings their event ([fsm.HalfClosed]).
type HalfCloses struct {
	queue []HalfClose
	head  int
	due   int64 // of the first; 0 = none
}

// A HalfClose is the timer of a connection that is half closed. The connection may
// have gone on or left before it fires.
type HalfClose struct {
	Owner    uint32          // the connection's ID in the table
	Position uint64          // of its first segment
	Side     reassembly.Side // whose FIN was acknowledged
	ACK      reassembly.Mark // of that FIN
}

// Arm starts a timer if the connection is half closed by the segment at hand, which
// acknowledged a FIN. c is only read.
func (q *HalfCloses) Arm(owner uint32, position uint64, c *fsm.Conn) {
	side := reassembly.A
	if !c.HalfClosed(side) {
		side = reassembly.B
	}
	if !c.HalfClosed(side) {
		return
	}
	q.queue = append(q.queue, HalfClose{owner, position, side, c.View().Last(side.Peer())})
	q.set()
}

// Due reports whether a timer is due by trace time now.
func (q *HalfCloses) Due(now int64) bool { return q.due != 0 && q.due <= now }

// Next removes the next timer that is due by trace time now, and returns when it fired.
func (q *HalfCloses) Next(now int64) (t HalfClose, at int64, is bool) {
	if !q.Due(now) {
		return t, 0, false
	}
	t, at = q.queue[q.head], q.due
	q.head++
	q.set()
	return t, at, true
}

// latest is how many of the latest timers Stop looks at: a connection that closes in order does so
// before many others of its partition begin to close.
const latest = 8

// Stop stops the timers of a connection that has closed and is compacted, if they are among the
// latest: while the end of the queue is in the cache, that costs less than to find out in a second
// that nothing is half closed any more.
func (q *HalfCloses) Stop(position uint64) {
	from := max(q.head, len(q.queue)-latest)
	kept := q.queue[:from]
	for _, t := range q.queue[from:] {
		if t.Position != position {
			kept = append(kept, t)
		}
	}
	q.queue = kept
	q.set()
}

// Len is how many timers run.
func (q *HalfCloses) Len() int { return len(q.queue) - q.head }

// Prune stops the timers that need not run any more.
func (q *HalfCloses) Prune(needed func(*HalfClose) bool) {
	kept := q.queue[:0]
	for _, t := range q.queue[q.head:] {
		if needed(&t) {
			kept = append(kept, t)
		}
	}
	q.queue, q.head = kept, 0
	q.set()
}

// set reads due off the queue, and makes room if most of it is behind.
func (q *HalfCloses) set() {
	q.due = 0
	switch n := q.Len(); {
	case n == 0:
		q.queue, q.head = q.queue[:0], 0
		return
	case q.head > chunkSize && q.head > n:
		q.queue, q.head = append(q.queue[:0], q.queue[q.head:]...), 0
	}
	q.due = q.queue[q.head].ACK.At + int64(fsm.HalfCloseGrace)
}

// HalfClosed gives those who subscribe the event that the connection has been half
// closed for a second, and starts the watchers that it calls for. It returns who
// watches the connection from now on.
func (s *Set) HalfClosed(watchers uint32, t *HalfClose, at int64, c fsm.View) uint32 {
	seg := t.ACK.Segment(c.Endpoint(t.Side.Peer()), c.Endpoint(t.Side))
	ev := fsm.Event{Kind: fsm.HalfClosed, Side: t.Side, Seg: &seg}
	return s.bring(watchers, t.Owner, c, ev.Kind, func(w *watcher) { w.Event(ev, at, s.about(w, c)) })
}

// bring gives those who subscribe an event that no segment of the connection brings,
// and starts the watchers that it calls for.
func (s *Set) bring(watchers, owner uint32, c fsm.View, kind fsm.Kind, give func(*watcher)) uint32 {
	if s.heard.Has(kind) {
		watchers = s.opened(watchers, c)
	}
	if s.starts.Has(kind) {
		watchers = s.start(watchers, owner, c, fsm.On(kind))
	}
	if watchers == 0 || watchers&closingBit != 0 {
		return watchers
	}
	g := s.groups.at(watchers)
	for n, w := range s.each(watchers) {
		if !s.detectors[w.detector].SubscribesTo.Has(kind) {
			continue
		}
		give(w)
		s.count(n, w)
		w.passed, g.drafted = 0, g.drafted || w.Drafted()
		g.setDue(w.Next())
	}
	return watchers
}
