package report

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// tapLines say which taps there are, how their clocks differ, and what became of all
// segments between them.
func tapLines(r *result.Report) (lines []string) {
	for i := range r.Taps {
		if t := &r.Taps[i]; t.Recognised != "same-capture" {
			lines = append(lines, tapLine(t, i == 0))
		}
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
		lines = append(lines, fmt.Sprintf("From %s to %s: ", Clean(r.Taps[at.from].Name), Clean(r.Taps[at.to].Name))+wayLine(sums[at]))
	}
	return lines
}

// tapLine says how the clock of a tap differs from that of the first.
func tapLine(t *result.Tap, first bool) string {
	line := "Tap " + Clean(t.Name) + ": "
	switch c := &t.Clock; {
	case first || c.HasOffset && c.Offset == 0 && c.Uncertainty == 0:
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
	speed, by := "faster", t.Skew
	if by < 0 {
		speed, by = "slower", -by
	}
	if !first && t.HasSkew && by >= 0.5 && by > t.SkewUncertainty { // else it may run as fast, or the other way
		line += fmt.Sprintf(", and %.1f ppm %s", by, speed)
	}
	for _, p := range t.Parts {
		line += fmt.Sprintf("; a clock stepped at %s (%s)", quantity.Instant(p.From), Clean(p.On))
	}
	if t.Unpaired > 0 {
		line += "; no other tap saw " + quantity.Count(t.Unpaired, "connection")
	}
	return line + "."
}

// wayLine says what became of the segments on their way from one tap to another.
func wayLine(w *result.Way) string {
	line := fmt.Sprintf("%s, %s arrived", quantity.Count(w.Sent, "segment"), quantity.Thousands(w.Arrived))
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
	return line + "."
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
