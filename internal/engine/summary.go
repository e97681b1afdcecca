package engine

import (
	"cmp"
	"strings"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// gaps are the gaps of a trace as the report has them.
func gaps(s *stats.Trace) []result.Span {
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
	sorting.Stable(counts, func(a, b result.Count) int { return cmp.Compare(a.Name, b.Name) })
	return counts
}

// captureRow is what is reported of a file.
func captureRow(c *stats.Capture) result.Capture {
	row := result.Capture{
		File: c.File, Format: c.Format, Compression: c.Compression, Packets: c.Packets, Bytes: c.Bytes,
		Span: result.Span{First: c.First, Last: c.Last, End: c.End}, Drops: c.Drops, Turns: c.Turns, Unordered: c.Unordered,
	}
	for _, l := range c.LinkTypes {
		row.LinkTypes = append(row.LinkTypes, capture.LinkType(l).String())
	}
	for _, w := range c.Warnings { // the row has the file's name already
		row.Warnings = append(row.Warnings, strings.TrimPrefix(w, c.File+": "))
	}
	return row
}

// Skipped are the frames of a trace without a TCP segment, by reason.
func Skipped(s *stats.Trace) []result.Count { return skippedFrames(s) }
