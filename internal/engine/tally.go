package engine

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// tally is what is counted of the frames of a trace, whatever is in them.
type tally struct {
	facts   packed.Facts
	skipped [decode.NumReasons]uint64
}

// maxSteps bounds the memory of clock steps: beyond it they are one another's
// neighbours anyway.
const maxSteps = 1024

// frame counts a frame and keeps the time.
func (t *tally) frame(fr *capture.Frame) {
	f := &t.facts
	f.Packets++
	if fr.Stepped && len(f.Steps) < maxSteps {
		f.Steps = append(f.Steps, fr.At)
	}
	switch at := fr.At; {
	case f.Last == 0:
		f.First, f.Last = at, at
	case at > f.Last:
		if at-f.Last > quietGap {
			f.Gaps = append(f.Gaps, packed.Gap{From: f.Last, To: at})
		}
		f.Last = at
	case at < f.First:
		f.First = at
	}
}

// whole are the facts of a trace that ends so.
func (t *tally) whole(end int64) *packed.Facts {
	f := t.facts
	f.End = end
	for reason, n := range t.skipped {
		if n > 0 {
			f.Skipped = append(f.Skipped, packed.Count{Name: decode.Reason(reason).String(), N: n})
		}
	}
	return &f
}

// endOf is the last moment that the capture can speak of for a connection last
// heard of at last: the end of the trace, or a gap or cut that came before it.
func endOf(f *packed.Facts, last, end int64) int64 {
	if i, _ := slices.BinarySearch(f.Cuts, last); i < len(f.Cuts) {
		end = min(f.Cuts[i], end)
	}
	i, _ := slices.BinarySearchFunc(f.Gaps, last, func(g packed.Gap, last int64) int { return cmp.Compare(g.From, last) })
	if i < len(f.Gaps) {
		return min(f.Gaps[i].From, end)
	}
	return end
}

// quiet are the gaps as the report has them.
func quiet(f *packed.Facts) []result.Span {
	var spans []result.Span
	for _, g := range f.Gaps {
		spans = append(spans, result.Span{First: g.From, Last: g.To})
	}
	return spans
}

// stepped is the limit of a connection during which a clock went back.
func stepped(f *packed.Facts, first, last int64) fsm.Limits {
	i, _ := slices.BinarySearch(f.Steps, first)
	if i < len(f.Steps) && f.Steps[i] <= last {
		return fsm.ClockStepped
	}
	return 0
}

// skippedFrames are the frames without a TCP segment, by reason.
func skippedFrames(f *packed.Facts) []result.Count {
	var counts []result.Count
	for _, s := range f.Skipped {
		counts = append(counts, result.Count{Name: s.Name, N: s.N})
	}
	slices.SortFunc(counts, func(a, b result.Count) int { return cmp.Compare(a.Name, b.Name) })
	return counts
}
