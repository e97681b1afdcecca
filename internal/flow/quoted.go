package flow

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Quoted finds the connection of a segment that an ICMP error quotes, of several on the
// same four-tuple the latest that has it in flight, and says which side sent the
// segment. It is New if there is none, or if the frame is a duplicate.
func (t *Table) Quoted(seg *reassembly.Segment, hash uint32, print uint64) (ID, reassembly.Side) {
	key, fromLo := reassembly.KeyOf(seg)
	for _, id := range slices.Backward(t.chain(&key, hash)) {
		f := t.At(id)
		side := f.Conn.SideOf(fromLo)
		if !f.Conn.Quotes(seg, side) {
			continue
		}
		if t.duplicates.repeated(seg, print) {
			return New, side
		}
		return id, side
	}
	return New, reassembly.A
}

// repeated reports whether a frame like this one was captured just before, and remembers
// it if not.
func (d *duplicates) repeated(seg *reassembly.Segment, print uint64) bool {
	here, seen := d.bucket(print), entryOf(seg, print)
	if here.find(&seen, false) != nil {
		return true
	}
	*here.first() = seen
	return false
}
