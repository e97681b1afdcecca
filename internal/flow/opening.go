package flow

import (
	"cmp"
	"slices"
)

// Anybody can begin any number of connections in a host's name (RFC 4987). Those
// that have not been opened leave a full table before those that have, however long these
// have been silent.

// openings are the connections that have not been opened, and some that have been since,
// oldest first. They are known since the table had no room for the first time.
type openings struct {
	queue []leaver
	head  int
	known bool
}

// firstOpening is the oldest connection that has not been opened.
func (t *Table) firstOpening() (id ID, is bool) {
	o := &t.openings
	if !o.known {
		t.findOpenings()
	}
	for ; o.head < len(o.queue); o.head++ {
		if l := o.queue[o.head]; t.opens(l) {
			if o.head > ChunkSize && o.head*2 > len(o.queue) {
				o.queue, o.head = append(o.queue[:0], o.queue[o.head:]...), 0
			}
			return l.id, true
		}
	}
	o.queue, o.head = o.queue[:0], 0
	return 0, false
}

// findOpenings looks for them among all, once.
func (t *Table) findOpenings() {
	o := &t.openings
	o.known = true
	for id, f := range t.Uncompacted {
		if f.Conn.IsOpening() {
			o.queue = append(o.queue, leaver{id, uint32(f.Position)})
		}
	}
	slices.SortFunc(o.queue, func(a, b leaver) int { return cmp.Compare(t.At(a.id).Position, t.At(b.id).Position) })
}

// noteOpening looks at a connection that begins. Those that have been opened are cleared
// away before they outnumber the others.
func (t *Table) noteOpening(id ID, f *Flow) {
	o := &t.openings
	if !o.known || !f.Conn.IsOpening() {
		return
	}
	if n := len(o.queue); n > 2*ChunkSize && n > 2*t.count {
		o.queue = slices.DeleteFunc(o.queue[o.head:], func(l leaver) bool { return !t.opens(l) })
		o.head = 0
	}
	o.queue = append(o.queue, leaver{id, uint32(f.Position)})
}

// opens reports whether that connection is still there, and has not been opened.
func (t *Table) opens(l leaver) bool {
	f := t.At(l.id)
	return f.held && uint32(f.Position) == l.position && f.Conn.IsOpening()
}
