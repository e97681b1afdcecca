package stats

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// Delays are long times in which a host heard nothing of another one that it had asked: what all of its peers have in common shows only
// if those of all connections are known.
type Delays []Delay // sorted by their ends

// A Delay is one such time. Times are nanoseconds since 1970.
type Delay struct {
	From, To   [16]byte // who asked, and who answered in the end
	Start, End int64
	Frame      uint32 // of the answer
}

// maxDelays bounds them: the first ones are kept, whatever the order in which they are counted.
const maxDelays = 4096

// Count counts a time.
func (d *Delays) Count(x Delay) {
	i, is := slices.BinarySearchFunc(*d, x, compareDelays) // they come in order, but for connections that are analysed apart
	if is || i == maxDelays {
		return
	}
	all := sorting.Insert(*d, i, x)
	*d = all[:min(len(all), maxDelays)]
}

func compareDelays(a, b Delay) int {
	return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.Start, b.Start), cmp.Compare(a.Frame, b.Frame), bytes.Compare(a.From[:], b.From[:]), bytes.Compare(a.To[:], b.To[:]))
}

// Add adds those of other connections of the trace.
func (d *Delays) Add(o Delays) {
	for _, x := range o {
		d.Count(x)
	}
}

// Of are those of a host that asked.
func (d Delays) Of(from [16]byte) (own Delays) {
	for _, x := range d {
		if x.From == from {
			own = append(own, x)
		}
	}
	return own
}

// With is the answer of another host than to that came at about the same time as one which took from start to end, and for which half of
// that time had been waited, too. What held up several answers lets them pass together; those to what was lost come each at its own time.
func (d Delays) With(to [16]byte, start, end int64) (frame uint32, is bool) {
	return d.beside(start, end, (end-start)/4, func(x *Delay) bool { return x.To != to })
}

// Together is another answer than in the frame, of whatever host, that came in the same moment as one which took from start to end, and for which
// half of that time had been waited, too.
func (d Delays) Together(start, end, moment int64, than uint32) (frame uint32, is bool) {
	return d.beside(start, end, moment, func(x *Delay) bool { return x.Frame != than })
}

// beside is the first of those that count which ended as near the end, and took half of the time, too.
func (d Delays) beside(start, end, near int64, counts func(*Delay) bool) (frame uint32, is bool) {
	i, _ := slices.BinarySearchFunc(d, end-near, func(x Delay, at int64) int { return cmp.Compare(x.End, at) })
	for ; i < len(d) && d[i].End <= end+near; i++ {
		if x := &d[i]; counts(x) && 2*(min(end, x.End)-max(start, x.Start)) >= end-start {
			return x.Frame, true
		}
	}
	return 0, false
}
