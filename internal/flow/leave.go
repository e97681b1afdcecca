package flow

import "slices"

// Why says what becomes of a connection that must leave before the trace is over.
type Why uint8

// The reasons.
const (
	Closed   Why = iota // it was over
	Replaced            // another connection uses its four-tuple
	Evicted             // it was cut short
	Crowded             // the same, by others of its four-tuple
)

// leaving is who leaves first when the table is full: the closed, in the order in
// which they closed, then those that were never opened, in the order in which they began,
// then whoever has been silent longest, as a clock hand finds it.
type leaving struct {
	closed   queue
	head     int
	openings openings
	hand     ID
}

// A leaver is a connection in a queue. Its ID may have become another's.
type leaver struct {
	id       ID
	position uint32 // the lower half of the flow's
}

// leaver is nil, and still there, for a connection that is compacted.
func (t *Table) leaver(l leaver) (f *Flow, still bool) {
	id := t.queued(l)
	if id&isCompact != 0 {
		return nil, true
	}
	f = t.At(id)
	return f, f.held && f.marks&closed != 0 && uint32(f.Position) == l.position
}

// Note looks at a connection that a segment may have ended: one that is over leaves
// before others. Those that left before their turn are cleared away before they outnumber
// the others.
func (t *Table) Note(id ID, f *Flow) {
	if f.marks&closed != 0 || !f.Conn.Over() {
		return
	}
	f.marks |= closed
	if n := t.closed.n; n > 2*ChunkSize && n > 2*t.count {
		t.closed.keep(t.head, func(l *leaver) bool {
			_, still := t.leaver(*l)
			if !still {
				delete(t.expanded, l.position)
			}
			return still
		})
		t.head, t.tried = 0, 0
	}
	t.closed.push(leaver{id, uint32(f.Position)})
	t.compact()
}

// FirstClosed is the connection that has been over for longest.
func (t *Table) FirstClosed() (id ID, is bool) {
	for ; t.head < t.closed.n; t.head++ {
		l := *t.closed.at(t.head)
		f, still := t.leaver(l)
		if l.id&isCompact != 0 {
			l.id = t.queued(l)
			if f == nil && still {
				l.id = t.expandFirst(l.id)
				f = t.At(l.id)
			}
			delete(t.expanded, l.position)
			t.closed.at(t.head).id = l.id
		}
		if !still {
			continue
		}
		if f.Conn.Over() {
			if gone := t.closed.advance(t.head); gone > 0 {
				t.head, t.tried = t.head-gone, max(t.tried-gone, 0)
			}
			return l.id, true
		}
		f.marks &^= closed // it came back to life, and will close again
	}
	t.closed.n, t.head, t.tried = 0, 0, 0
	return 0, false
}

// silent moves the hand to a connection that was silent since the hand last came by.
func (t *Table) silent() ID {
	for {
		id := t.hand
		if t.hand++; t.hand >= ID(t.made) {
			t.hand = 0
		}
		f := t.At(id)
		if f.held && !f.fresh {
			return id
		}
		f.fresh = false
	}
}

// maxChain is how many connections of one four-tuple are held. Each segment of the
// four-tuple looks at all of them, and nobody may make that long by choosing the
// same ports over and over.
const maxChain = 64

// MakeRoom names the connection that has to leave, if any, before the one that Find
// has begun can be added: one of those with its four-tuple where that has too many, else
// one of all.
func (t *Table) MakeRoom(hash uint32) (id ID, why Why, must bool) {
	if n := t.At(New); n.shared {
		key := n.Conn.Key()
		if chain := t.chain(&key, hash); len(chain) >= maxChain {
			id, why = t.crowded(chain)
			return id, why, true
		}
	}
	if t.count < t.max {
		return 0, 0, false
	}
	if id, is := t.FirstClosed(); is {
		return id, Closed, true
	}
	if id, is := t.firstOpening(); is {
		return id, Evicted, true
	}
	return t.silent(), Evicted, true
}

// crowded names the oldest connection of a four-tuple that is over, or was replaced; if
// there is none, the oldest SYN that nobody answered: many of them must not drive out the
// connection that they attack.
func (t *Table) crowded(chain []ID) (id ID, why Why) {
	id, why = chain[0], Crowded
	attempt, answered := New, false
	for _, older := range slices.Backward(chain) {
		f := t.At(older)
		if f.Conn.IsAttempt() {
			attempt = older
			continue
		}
		switch r, is := t.replaced[older]; {
		case is && (answered || r.confirmed || f.Conn.Over()):
			id, why = older, Replaced
		case f.marks&closed != 0:
			id, why = older, Closed
		}
		answered = true
	}
	if why == Crowded && attempt != New {
		id = attempt
		if _, is := t.replaced[id]; is {
			why = Replaced
		}
	}
	return id, why
}

// A replacement is a SYN that uses the four-tuple of a connection again.
type replacement struct {
	at        int64 // trace time
	confirmed bool  // the connection that it began was answered, and has left
}

// Replace notes that a SYN uses the connection's four-tuple again, at trace time at:
// unless the connection has segments after that, or nobody answers, it ends there.
// again says that this was known.
func (t *Table) Replace(id ID, at int64) (again bool) {
	if _, is := t.replaced[id]; is {
		return true
	}
	if t.replaced == nil {
		t.replaced = map[ID]replacement{}
	}
	t.replaced[id] = replacement{at: at}
	return false
}

// ReplacedAt is when another connection took the four-tuple, unless this one has had
// segments since. A SYN that nobody answers takes nothing from a connection that is
// still open: it may be forged (RFC 5961 4).
func (t *Table) ReplacedAt(id ID) (at int64, is bool) {
	r, is := t.replaced[id]
	if !is {
		return 0, false
	}
	if f := t.At(id); !r.confirmed && !f.Conn.Over() && !f.Conn.IsAttempt() && !t.succeeded(f) {
		return 0, false
	}
	return r.at, true
}

// succeeded reports whether a later connection of the four-tuple was answered.
func (t *Table) succeeded(f *Flow) bool {
	key := f.Conn.Key()
	for _, id := range t.chain(&key, f.hash) {
		if o := t.At(id); o.Position > f.Position && !o.Conn.IsAttempt() {
			return true
		}
	}
	return false
}

// confirm notes that a connection which leaves was answered, for older ones.
func (t *Table) confirm(f *Flow) {
	if len(t.replaced) == 0 {
		return
	}
	key := f.Conn.Key()
	for _, id := range t.chain(&key, f.hash) {
		if r, is := t.replaced[id]; is && t.At(id).Position < f.Position {
			r.confirmed = true
			t.replaced[id] = r
		}
	}
}
