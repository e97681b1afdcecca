package flow

import "github.com/tcptrace-go/tcptrace/fsm"

// Most connections of a capture have closed in order, and get no segment any more. Those
// that closed some time ago rest: they are kept in half the memory, and their records are
// used for others. A segment of their four-tuple wakes them as they were.

// resting marks the ID of a connection that rests. Nobody outside the table sees one.
const resting ID = 1 << 31

// RestAfter is how many connections of a table must have closed after one before it rests:
// what comes late comes sooner, as a rule, and by then most of it is still in the cache.
const RestAfter = 4

// Closes holds the records of how connections close, by Flow.Watchers.
type Closes interface {
	// Record is that of a connection without other watchers, nil if it has none; ok is
	// false if it has watchers.
	Record(watchers uint32) (of *fsm.Close, ok bool)
	// Drop forgets a record.
	Drop(watchers uint32)
	// Restore adds a record for the connection with that ID.
	Restore(owner uint32, of *fsm.Close) (watchers uint32)
}

// A rest is a connection that rests.
type rest struct {
	fsm.Rest
	position uint64
	hash     uint32
	used     bool
}

// rests are the connections of a table that rest.
type rests struct {
	// Closes is where the records of their closes are; nil if none may rest.
	Closes Closes
	// RestAfter is how many others must have closed before.
	RestAfter int

	pages []*[ChunkSize]rest
	free  []ID
	tried int           // how many of the queue of closed connections were put to rest, if they could be
	woken map[uint32]ID // those of that queue that were, and do not rest any more, by the lower half of the position
}

func (r *rests) at(id ID) *rest {
	id &^= resting
	return &r.pages[id>>chunkBits][id&(ChunkSize-1)]
}

// spare is a place that is free.
func (r *rests) spare() ID {
	if len(r.free) == 0 {
		first := ID(len(r.pages)) * ChunkSize
		r.pages = append(r.pages, new([ChunkSize]rest))
		for id := first + ChunkSize; id > first; id-- {
			r.free = append(r.free, id-1)
		}
	}
	return r.free[len(r.free)-1]
}

// settle puts those to rest that closed long enough ago.
func (t *Table) settle() {
	if t.Closes == nil {
		return
	}
	for t.tried = max(t.tried, t.head); len(t.closed)-t.tried > t.RestAfter; t.tried++ {
		l := &t.closed[t.tried]
		if l.id&resting != 0 {
			continue
		}
		if f, still := t.leaver(*l); still && t.mayRest(l.id, f) {
			t.lay(l, f)
		}
	}
}

func (t *Table) mayRest(id ID, f *Flow) bool {
	_, replaced := t.replaced[id]
	return !replaced && !f.shared && f.Account == 0 && f.duplicates|f.alike == 0 && f.marks == closed && f.Conn.Over()
}

// lay puts a connection to rest, unless something of it does not fit.
func (t *Table) lay(l *leaver, f *Flow) {
	of, ok := t.Closes.Record(f.Watchers)
	if !ok {
		return
	}
	id := t.spare()
	r := t.rests.at(id)
	if !r.Take(&f.Conn, of) {
		return
	}
	if of != nil {
		t.Closes.Drop(f.Watchers)
	}
	t.free = t.free[:len(t.free)-1]
	r.position, r.hash, r.used = f.Position, f.hash, true
	t.slots[t.slotOf(l.id, f.hash)].id = id | resting
	f.held = false
	t.unused = append(t.unused, l.id)
	l.id = id | resting
}

// wake makes a connection that rests what it was, and returns its new ID.
func (t *Table) wake(sleeper ID) ID {
	r := t.rests.at(sleeper)
	id := t.unusedID()
	f := t.At(id)
	var of fsm.Close
	if r.flow(f, &of) {
		f.Watchers = t.Closes.Restore(uint32(id), &of)
	}
	t.slots[t.slotOf(sleeper, r.hash)].id = id
	if t.woken == nil {
		t.woken = map[uint32]ID{}
	}
	t.woken[uint32(r.position)] = id
	r.used = false
	t.free = append(t.free, sleeper&^resting)
	return id
}

// flow fills in f, but for its watchers, and the record of the close, if there is one.
func (r *rest) flow(f *Flow, of *fsm.Close) bool {
	*f = Flow{Position: r.position, hash: r.hash, marks: closed, held: true}
	return r.Give(&f.Conn, of)
}

// slotOf is the slot of a connection that is in the table.
func (t *Table) slotOf(id ID, hash uint32) uint32 {
	mask := uint32(len(t.slots) - 1)
	p := hash & mask
	for t.slots[p].id != id {
		p = (p + 1) & mask
	}
	return p
}

// queued is the connection that a place in the queue of closed ones stands for.
func (t *Table) queued(l leaver) (id ID, still bool) {
	if l.id&resting == 0 {
		return l.id, true
	}
	if r := t.rests.at(l.id); r.used && uint32(r.position) == l.position {
		return l.id, true
	}
	id, still = t.woken[l.position]
	return id, still
}

// asleep goes through the connections that rest, until yield reports false.
func (t *Table) asleep(yield func(ID, *Flow) bool) {
	var f Flow
	var of fsm.Close
	for _, page := range t.pages {
		for i := range page {
			if r := &page[i]; r.used {
				r.flow(&f, &of)
				if !yield(New, &f) {
					return
				}
			}
		}
	}
}
