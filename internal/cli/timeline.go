package cli

import (
	"cmp"
	"context"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A timeline keeps the first and last segments of a long connection, and those
// around marked frames.
const (
	keepHead   = 1 << 10
	keepTail   = 1 << 16
	keepAround = 3
)

// A timeline collects the segments of one connection to be printed.
type timeline struct {
	marked map[frame]bool
	head   []result.Step
	around []result.Step
	tail   []result.Step // a ring, once it is full
	next   int           // in tail
	due    int           // segments still to keep after the last mark
}

// A frame identifies a frame among all inputs.
type frame struct {
	file   uint16
	number uint32
}

func frameOf(seg *reassembly.Segment) frame { return frame{seg.File, seg.Frame} }

func (k *timeline) add(t result.Step) {
	if len(k.head) < keepHead {
		k.head = append(k.head, t)
		return
	}
	if k.marked[frameOf(&t.Seg)] {
		k.around = append(k.around, k.latest(keepAround)...)
		k.due = keepAround + 1
	}
	if k.due > 0 {
		k.due--
		k.around = append(k.around, t)
	}
	if len(k.tail) < keepTail {
		k.tail = append(k.tail, t)
		return
	}
	k.tail[k.next] = t
	k.next = (k.next + 1) % keepTail
}

// latest returns the last n of the tail.
func (k *timeline) latest(n int) (last []result.Step) {
	for i := min(n, len(k.tail)); i > 0; i-- {
		last = append(last, k.tail[(k.next-i+len(k.tail))%len(k.tail)])
	}
	return last
}

// all returns the segments that were kept, each once and in order.
func (k *timeline) all() []result.Step {
	kept := slices.Concat(k.head, k.around, k.tail)
	sorting.Stable(kept, func(a, b result.Step) int { return cmp.Compare(a.N, b.N) })
	return slices.CompactFunc(kept, func(a, b result.Step) bool { return a.N == b.N })
}

// missing returns the frames of evidence that were not kept.
func (k *timeline) missing(r *result.Report) map[frame]bool {
	missing := map[frame]bool{}
	for i := range r.Findings {
		for j := range r.Findings[i].Evidence {
			missing[frameOf(&r.Findings[i].Evidence[j].Seg)] = true
		}
	}
	for _, t := range k.all() {
		delete(missing, frameOf(&t.Seg))
	}
	return missing
}

// steps returns the segments to print for --flow. If evidence in the middle of a
// long connection was not kept, the files are read again.
func (c *command) steps(ctx context.Context, r *result.Report, o *engine.Options) []result.Step {
	k := c.timeline
	if missing := k.missing(r); len(missing) > 0 {
		second := &timeline{marked: missing}
		follow := &engine.Follow{Conns: map[uint64]bool{r.Flows[0].Conn: true}, Step: second.add}
		if _, err := c.again(ctx, *o, follow); err != nil {
			c.warn("evidence in the middle of this long connection is not shown: %v", err)
		} else {
			k = second
		}
	}
	return k.all()
}
