package flow

import (
	"iter"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// All connections that are compacted, one after the other.

// records goes through the records of the connections that are compacted, until yield reports false.
func (c *compacts) records(yield func(head uint64, b []byte) bool) {
	for _, here := range c.blocks {
		for at := 0; at < here.used; {
			head, b := splitRecord(here.bytes[at:])
			if head&recordGone == 0 && !yield(head, b) {
				return
			}
			at += (recordHead + len(b) + recordAlign - 1) &^ (recordAlign - 1)
		}
	}
}

// allCompact goes through the connections that are compacted, until yield reports false.
func (t *Table) allCompact(yield func(ID, *Flow) bool) {
	var f Flow
	var of fsm.Close
	t.records(func(head uint64, b []byte) bool {
		t.expandFlow(&f, head, b, &of)
		return yield(New, &f)
	})
}

// Compacts goes through the connections that are compacted, until yield reports false. Each is valid until the next.
func (t *Table) Compacts(yield func(*Flow) bool) {
	t.allCompact(func(_ ID, f *Flow) bool { return yield(f) })
}

// CompactPositions goes through the positions of the connections that are compacted.
func (t *Table) CompactPositions(yield func(position uint64) bool) {
	t.records(func(head uint64, _ []byte) bool { return yield(head >> lengthBits) })
}

// AllWith is All for those that want reports true for: of their ends, by side, and the first
// sequence numbers. Of these, A's is among first.
func (t *Table) AllWith(first *Numbers, want func(ends *[2]reassembly.Endpoint, iss *[2]reassembly.Seq) bool) iter.Seq2[ID, *Flow] {
	return func(yield func(ID, *Flow) bool) {
		for id, f := range t.Uncompacted {
			iss := [2]reassembly.Seq{f.Conn.Out(reassembly.A).ISS, f.Conn.Out(reassembly.B).ISS}
			if !first.mayHave(iss[reassembly.A]) {
				continue
			}
			ends := [2]reassembly.Endpoint{f.Conn.Endpoint(reassembly.A), f.Conn.Endpoint(reassembly.B)}
			if want(&ends, &iss) && !yield(id, f) {
				return
			}
		}
		t.records(func(head uint64, b []byte) bool {
			if !first.mayHave(t.packer.ISN(b)) {
				return true
			}
			if ends, iss := t.packer.ISNs(b); !want(&ends, &iss) {
				return true
			}
			f := new(Flow)
			t.expandFlow(f, head, b, new(fsm.Close))
			return yield(New, f)
		})
	}
}
