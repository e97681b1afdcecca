package kernel

import (
	"container/heap"
	"time"
)

// A fault affects some segments of a host: all of a kind after the first few.
type fault struct {
	from, afterTap int // host of the segments; 1 if after the tap
	kind           kind
	payload        bool // only segments with payload
	skip, count    int  // skips some first, and affects so many; 0 = all others
	what           string
	late           time.Duration
	off            bool
}

func (f *fault) affects(p *packet) {
	if f.off || f.from != p.from || !f.kind.has(&p.seg) || f.payload && p.seg.Len == 0 {
		return
	}
	if f.skip--; f.skip >= 0 || f.count > 0 && -f.skip > f.count {
		return
	}
	switch f.what {
	case "lose":
		p.lost[f.afterTap]++
	case "double":
		p.duplicates[f.afterTap]++
	case "hold up":
		p.late[f.afterTap] += f.late
	case "miss":
		p.missed = true
	}
}

// A deadline is a function to call at a time.
type deadline struct {
	at time.Time
	n  int
	f  func()
}

func (w *wire) after(d time.Duration, f func()) {
	w.n++
	heap.Push(&w.due, deadline{time.Now().Add(d), w.n, f})
}

// waiting is a heap of deadlines.
type waiting []deadline

func (h waiting) Len() int { return len(h) }
func (h waiting) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].n < h[j].n
}
func (h waiting) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *waiting) Push(x any)   { *h = append(*h, x.(deadline)) }
func (h *waiting) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
