package stats

import "github.com/tcptrace-go/tcptrace/reassembly"

// minNumbered is how many segments of one IP ID a file has at least that a program wrote: some hosts give all that they send the same,
// but no two of them by chance.
const minNumbered = 100

// A Numbering is how the segments of a file are numbered by their IP IDs.
type Numbering struct {
	from   [16]byte // that of the first is
	n      uint32   // segments
	id     uint16
	others bool // there are other IDs
	both   bool // more than one host has it
}

// Varied reports whether there is more than one: no further segment changes that.
func (n *Numbering) Varied() bool { return n.others }

// Add counts a segment.
func (n *Numbering) Add(seg *reassembly.Segment) {
	switch {
	case n.others:
	case n.n == 0:
		n.n, n.id, n.from, n.others = 1, seg.IPID, seg.Src.Addr, seg.IPID == 0
	case seg.IPID != n.id:
		n.others = true
	default:
		n.n++
		n.both = n.both || seg.Src.Addr != n.from
	}
}

// Made reports whether all segments, of several hosts, have the same IP ID: a program made them, as one that leaves the ID at its default.
func (n *Numbering) Made() bool {
	return !n.others && n.both && n.n >= minNumbered
}
