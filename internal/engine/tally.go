package engine

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// tally is what is counted of the frames of a trace, whatever is in them.
type tally struct {
	first    int64
	last     int64 // latest frame of any kind
	packets  uint64
	segments uint64
	skipped  [decode.NumReasons]uint64
	gaps     []gap
	steps    []int64 // when a clock went back
}

// gap is a stretch in which nothing at all was recorded.
type gap struct{ from, to int64 }

// maxSteps bounds the memory of clock steps: beyond it they are one another's
// neighbours anyway.
const maxSteps = 1024

// frame counts a frame and keeps the time.
func (t *tally) frame(fr *capture.Frame) {
	t.packets++
	if fr.Stepped && len(t.steps) < maxSteps {
		t.steps = append(t.steps, fr.At)
	}
	switch at := fr.At; {
	case t.last == 0:
		t.first, t.last = at, at
	case at > t.last:
		if at-t.last > quietGap {
			t.gaps = append(t.gaps, gap{t.last, at})
		}
		t.last = at
	case at < t.first:
		t.first = at
	}
}

// endOf is the last moment that the capture can speak of for a connection last
// heard of at last: the end of the trace, or a gap that came before it.
func (t *tally) endOf(last, end int64) int64 {
	i, _ := slices.BinarySearchFunc(t.gaps, last, func(g gap, last int64) int { return cmp.Compare(g.from, last) })
	if i < len(t.gaps) {
		return min(t.gaps[i].from, end)
	}
	return end
}

// quiet are the gaps as the report has them.
func (t *tally) quiet() []result.Span {
	var spans []result.Span
	for _, g := range t.gaps {
		spans = append(spans, result.Span{First: g.from, Last: g.to})
	}
	return spans
}

// stepped is the limit of a connection during which a clock went back.
func (t *tally) stepped(first, last int64) fsm.Limits {
	i, _ := slices.BinarySearch(t.steps, first)
	if i < len(t.steps) && t.steps[i] <= last {
		return fsm.ClockStepped
	}
	return 0
}

// skippedFrames are the frames without a TCP segment, by reason.
func (t *tally) skippedFrames() []result.Count {
	var counts []result.Count
	for reason, n := range t.skipped {
		if n > 0 {
			counts = append(counts, result.Count{Name: decode.Reason(reason).String(), N: n})
		}
	}
	slices.SortFunc(counts, func(a, b result.Count) int { return cmp.Compare(a.Name, b.Name) })
	return counts
}
