package flow

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Most connections of a capture have closed in order, and get no segment any more. Some time
// after that they are compacted: kept as a record of less than half their size (see
// [fsm.Conn.Compact]), while their Flow is used for others. A segment of their four-tuple
// makes them again what they were.

// isCompact marks the ID of a connection that is compacted. Nobody outside the table sees one.
const isCompact ID = 1 << 31

// CompactAfter is how many connections of a table must have closed after one before it is
// compacted: what comes late comes sooner, as a rule. With four, short connections take 6 % more time, because
// less of the connection is still in the cache.
const CompactAfter = 1

// CompactAccountsFrom is how many connections a table must hold before those are compacted
// that have an account: it takes a tenth longer, and matters where there are many.
const CompactAccountsFrom = 1 << 10

// A Compactor has what others keep of connections that are compacted.
type Compactor interface {
	// Rest takes away the watchers of a connection that has closed, and have nothing to watch any more, and returns the others.
	Rest(f *Flow) (watchers uint32)
	// Record is that of the close of a connection without other watchers, nil if it has none;
	// ok is false if it has watchers.
	Record(watchers uint32) (of *fsm.Close, ok bool)
	// Rests reports whether nothing changes an account as long as its connection gets no segment.
	Rests(account uint32) bool
	// Compacted says that the connection is compacted now, with the record of its close if
	// that is not nil.
	Compacted(f *Flow, of *fsm.Close)
	// Expanded says that it is not any more, and returns the watchers that keep its record.
	Expanded(id ID, f *Flow, of *fsm.Close) (watchers uint32)
}

// Records lie in blocks, one after the other. Each begins with its length, bits that say
// that it is not used any more and that it ends with the number of an account, and the position
// of the connection.
const (
	blockBits   = 13
	blockSize   = 1 << blockBits
	recordAlign = 4 // so that an ID has room for where it begins
	recordHead  = 8
	recordGone  = 1 << 15
	recordOwes  = 1 << 14
	lengthBits  = 16
	accountSize = 4
	maxBlocks   = 1 << (31 - blockBits + 2) // as an ID has room for
)

// A block is where the first records lie that fit.
type block struct {
	bytes [blockSize - 16]byte
	used  int // bytes
	held  int // records in use
}

// compacts are the connections of a table that are compacted.
type compacts struct {
	// Compactor is nil if none may be.
	Compactor Compactor
	// CompactAfter is how many others must have closed before.
	CompactAfter int
	// CompactAccountsFrom is how many the table must hold for those with an account.
	CompactAccountsFrom int

	packer   *fsm.Packer
	ends     *Addresses // of those that were ever compacted
	blocks   []*block
	unused   []ID          // of blocks
	current  ID            // block that has room
	tried    int           // how many of the queue of closed connections were compacted, if they could be
	expanded map[uint32]ID // those of that queue that were, and are not any more, by the lower half of the position
}

// record is that of the ID: its head, and what follows.
func (c *compacts) record(id ID) (head uint64, b []byte) {
	at := id &^ isCompact * recordAlign
	return splitRecord(c.blocks[at>>blockBits].bytes[at&(blockSize-1):])
}

// splitRecord cuts off the record that bytes begin with.
func splitRecord(bytes []byte) (head uint64, b []byte) {
	head = binary.LittleEndian.Uint64(bytes)
	return head, bytes[recordHead : head&(recordOwes-1)]
}

// room is room for n bytes, and where it is.
func (c *compacts) room(n int) (at ID, b []byte) {
	if len(c.blocks) == 0 || c.blocks[c.current].used+n > len(block{}.bytes) {
		if last := len(c.unused) - 1; last >= 0 {
			c.current, c.unused = c.unused[last], c.unused[:last]
		} else {
			c.current = ID(len(c.blocks))
			c.blocks = append(c.blocks, new(block))
		}
	}
	here := c.blocks[c.current]
	at, b = c.current<<blockBits+ID(here.used), here.bytes[here.used:here.used+n]
	here.used += (n + recordAlign - 1) &^ (recordAlign - 1)
	here.held++
	return at, b
}

// compact compacts those that closed long enough ago.
func (t *Table) compact() {
	if t.Compactor == nil {
		return
	}
	for t.tried = max(t.tried, t.head); t.closed.n-t.tried > t.CompactAfter; t.tried++ {
		l := t.closed.at(t.tried)
		if l.id&isCompact != 0 {
			continue
		}
		f, still := t.leaver(*l)
		if !still {
			continue
		}
		if f.Watchers != 0 {
			f.Watchers = t.Compactor.Rest(f)
		}
		if t.mayCompact(l.id, f) {
			t.compactFlow(l, f)
		}
	}
}

func (t *Table) mayCompact(id ID, f *Flow) bool {
	_, replaced := t.replaced[id]
	return !replaced && !f.shared && f.duplicates|f.alike == 0 && f.marks == closed && f.Conn.Over() && f.Position>>(64-lengthBits) == 0 &&
		(f.Account == 0 || t.count >= t.CompactAccountsFrom && t.Compactor.Rests(f.Account))
}

// compactFlow compacts a connection, unless something of it does not fit.
func (t *Table) compactFlow(l *leaver, f *Flow) {
	of, ok := t.Compactor.Record(f.Watchers)
	if !ok {
		return
	}
	if t.packer == nil {
		t.packer, t.ends = new(fsm.Packer), new(Addresses)
	}
	record := f.Conn.Compact(t.packer, of)
	if record == nil || len(t.blocks) == maxBlocks {
		return
	}
	n, owes := recordHead+len(record), uint64(0)
	if f.Account != 0 {
		n, owes = n+accountSize, recordOwes
	}
	at, b := t.room(n)
	binary.LittleEndian.PutUint64(b, f.Position<<lengthBits|owes|uint64(n))
	if copy(b[recordHead:], record); owes != 0 {
		binary.LittleEndian.PutUint32(b[n-accountSize:], f.Account)
	}
	t.Compactor.Compacted(f, of)
	for side := range reassembly.Side(2) {
		t.ends.Add(f.Conn.Endpoint(side).Addr)
	}
	id := at/recordAlign | isCompact
	t.slots[t.slotOf(l.id, f.hash)].id = id
	f.held = false
	t.unused = append(t.unused, l.id)
	l.id = id
}

// expand makes a connection that is compacted what it was, and returns its new ID.
func (t *Table) expand(compacted ID, hash uint32) ID {
	id := t.unusedID()
	f := t.At(id)
	var of fsm.Close
	head, b := t.record(compacted)
	closed := t.expandFlow(f, head, b, &of)
	f.hash = hash
	if closed {
		f.Watchers = t.Compactor.Expanded(id, f, &of)
	} else {
		f.Watchers = t.Compactor.Expanded(id, f, nil)
	}
	t.slots[t.slotOf(compacted, hash)].id = id
	if t.expanded == nil {
		t.expanded = map[uint32]ID{}
	}
	t.expanded[uint32(f.Position)] = id
	t.drop(compacted)
	return id
}

// expandFirst does so for one of which the hash is not at hand.
func (t *Table) expandFirst(compacted ID) ID {
	_, b := t.record(compacted)
	ends, _ := t.packer.ISNs(b)
	return t.expand(compacted, t.seed.hashOf(&ends[0], &ends[1]))
}

// drop forgets a record.
func (c *compacts) drop(id ID) {
	at := id &^ isCompact * recordAlign
	n := at >> blockBits
	here := c.blocks[n]
	here.bytes[at&(blockSize-1)+1] |= recordGone >> 8
	if here.held--; here.held == 0 && n != c.current {
		here.used = 0
		c.unused = append(c.unused, n)
	}
}

// expandFlow fills in f, but for its watchers, and the record of the close, if there is one.
func (c *compacts) expandFlow(f *Flow, head uint64, b []byte, of *fsm.Close) (is bool) {
	*f = Flow{Position: head >> lengthBits, marks: closed, held: true}
	if head&recordOwes != 0 {
		f.Account = binary.LittleEndian.Uint32(b[len(b)-accountSize:])
	}
	return f.Conn.Expand(c.packer, b, of)
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
func (t *Table) queued(l leaver) ID {
	if l.id&isCompact != 0 {
		if id, is := t.expanded[l.position]; is {
			return id
		}
	}
	return l.id
}
