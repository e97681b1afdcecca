package flow

import (
	"iter"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Flow is the table's record of one connection. It holds no pointers, so that the
// garbage collector has nothing to follow.
type Flow struct {
	Conn     fsm.Conn
	Position uint64 // of its first segment among all of the trace: names the connection in every run
	Watchers uint32 // what internal/watch calls its watchers; 0 = none
	Account  uint32 // what internal/waits calls the account of its time; 0 = none

	duplicates uint32 // frames that were captured before, and do not count
	alike      uint32 // these, and those that may have been captured before
	hash       uint32
	marks      flowMarks
	held       bool // this record is in use
	shared     bool // another connection has, or had, the same four-tuple
	fresh      bool // had a segment since the clock hand last passed
}

type flowMarks uint8

// The marks of a connection that are seldom set: bits, to keep it within seven cache lines.
const (
	reusesIDOfA flowMarks = 1 << iota // A sent something again with the same IPv4 ID
	reusesIDOfB
	closed   // in the queue of closed connections
	replayed // the recording of the connection began again after its end
)

// Duplicates is how many frames of the connection were captured more than once.
func (f *Flow) Duplicates() uint64 { return uint64(f.duplicates) }

// Frames is how many frames of the connection were captured, duplicates included.
func (f *Flow) Frames() uint64 {
	return f.Conn.Packets(reassembly.A) + f.Conn.Packets(reassembly.B) + uint64(f.duplicates)
}

// An ID names a connection in the table. Once that has left, another may get it.
type ID uint32

// New is the connection that Find has begun and that is not in the table yet.
const New ID = 0

// ChunkSize is how many flows are allocated together.
const (
	chunkBits = 6
	ChunkSize = 1 << chunkBits
)

// A Table finds the connections of one partition. Slots hold an ID and half of the hash;
// several connections of one four-tuple lie on one probe sequence. The hash is seeded:
// nobody can choose addresses that collide.
type Table struct {
	// What is read for every segment, in two cache lines.
	slots      []slot
	chunks     [][]Flow           // not arrays: of one, its first Flow would be touched before any of it, to see that there is one
	replaced   map[ID]replacement // connections whose four-tuple was used again
	duplicates duplicates

	seed   Seed
	max    int // connections held at a time
	unused []ID
	made   uint32 // IDs ever used, New included
	count  int
	others []ID // what Others returns
	leaving
	compacts

	Gaps reassembly.Gaps // room for the holes of connections that have many
}

type slot struct {
	tag uint32
	id  ID
}

// NewTable makes a table for so many connections at a time, at least one.
func NewTable(most int, seed Seed) Table {
	t := Table{seed: seed, max: max(1, most), duplicates: duplicates{buckets: make([]bucket, minBuckets)}}
	t.clear()
	return t
}

// clear makes an empty table. It keeps memory for the few connections that one
// four-tuple mostly has.
func (t *Table) clear() {
	if len(t.chunks) != 1 {
		t.slots, t.chunks, t.unused = make([]slot, 16), [][]Flow{make([]Flow, ChunkSize)}, nil
	}
	clear(t.slots)
	t.unused, t.made, t.count = t.unused[:0], 1, 0
	t.replaced, t.leaving = nil, leaving{}
	t.compacts = compacts{Compactor: t.Compactor, CompactAfter: t.CompactAfter, CompactAccountsFrom: t.CompactAccountsFrom}
	t.Gaps.Reset()
}

// Reset empties the table, for segments of another trace.
func (t *Table) Reset() {
	t.clear()
	t.duplicates.reset()
}

// Len is how many connections are held.
func (t *Table) Len() int { return t.count }

// At is the connection with that ID.
func (t *Table) At(id ID) *Flow { return &t.chunks[id>>chunkBits][id&(ChunkSize-1)] }

// Held is the connection with that ID, nil if the one with that position has left.
func (t *Table) Held(id ID, position uint64) *Flow {
	if f := t.At(id); f.held && f.Position == position {
		return f
	}
	return nil
}

// All are the connections held, in no order. Those that are compacted have the ID New, and
// their *Flow is valid until the next, and has no watchers.
func (t *Table) All() iter.Seq2[ID, *Flow] {
	return func(yield func(ID, *Flow) bool) {
		for id, f := range t.Uncompacted {
			if !yield(id, f) {
				return
			}
		}
		t.allCompact(yield)
	}
}

// Uncompacted goes through the connections that are not compacted, until yield reports false.
func (t *Table) Uncompacted(yield func(ID, *Flow) bool) {
	for id := New + 1; id < ID(t.made); id++ {
		if f := t.At(id); f.held && !yield(id, f) {
			return
		}
	}
}

// Hashes are those of a segment in this table.
func (t *Table) Hashes(seg *reassembly.Segment) Hashes {
	var one [1]Hashes
	t.seed.Hashes([]reassembly.Segment{*seg}, one[:])
	return one[0]
}

// probe looks for a connection of the key from slot p on, and returns its ID and the
// slot behind it. Begin with p = hash.
func (t *Table) probe(k *reassembly.Key, hash, p uint32) (id ID, next uint32, ok bool) {
	mask := uint32(len(t.slots) - 1)
	for ; ; p++ {
		switch s := t.slots[p&mask]; {
		case s.id == 0:
			return 0, 0, false
		case s.tag == hash:
			if s.id&isCompact != 0 {
				s.id = t.expand(s.id, hash)
			}
			if t.At(s.id).Conn.HasKey(k) {
				return s.id, p + 1, true
			}
		}
	}
}

// guess is the connection that a segment of this hash most likely belongs to, New if
// there is none.
func (t *Table) guess(hash uint32) ID {
	mask := uint32(len(t.slots) - 1)
	for p := hash; ; p++ {
		if s := &t.slots[p&mask]; s.tag == hash || s.id == 0 {
			if s.id&isCompact != 0 {
				return New
			}
			return s.id
		}
	}
}

// Add takes the connection that Find has begun into the table. position is that of
// its first segment.
func (t *Table) Add(position uint64, hash uint32) (ID, *Flow) {
	if (t.count+1)*4 > len(t.slots)*3 {
		t.grow()
	}
	id := t.unusedID()
	t.put(slot{hash, id})
	t.count++
	f := t.At(id)
	*f = *t.At(New)
	f.Position, f.hash, f.held, f.fresh = position, hash, true, true
	t.noteOpening(id, f)
	return id, f
}

// unusedID is an ID that no connection has.
func (t *Table) unusedID() (id ID) {
	if n := len(t.unused); n > 0 {
		id, t.unused = t.unused[n-1], t.unused[:n-1]
		return id
	}
	if id = ID(t.made); id>>chunkBits == ID(len(t.chunks)) {
		t.chunks = append(t.chunks, make([]Flow, ChunkSize))
	}
	t.made++
	return id
}

func (t *Table) put(s slot) {
	mask := uint32(len(t.slots) - 1)
	p := s.tag & mask
	for t.slots[p].id != 0 {
		p = (p + 1) & mask
	}
	t.slots[p] = s
}

// Remove removes a connection and moves up what was probed past it, so that no
// tombstones fill the table.
func (t *Table) Remove(id ID) {
	f := t.At(id)
	if f.shared && !f.Conn.IsAttempt() {
		t.confirm(f)
	}
	mask := uint32(len(t.slots) - 1)
	p := t.slotOf(id, f.hash)
	for q := (p + 1) & mask; t.slots[q].id != 0; q = (q + 1) & mask {
		if home := t.slots[q].tag & mask; (q-home)&mask >= (q-p)&mask {
			t.slots[p], p = t.slots[q], q
		}
	}
	t.slots[p] = slot{}
	f.Conn.Release(&t.Gaps)
	f.held = false
	t.unused = append(t.unused, id)
	t.count--
	delete(t.replaced, id)
}

// grow doubles the slots.
func (t *Table) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.id != 0 {
			t.put(s)
		}
	}
}
