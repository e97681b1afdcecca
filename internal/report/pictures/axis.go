package pictures

import (
	"strconv"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
)

// A tick is a round number on an axis: Y is in pixels from the top of the
// picture, X a share of the plot's width.
type tick struct {
	X, Anchor string
	Y         int
	Text      string // empty where there is no room
}

// tickApart is the least distance of ticks on the sequence axis, pixels.
const tickApart = 36

// sequenceTicks are round sequence numbers, relative to the initial one.
func sequenceTicks(w *window, shift int64) (ticks []tick) {
	step := roundStep((w.y1-w.y0)*tickApart/int64(w.height), 1)
	for n := ceiling(w.y0+shift, step); n <= w.y1+shift; n += step {
		if n >= 0 {
			ticks = append(ticks, tick{Y: w.pixel(n - shift), Text: bytesAt(n, step)})
		}
	}
	return ticks
}

// bytesAt is a sequence number, in millions or thousands where the step allows.
func bytesAt(n, step int64) string {
	switch {
	case n >= 1e7 && step%1e6 == 0:
		return quantity.Thousands(uint64(n/1e6)) + " M"
	case n >= 1e7 && step%1e3 == 0:
		return quantity.Thousands(uint64(n/1e3)) + " k"
	}
	return quantity.Thousands(uint64(n))
}

// timeTicks are round times since zero, in seconds, hours or days.
func timeTicks(w *window, zero int64) []tick {
	span := w.x1 - w.x0
	unit, name := int64(time.Second), " s"
	switch {
	case span > 4*24*int64(time.Hour):
		unit, name = 24*int64(time.Hour), " d"
	case span > 3*int64(time.Hour):
		unit, name = int64(time.Hour), " h"
	}
	for parts := int64(5); ; parts-- {
		ticks, room := timeTicksOf(w, zero, roundStep(span/parts, unit), unit, name)
		if room || parts == 2 {
			return ticks
		}
	}
}

// timeTicksOf also reports whether a phone has room for all of them.
func timeTicksOf(w *window, zero, step, unit int64, name string) (ticks []tick, room bool) {
	room = true
	free := 0.0 // pixel from which the axis is free
	for at := ceiling(w.x0-zero, step); at <= w.x1-zero; at += step {
		if at < 0 {
			continue
		}
		column := w.column(zero + at)
		t := tick{X: w.percent(column), Text: decimals(at, step, unit) + name}
		width, left := float64(len(t.Text))*axisChar, 0.0
		if t.Anchor, left = w.anchored(column, width); left < free {
			t.Text, room = "", false
		} else {
			free = left + width + axisChar
		}
		ticks = append(ticks, t)
	}
	return ticks, room
}

// anchored keeps text of a width in pixels, at a column, within the narrowest
// plot: it returns the text-anchor and the text's left edge there.
func (w *window) anchored(column int, width float64) (anchor string, left float64) {
	switch x := float64(column) * phoneWidth / float64(w.columns); {
	case x < width/2:
		return "start", x
	case x+width/2 > phoneWidth:
		return "end", x - width
	default:
		return "middle", x - width/2
	}
}

// decimals is at in units, with as many decimals as the step needs.
func decimals(at, step, unit int64) string {
	digits := 0
	for s := step; s%unit != 0 && digits < 9; digits++ {
		s *= 10
	}
	return strconv.FormatFloat(float64(at)/float64(unit), 'f', digits, 64)
}

// roundStep is the least of 1, 2, 5, 10, 20 ... units, or such a fraction of a
// unit, that is not below n.
func roundStep(n, unit int64) int64 {
	step := unit
	for step > n && step%10 == 0 {
		step /= 10
	}
	for {
		for _, times := range [...]int64{1, 2, 5} {
			if step*times >= n {
				return step * times
			}
		}
		step *= 10
	}
}

// ceiling is the least multiple of step that is not below n.
func ceiling(n, step int64) int64 {
	multiple := n / step * step
	if multiple < n {
		multiple += step
	}
	return multiple
}
