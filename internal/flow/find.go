package flow

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Match is what the table knows of a segment.
type Match struct {
	ID    ID              // of its connection; New if one begins with it
	Side  reassembly.Side // of the sender
	Marks Marks
}

// Marks are what is unusual about a segment: nearly all have none.
type Marks uint8

// The marks.
const (
	Duplicate Marks = 1 << iota // the frame was captured before
	Alike                       // it may have been, but counts as sent
	Shared                      // other connections have, or had, the same four-tuple
)

// Has reports whether m is among the marks.
func (all Marks) Has(m Marks) bool { return all&m != 0 }

// Guess is the only connection of the segment's four-tuple, where that is easily found; nil if it is not.
func (t *Table) Guess(seg *reassembly.Segment, hash uint32) (f *Flow, m Match) {
	if m.ID = t.guess(hash); m.ID == New {
		return nil, m
	}
	f = t.At(m.ID)
	fromLo, is := f.Conn.Sends(seg)
	if !is || f.shared {
		return nil, m
	}
	m.Side = f.Conn.SideOf(fromLo)
	return f, m
}

// IsFirst reports whether no frame is remembered of which one with an expected segment may be another capture,
// and remembers it. If not, Predicted does.
func (t *Table) IsFirst(f *Flow, seg *reassembly.Segment, print uint64) bool {
	here := t.duplicates.bucket(print)
	if t.duplicates.recent != 0 || t.replaced != nil || here.mayHold(uint32(print>>32)) {
		return false
	}
	here.first().set(seg, print)
	f.fresh = true
	return true
}

// Predicted is Find for an expected segment.
func (t *Table) Predicted(f *Flow, m Match, seg *reassembly.Segment, print uint64) Marks {
	if len(t.replaced) > 0 {
		delete(t.replaced, m.ID)
	}
	marks := t.duplicates.check(f, seg, m.Side, print, f.Conn.IsOversize(seg, m.Side))
	f.fresh = f.fresh || !marks.Has(Duplicate)
	return marks
}

// Find finds the connection that a segment belongs to, or begins it. f and m are what Guess
// says.
//
// Where one begins, f is At(New), until Add takes it in or another begins.
func (t *Table) Find(seg *reassembly.Segment, h *Hashes, f *Flow, m Match) (*Flow, Match) {
	if f == nil || !belongs(f, seg, m.Side) {
		key, fromLo := reassembly.KeyOf(seg)
		m.ID = t.search(seg, &key, fromLo, h.Hash, h.Print)
		if f = t.At(m.ID); f.shared {
			m.Marks = Shared
		}
		m.Side = f.Conn.SideOf(fromLo)
	}
	if len(t.replaced) > 0 {
		delete(t.replaced, m.ID) // it goes on, whatever used its four-tuple
	}
	if (seg.Flags&reassembly.SYN != 0 || f.marks&replayed != 0) && f.isReplay(seg, m.Side) {
		m.Marks |= Duplicate
	} else {
		m.Marks |= t.duplicates.check(f, seg, m.Side, h.Print, f.Conn.MayRepeat(seg, m.Side))
	}
	if !m.Marks.Has(Duplicate) {
		f.fresh = true
	}
	return f, m
}

// search is Find where that is not easy. The duplicate of a segment that is out of
// window belongs where that did, also through another tunnel.
func (t *Table) search(seg *reassembly.Segment, key *reassembly.Key, fromLo bool, hash uint32, print uint64) ID {
	first, next, ok := t.probe(key, hash, hash)
	if !ok {
		return t.begin(seg, false)
	}
	if _, _, more := t.probe(key, hash, next); !more {
		if f := t.At(first); belongs(f, seg, f.Conn.SideOf(fromLo)) || t.duplicates.remembers(seg, print) {
			return first
		}
	} else if id := t.nearest(seg, key, hash, fromLo); id != New {
		return id
	}
	t.At(first).shared = true
	return t.begin(seg, true)
}

// begin begins a connection that is not in the table yet.
func (t *Table) begin(seg *reassembly.Segment, shared bool) ID {
	f := t.At(New)
	*f = Flow{}
	f.shared = shared
	f.Conn.Begin(seg)
	return New
}

// belongs says whether the segment is one of the only connection with its
// four-tuple. A SYN must fit its opening. Anything else does, unless it comes
// through another tunnel, or after the end, and from a sequence space of its own.
func belongs(f *Flow, seg *reassembly.Segment, side reassembly.Side) bool {
	switch c := &f.Conn; {
	case seg.Flags&reassembly.SYN != 0:
		return c.Expects(seg, side) || seg.Flags&reassembly.ACK != 0 && !c.Over() && seg.Tunnel == c.Tunnel() && !c.IsTranslatedDuplicate(seg, side)
	case seg.Tunnel != c.Tunnel() || c.Over() && seg.Flags&reassembly.RST == 0:
		_, ok := c.Distance(seg, side)
		return ok
	case c.IsTranslatedDuplicate(seg, side): // behind a firewall that gave it other numbers
		_, ok := c.Distance(seg, side)
		return ok
	}
	return true
}

// nearest finds the one of several connections with the same four-tuple that the
// segment lies nearest to: they follow one another, or run side by side in two
// VLANs, or before and behind a firewall that rewrites sequence numbers. One that is open
// comes before those that are over, or were never answered: anybody can send a SYN. It is
// New if the segment is none of theirs.
func (t *Table) nearest(seg *reassembly.Segment, key *reassembly.Key, hash uint32, fromLo bool) (best ID) {
	var (
		newest, near *Flow
		newestID     ID
		least        uint64
		open         bool // near is
	)
	for id, next, ok := t.probe(key, hash, hash); ok; id, next, ok = t.probe(key, hash, next) {
		f := t.At(id)
		side := f.Conn.SideOf(fromLo)
		if newest == nil || f.Position > newest.Position {
			newest, newestID = f, id
		}
		if seg.Flags&reassembly.SYN != 0 && !f.Conn.Expects(seg, side) {
			continue
		}
		d, fits := f.Conn.Distance(seg, side)
		isOpen := !f.Conn.Over() && !f.Conn.IsAttempt()
		if fits && (near == nil || isOpen && !open || isOpen == open && (d < least || d == least && f.Position > near.Position)) {
			near, best, least, open = f, id, d, isOpen
		}
	}
	if near == nil && (seg.Flags&reassembly.SYN == 0 || mayAnswerSYN(&newest.Conn, seg, fromLo)) {
		return newestID // out of window in the one that runs now
	}
	return best
}

// mayAnswerSYN says whether the segment is a SYN-ACK that the peer of a connection may
// have sent, in answer to its SYN and with another acknowledgment.
func mayAnswerSYN(c *fsm.Conn, seg *reassembly.Segment, fromLo bool) bool {
	return seg.Flags&reassembly.ACK != 0 && c.AwaitsAnswer(c.SideOf(fromLo).Peer())
}

// Others are the connections held that share the four-tuple of the given one, oldest
// first, without that. They are valid until the next call.
func (t *Table) Others(id ID, hash uint32) []ID {
	key := t.At(id).Conn.Key()
	chain := t.chain(&key, hash)
	return slices.DeleteFunc(chain, func(other ID) bool { return other == id })
}

// chain are all connections of a four-tuple, oldest first.
func (t *Table) chain(key *reassembly.Key, hash uint32) []ID {
	t.others = t.others[:0]
	for id, next, ok := t.probe(key, hash, hash); ok; id, next, ok = t.probe(key, hash, next) {
		t.others = append(t.others, id)
	}
	slices.SortFunc(t.others, func(a, b ID) int { return cmp.Compare(t.At(a).Position, t.At(b).Position) })
	return t.others
}
