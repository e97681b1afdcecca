package stats

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A program made a file if a hundred segments, of two hosts, have one IP ID, and no other has another.
func TestNumbering(t *testing.T) {
	for _, c := range []struct {
		name     string
		n        int    // segments
		id, last uint16 // that of the last
		one      bool   // one host sends all
		made     bool
	}{
		{"a hundred", 100, 1, 1, false, true},
		{"ninety-nine", 99, 1, 1, false, false},
		{"of one host", 100, 1, 1, true, false},
		{"the last has another", 101, 1, 2, false, false},
		{"no IDs", 100, 0, 0, false, false},
	} {
		var n Numbering
		for i := range c.n {
			seg := reassembly.Segment{IPID: c.id}
			if !c.one {
				seg.Src.Addr[15] = byte(i % 2)
			}
			if i == c.n-1 {
				seg.IPID = c.last
			}
			n.Add(&seg)
		}
		if n.Made() != c.made {
			t.Errorf("%s: %v", c.name, n.Made())
		}
	}
}
