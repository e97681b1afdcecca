package engine

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// tally is what is counted of the frames of a trace, whatever is in them.
type tally struct {
	facts   stats.Trace
	skipped [decode.NumReasons]uint64
}

// frame counts a frame and keeps the time.
func (t *tally) frame(fr *capture.Frame) { t.facts.Frame(fr.At, fr.Stepped) }

// whole is what a trace shows that ends so.
func (t *tally) whole(end int64) *stats.Trace {
	s := t.facts
	s.End = end
	for reason, n := range t.skipped {
		if n > 0 {
			s.Skipped = append(s.Skipped, stats.Skipped{Reason: decode.Reason(reason).String(), N: n})
		}
	}
	return &s
}

// quiet are the gaps as the report has them.
func quiet(s *stats.Trace) []result.Span {
	var spans []result.Span
	for _, g := range s.Gaps {
		spans = append(spans, result.Span{First: g.From, Last: g.To})
	}
	return spans
}

// stepped is the limit of a connection during which a clock went back.
func stepped(s *stats.Trace, first, last int64) fsm.Limits {
	if s.ClockStepped(first, last) {
		return fsm.ClockStepped
	}
	return 0
}

// skippedFrames are the frames without a TCP segment, by reason.
func skippedFrames(s *stats.Trace) []result.Count {
	var counts []result.Count
	for _, x := range s.Skipped {
		counts = append(counts, result.Count{Name: x.Reason, N: x.N})
	}
	slices.SortFunc(counts, func(a, b result.Count) int { return cmp.Compare(a.Name, b.Name) })
	return counts
}
