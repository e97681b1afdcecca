package stats

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Holes are when the trace shows that it misses frames: a segment acknowledges bytes that were not captured. What
// was lost at the same moment need not be of the same connection.
type Holes struct {
	List []Hole // sorted; none if there are more than maxHoles
	Many bool   // there are: the capture misses frames throughout
}

// A Hole is one such acknowledgment. Times are nanoseconds since 1970.
type Hole struct {
	End   [2]reassembly.Endpoint // by side
	At    int64                  // of the acknowledgment
	After int64                  // for how long nothing of the connection had been captured, of which nothing else is missing; else 0
	Frame uint32
}

// maxHoles bounds them.
const maxHoles = 1024

// Count counts an acknowledgment of bytes that were not captured.
func (h *Holes) Count(x Hole) {
	switch {
	case h.Many:
	case len(h.List) == maxHoles:
		h.List, h.Many = nil, true
	default:
		i, _ := slices.BinarySearchFunc(h.List, x, compareHoles) // they come in order, but for connections that are analysed apart
		h.List = sorting.Insert(h.List, i, x)
	}
}

func compareHoles(a, b Hole) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Frame, b.Frame), a.End[0].AddrPort().Compare(b.End[0].AddrPort()), a.End[1].AddrPort().Compare(b.End[1].AddrPort()))
}

// Add adds those of other connections of the trace.
func (h *Holes) Add(o *Holes) {
	if h.Many = h.Many || o.Many; h.Many {
		h.List = nil
		return
	}
	for _, x := range o.List {
		h.Count(x)
	}
}

// Near is the first hole from one time to another in another connection of either host, or of one with the other if
// both is set.
func (h *Holes) Near(ends *[2]reassembly.Endpoint, both bool, from, to int64) (x Hole, is bool) {
	i, _ := slices.BinarySearchFunc(h.List, from, func(x Hole, at int64) int { return cmp.Compare(x.At, at) })
	for ; i < len(h.List) && h.List[i].At <= to; i++ {
		x := h.List[i]
		own := x.End == *ends || x.End == [2]reassembly.Endpoint{ends[1], ends[0]}
		a, b := x.of(ends[0].Addr), x.of(ends[1].Addr)
		if !own && (a && b || !both && (a || b)) {
			return x, true
		}
	}
	return Hole{}, false
}

// of reports whether the hole is in a connection of the host.
func (x *Hole) of(host [16]byte) bool { return x.End[0].Addr == host || x.End[1].Addr == host }
