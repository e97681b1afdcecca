package taps

import (
	"math"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A sample is one segment that two taps saw: when, by the first one's clock, and how
// much later that was by the other's.
type sample struct {
	at, apart int64
	forward   bool  // it went from the first to the other
	through   int64 // time that has passed for both clocks since the first sample
	first     int32 // its records
	other     int32
}

// A clockEstimate is how a tap's clock differs from the first one's.
//
// Delays only add. So in a plot of the differences over time, those of segments on
// their way to the other tap lie above the line by which the clocks differ, and those
// of segments that come back below it. The two nearest convex hulls enclose the line
// (V. Paxson, On Calibrating Measurements of Packet Transit Times, 1998; S. Moon,
// P. Skelly and D. Towsley, Estimation and Removal of Clock Skew, 1999). Averages would
// measure queues.
type clockEstimate struct {
	epoch int64
	whole result.Clock
	parts []result.ClockPart
}

// at is by how much the other clock is later when the first one shows t, and whether
// that is known.
func (c *clockEstimate) at(t int64) (later int64, known bool) {
	k := &c.whole
	for i := range c.parts {
		if t >= c.parts[i].From {
			k = &c.parts[i].Clock
		}
	}
	return k.Offset + int64(k.Skew*1e-6*float64(t-c.epoch)), k.HasOffset
}

// estimate measures the other clock. resolution is the sum of both captures'.
func estimate(samples []sample, resolution int64, on func(before, after *sample) string) *clockEstimate {
	c := &clockEstimate{}
	if len(samples) == 0 {
		return c
	}
	c.epoch = samples[0].at
	through(samples)
	steps := cuts(samples, resolution)
	all := stretches(samples, steps)
	speed := result.Clock{} // the clock's, as the longest stretch has it
	longest := int64(-1)
	for _, part := range all {
		k := skewOf(part, resolution)
		if d := part[len(part)-1].at - part[0].at; k.HasSkew && d > longest {
			speed, longest = k, d
		}
	}
	for n, part := range all {
		k := speed
		if n == 0 {
			offsetOf(part, c.epoch, c.epoch, resolution, &k)
			c.whole = k
		} else {
			at := steps[n-1].at
			offsetOf(part, samples[at].at, c.epoch, resolution, &k)
			c.parts = append(c.parts, result.ClockPart{From: samples[at].at, On: on(&samples[at-1], &samples[at]), Clock: k})
		}
	}
	return c
}

// through fills in the time that passed by both clocks: a step of one is no time.
func through(samples []sample) {
	for i := 1; i < len(samples); i++ {
		a, b := &samples[i-1], &samples[i]
		d := min(b.at-a.at, b.at+b.apart-a.at-a.apart)
		b.through = a.through + max(d, 0)
	}
}

const (
	// minSkew is how long clocks are compared before their speeds are, and minSamples by
	// how many segments: a queue that builds up for a second looks like a fast clock.
	minSkew    = 2 * time.Second
	minSamples = 100
	// maxSkew is more than the error of any computer's clock: NTP gives up at 500 ppm (RFC
	// 5905 appendix A.5.5.6).
	maxSkew = 0.001
)

// skewOf finds the speed of the clock in a stretch without steps: the mean slope of the
// hulls at the mean time, if such a line lies between them, else the nearest that does.
func skewOf(samples []sample, resolution int64) (k result.Clock) {
	first, last := samples[0].at, samples[len(samples)-1].at
	if last-first < int64(minSkew) || len(samples) < minSamples {
		return k
	}
	g := gapOf(samples, resolution)
	var slopes []float64
	for n := range g.hull {
		if slope, ok := slopeAt(g.hull[n], (last-first)/2); ok {
			if n == 1 {
				slope = -slope
			}
			slopes = append(slopes, slope)
		}
	}
	if len(slopes) == 0 || math.Abs(slopes[0]) > maxSkew {
		return k
	}
	k.HasSkew = true
	skew, doubt := slopes[0], 0.0
	if len(slopes) == 2 {
		skew, doubt = (slopes[0]+slopes[1])/2, math.Abs(slopes[0]-slopes[1])/2
	}
	if lines, possible := g.lines(); possible {
		skew = lines.nearest(skew)
	}
	k.Skew = skew * 1e6
	k.SkewUncertainty = max(doubt*1e6, 100/(float64(last-first)/1e9)) // 100 us over that time
	return k
}

// offsetOf finds by how much the clock is later in a stretch without steps: the middle
// between both directions' least differences, less the skew. Its uncertainty covers
// every line that lies between the two, at the beginning of the stretch (from): the
// speed of the clock is not known exactly either.
func offsetOf(samples []sample, from, epoch, resolution int64, k *result.Clock) {
	g := gapFrom(from, samples, resolution)
	if len(g.hull[0]) == 0 || len(g.hull[1]) == 0 {
		return
	}
	lines, possible := g.lines()
	if !possible {
		return // these are not two readings of one clock
	}
	skew := lines.nearest(k.Skew * 1e-6)
	low, high := g.at(skew)
	middle := (low + high) / 2
	k.HasOffset = true
	k.Skew = skew * 1e6
	k.Offset = g.base + int64(math.Round(middle-skew*float64(from-epoch)))
	k.Uncertainty = int64(math.Ceil(max(lines.high-middle, middle-lines.low)))
}
