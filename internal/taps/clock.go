package taps

import (
	"cmp"
	"math"
	"slices"
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
	steps := append(findSteps(samples), len(samples))
	speed := result.Clock{} // the clock's, as the longest stretch has it
	longest, from := int64(-1), 0
	for _, to := range steps {
		k := skewOf(samples[from:to], c.epoch)
		if d := samples[to-1].at - samples[from].at; k.HasSkew && d > longest {
			speed, longest = k, d
		}
		from = to
	}
	from = 0
	for n, to := range steps {
		k := speed
		offsetOf(samples[from:to], c.epoch, resolution, &k)
		if n == 0 {
			c.whole = k
		} else {
			c.parts = append(c.parts, result.ClockPart{From: samples[from].at, On: on(&samples[from-1], &samples[from]), Clock: k})
		}
		from = to
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
	// maxSkew is more than the clock of any computer is off: NTP gives up at 500 ppm
	// (RFC 5905 appendix A.5.5.6).
	maxSkew = 0.001
)

// waysOf are the points of both directions. What comes back is mirrored, so that both
// have a lower hull.
func waysOf(samples []sample, epoch int64) (ways [2][]point2) {
	for i := range samples {
		s := &samples[i]
		if s.forward {
			ways[0] = append(ways[0], point2{s.at - epoch, s.apart})
		} else {
			ways[1] = append(ways[1], point2{s.at - epoch, -s.apart})
		}
	}
	return ways
}

// skewOf finds the speed of the clock in a stretch without steps: the mean slope of the
// hulls at the mean time.
func skewOf(samples []sample, epoch int64) (k result.Clock) {
	first, last := samples[0].at, samples[len(samples)-1].at
	if last-first < int64(minSkew) || len(samples) < minSamples {
		return k
	}
	var slopes []float64
	for n, way := range waysOf(samples, epoch) {
		if slope, ok := slopeAt(lowerHull(way), (first+last)/2-epoch); ok {
			if n == 1 {
				slope = -slope
			}
			slopes = append(slopes, slope)
		}
	}
	if len(slopes) == 0 || math.Abs(slopes[0]) > maxSkew {
		return k
	}
	k.HasSkew, k.Skew = true, slopes[0]*1e6
	if len(slopes) == 2 {
		k.Skew = (slopes[0] + slopes[1]) / 2 * 1e6
		k.SkewUncertainty = math.Abs(slopes[0]-slopes[1]) / 2 * 1e6
	}
	k.SkewUncertainty = max(k.SkewUncertainty, 100/(float64(last-first)/1e9)) // 100 us over that time
	return k
}

// offsetOf finds by how much the clock is later in a stretch without steps: the middle
// of the strip between both directions' least differences.
func offsetOf(samples []sample, epoch, resolution int64, k *result.Clock) {
	ways := waysOf(samples, epoch)
	if len(ways[0]) == 0 || len(ways[1]) == 0 {
		return
	}
	skew := k.Skew * 1e-6
	least := [2]float64{math.Inf(1), math.Inf(1)}
	for n, sign := range [2]float64{1, -1} {
		for _, p := range ways[n] {
			least[n] = min(least[n], float64(p.y)-sign*skew*float64(p.x))
		}
	}
	strip := least[0] + least[1] // the second is mirrored
	if strip < -float64(resolution) {
		return // these are not two readings of one clock
	}
	k.HasOffset = true
	k.Offset = int64(math.Round((least[0] - least[1]) / 2))
	k.Uncertainty = int64(max(strip, 0)/2) + resolution
}

// A point2 is a point of a plot.
type point2 struct{ x, y int64 }

// lowerHull is the lower convex hull of points (Andrew's monotone chain).
func lowerHull(points []point2) []point2 {
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b point2) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y)) })
	var hull []point2
	for _, p := range points {
		if n := len(hull); n > 0 && hull[n-1].x == p.x {
			continue // the lower one came first
		}
		for len(hull) >= 2 && !turnsLeft(hull[len(hull)-2], hull[len(hull)-1], p) {
			hull = hull[:len(hull)-1]
		}
		hull = append(hull, p)
	}
	return hull
}

func turnsLeft(a, b, c point2) bool {
	return float64(b.x-a.x)*float64(c.y-a.y)-float64(b.y-a.y)*float64(c.x-a.x) > 0
}

// slopeAt is the slope of the edge of a hull above x.
func slopeAt(hull []point2, x int64) (float64, bool) {
	if len(hull) < 2 {
		return 0, false
	}
	i := 1
	for i < len(hull)-1 && hull[i].x < x {
		i++
	}
	a, b := hull[i-1], hull[i]
	return float64(b.y-a.y) / float64(b.x-a.x), true
}

const (
	second = int64(time.Second)
	// minStep is the smallest step that is told from the noise of delays.
	minStep = float64(time.Millisecond)
)

// A tick is what a second of both clocks holds: the least difference of each direction.
type tick struct {
	least [2]float64 // forward, and the mirror of backward
	has   [2]bool
}

// findSteps finds where one of the clocks stepped: the indices of the samples after.
// Both directions' minima then move by the same amount, less drift; if only one does, or
// both in opposite directions, it is the path that changed.
func findSteps(samples []sample) (steps []int) {
	ticks := make([]tick, samples[len(samples)-1].through/second+1)
	if len(ticks) > 1<<20 {
		return nil
	}
	for i := range samples {
		s := &samples[i]
		n, y := 0, float64(s.apart)
		if !s.forward {
			n, y = 1, -y
		}
		t := &ticks[s.through/second]
		if !t.has[n] || y < t.least[n] {
			t.has[n], t.least[n] = true, y
		}
	}
	drift, noise := driftOf(ticks)
	moved := func(a, b int) (by float64, both bool) {
		x, y := &ticks[a], &ticks[b]
		if !x.has[0] || !x.has[1] || !y.has[0] || !y.has[1] {
			return 0, false
		}
		elapsed := float64(b - a)
		forth, back := y.least[0]-x.least[0]-drift*elapsed, -(y.least[1]-x.least[1])-drift*elapsed
		by = (forth + back) / 2
		return by, math.Abs(by) >= max(minStep, 4*noise) && math.Abs(forth-back) <= math.Abs(by)/4
	}
	full := make([]int, 0, len(ticks)) // seconds with both directions
	for k := range ticks {
		if ticks[k].has[0] && ticks[k].has[1] {
			full = append(full, k)
		}
	}
	for i := 0; i+1 < len(full); i++ {
		a, b := full[i], full[min(i+2, len(full)-1)]
		by, is := moved(a, b)
		if !is || !lasts(ticks, full, i, by, drift) {
			continue
		}
		if cut := cutAt(samples, int64(a)*second, int64(b+1)*second, ticks[a], by, drift); cut > 0 && (len(steps) == 0 || cut > steps[len(steps)-1]) {
			steps = append(steps, cut)
			for i+1 < len(full) && full[i+1] < b { // this one is found
				i++
			}
		}
	}
	return steps
}

// driftOf is the median move of the minima from one second to the next.
// noise is how far half of the moves are from it.
func driftOf(ticks []tick) (drift, noise float64) {
	var moves []float64
	for k := 1; k < len(ticks); k++ {
		for n := range 2 {
			if ticks[k-1].has[n] && ticks[k].has[n] {
				d := ticks[k].least[n] - ticks[k-1].least[n]
				if n == 1 {
					d = -d
				}
				moves = append(moves, d)
			}
		}
	}
	if len(moves) < 3 {
		return 0, 0
	}
	slices.Sort(moves)
	drift = moves[len(moves)/2]
	for i := range moves {
		moves[i] = math.Abs(moves[i] - drift)
	}
	slices.Sort(moves)
	return drift, moves[(len(moves)-1)/2]
}

// lastTicks is over how many seconds on both sides a step must hold.
const lastTicks = 8

// lasts reports whether the minima of several seconds before and after the i-th full one
// differ as those of the two next to the step do.
func lasts(ticks []tick, full []int, i int, by, drift float64) bool {
	least := func(seconds []int, n int) float64 {
		m := math.Inf(1)
		for _, k := range seconds {
			sign := 1.0
			if n == 1 {
				sign = -1
			}
			m = min(m, ticks[k].least[n]-sign*drift*float64(k))
		}
		return m
	}
	before := full[max(0, i+1-lastTicks) : i+1]
	after := full[min(i+2, len(full)-1):min(i+2+lastTicks, len(full))]
	forth, back := least(after, 0)-least(before, 0), least(before, 1)-least(after, 1)
	return math.Abs(forth-by) <= math.Abs(by)/4 && math.Abs(back-by) <= math.Abs(by)/4
}

// cutAt is the first sample after a step by so much, somewhere in that time: the cut
// that has the fewest samples on the wrong side of the middle between before and after.
func cutAt(samples []sample, from, to int64, before tick, by, drift float64) int {
	lo, _ := slices.BinarySearchFunc(samples, from, func(s sample, t int64) int { return cmp.Compare(s.through, t) })
	hi, _ := slices.BinarySearchFunc(samples, to, func(s sample, t int64) int { return cmp.Compare(s.through, t) })
	after := func(s *sample) bool { // whether it looks as if it came after the step
		level := before.least[0]
		if !s.forward {
			level = -before.least[1]
		}
		level += drift * float64(s.through-from) / float64(second)
		return by > 0 == (float64(s.apart)-level > by/2)
	}
	wrong := 0
	for i := lo; i < hi; i++ {
		if !after(&samples[i]) {
			wrong++
		}
	}
	best, cut := wrong, lo
	for i := lo; i < hi; i++ {
		if after(&samples[i]) {
			wrong++
		} else {
			wrong--
		}
		if wrong < best {
			best, cut = wrong, i+1
		}
	}
	if cut == lo || cut == hi {
		return 0
	}
	return cut
}
