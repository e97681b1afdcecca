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

// tapLines say which taps there are, how their clocks differ, and what became of all
// segments between them.
func tapLines(r *result.Report) (lines []string) {
	for i := range r.Taps {
		t := &r.Taps[i]
		if t.Recognised == "same-capture" {
			continue
		}
		line := "Tap " + Clean(t.Name) + ": "
		switch c := &t.Clock; {
		case i == 0 || c.HasOffset && c.Offset == 0 && c.Uncertainty == 0:
			line += "its clock is the measure"
		case c.HasOffset:
			late, off := "later", c.Offset
			if off < 0 {
				late, off = "earlier", -off
			}
			line += "its clock is " + quantity.Duration(off) + " " + late + ", give or take " + quantity.Duration(c.Uncertainty)
		default:
			line += "by how much its clock differs is not known"
		}
		if i > 0 && t.HasSkew && (t.Skew >= 0.5 || t.Skew <= -0.5) {
			speed := "faster"
			if t.Skew < 0 {
				speed = "slower"
			}
			line += fmt.Sprintf(", and %.1f ppm %s", max(t.Skew, -t.Skew), speed)
		}
		for _, p := range t.Parts {
			line += fmt.Sprintf("; a clock stepped at %s (%s)", quantity.Instant(p.From), Clean(p.On))
		}
		if t.Unpaired > 0 {
			line += "; no other tap saw " + quantity.Count(t.Unpaired, "connection")
		}
		lines = append(lines, line+".")
	}
	type link struct{ from, to int }
	sums := map[link]*result.Way{}
	var order []link
	for i := range r.Flows {
		for k := range r.Flows[i].Between {
			b := &r.Flows[i].Between[k]
			for side := range b.Way {
				near := b.NearA
				if side == 1 {
					near = 1 - near
				}
				at := link{b.Taps[near], b.Taps[1-near]}
				if sums[at] == nil {
					sums[at] = &result.Way{}
					order = append(order, at)
				}
				sum(sums[at], &b.Way[side])
			}
		}
	}
	for _, at := range order {
		w := sums[at]
		line := fmt.Sprintf("From %s to %s: %s, %s arrived", Clean(r.Taps[at.from].Name), Clean(r.Taps[at.to].Name), quantity.Count(w.Sent, "segment"), quantity.Thousands(w.Arrived))
		for _, x := range []struct {
			n    uint64
			word string
		}{{uint64(len(w.Lost)), "lost"}, {w.Partial, "arrived in part"}, {w.Missed, "not captured there"}, {w.Undecided, "undecided"}, {w.Uncovered, "sent while nobody captured there"},
			{uint64(len(w.Untranslated)), "not translated"}, {uint64(len(w.Reordered)), "overtaken"}, {uint64(len(w.Duplicated)), "doubled"}} {
			if x.n > 0 {
				line += ", " + quantity.Thousands(x.n) + " " + x.word
			}
		}
		if w.HasDelay {
			line += "; they took " + quantity.Duration(w.DelayMin) + " to " + quantity.Duration(w.DelayMax)
		}
		lines = append(lines, line+".")
	}
	return lines
}

// sum adds what became of other segments.
func sum(to, w *result.Way) {
	to.Sent += w.Sent
	to.Arrived += w.Arrived
	to.Partial += w.Partial
	to.Missed += w.Missed
	to.Undecided += w.Undecided
	to.Uncovered += w.Uncovered
	to.Lost = append(to.Lost, w.Lost...)
	to.Untranslated = append(to.Untranslated, w.Untranslated...)
	to.Reordered = append(to.Reordered, w.Reordered...)
	to.Duplicated = append(to.Duplicated, w.Duplicated...)
	if w.HasDelay {
		if !to.HasDelay || w.DelayMin < to.DelayMin {
			to.DelayMin = w.DelayMin
		}
		to.DelayMax = max(to.DelayMax, w.DelayMax)
		to.HasDelay = true
	}
}
