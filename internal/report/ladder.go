package report

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A ladderLine is one segment between two taps.
type ladderLine struct {
	Text string
	Lost bool // it is crossed out where the format can
}

// ladder is the segments of a finding on their way between two taps, as text: frame
// numbers on both sides, and an arrow that ends in an X where a segment was lost.
func (b *builder) ladder(f *result.Finding) (lines []ladderLine) {
	l := f.Ladder
	if l == nil {
		return nil
	}
	name := func(i int) string { return Clean(b.r.Taps[l.Taps[i]].Name) }
	const width = 46
	lines = append(lines, ladderLine{Text: fmt.Sprintf("%12s  %-*s  %s", "", width+8, name(0), name(1))})
	number := func(id result.FrameID, at int64) string {
		if id.Frame == 0 {
			return ""
		}
		return unsigned(b.r.FrameNumber(id.File, id.Frame, at))
	}
	for i := range l.Rows {
		r := &l.Rows[i]
		text := strings.Join(strings.Fields(plainSegment(f.Flow, &r.Seg)), " ")
		if at := strings.IndexByte(text, '<'); at > 0 { // options: the frames above have them
			text = strings.TrimSpace(text[:at])
		}
		if len(text) > width-6 {
			text = text[:width-6]
		}
		dashes := strings.Repeat("-", width-4-len(text))
		arrow := text + " " + dashes + "->"
		switch {
		case r.FromLeft && !r.Arrived:
			arrow = text + " " + dashes[:len(dashes)/2] + "X" + strings.Repeat(" ", len(dashes)-len(dashes)/2+1)
		case !r.FromLeft && r.Arrived:
			arrow = "<-" + dashes + " " + text
		case !r.FromLeft:
			arrow = strings.Repeat(" ", len(dashes)-len(dashes)/2+1) + "X" + dashes[:len(dashes)/2] + " " + text
		}
		word := r.Word
		if r.HasDelay {
			word = "after " + quantity.Duration(r.Delay)
		}
		line := fmt.Sprintf("%12s  %7s  %s  %-7s  %s", quantity.Seconds(r.At-b.r.Trace.First), number(r.Frame[0], r.At), arrow, number(r.Frame[1], r.At), word)
		lines = append(lines, ladderLine{strings.TrimRight(line, " "), !r.Arrived})
	}
	if l.More > 0 {
		lines = append(lines, ladderLine{Text: fmt.Sprintf("%12s  ... %s more", "", quantity.Thousands(uint64(l.More)))})
	}
	return lines
}
