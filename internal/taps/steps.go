package taps

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"
)

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

// A step is where one of the clocks was set: before samples[at], certainly after those
// before lo, and before those from hi on. What lies between may be of either time, so it
// says nothing about either.
type step struct{ at, lo, hi int }

// stretches are the samples between steps that are certain to be there. Where these do
// not show anything, they are what the likeliest places of the steps leave.
func stretches(samples []sample, steps []step) (all [][]sample) {
	last := step{}
	for _, next := range append(slices.Clone(steps), step{len(samples), len(samples), len(samples)}) {
		part := samples[last.at:next.at]
		if last.hi < next.lo && shows(samples[last.hi:next.lo]) {
			part = samples[last.hi:next.lo]
		}
		all = append(all, part)
		last = next
	}
	return all
}

// findSteps finds where one of the clocks stepped.
// Both directions' minima then move by the same amount, less drift; if only one does, or
// both in opposite directions, it is the path that changed.
func findSteps(samples []sample) (steps []step) {
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
		from := int64(a) * second
		lo, hi := sampleAt(samples, from), sampleAt(samples, from+int64(b-a+1)*second)
		cut := cutAt(samples, lo, hi, by, func(s *sample) float64 {
			level := ticks[a].least[0]
			if !s.forward {
				level = -ticks[a].least[1]
			}
			return level + drift*float64(s.through-from)/float64(second)
		})
		if cut != lo && cut != hi && (len(steps) == 0 || cut > steps[len(steps)-1].at) {
			steps = append(steps, step{cut, lo, hi})
			for i+1 < len(full) && full[i+1] < b { // this one is found
				i++
			}
		}
	}
	return steps
}

// sampleAt is the first sample at or after a time that passed for both clocks.
func sampleAt(samples []sample, through int64) int {
	n, _ := slices.BinarySearchFunc(samples, through, func(s sample, t int64) int { return cmp.Compare(s.through, t) })
	return n
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

// cutAt is the first of the samples from lo to hi after a step by so much: the cut that
// has the fewest samples on the wrong side of the middle between before and after.
// level is what a sample would show before the step.
func cutAt(samples []sample, lo, hi int, by float64, level func(s *sample) float64) int {
	after := func(s *sample) bool { // whether it looks as if it came after the step
		return by > 0 == (float64(s.apart)-level(s) > by/2)
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
	return cut
}

// cuts are the steps of a clock.
func cuts(samples []sample, resolution int64) []step {
	steps := findSteps(samples)
	for _, part := range stretches(samples, steps) {
		if !fits(part, resolution) {
			if forced := forcedSteps(samples, resolution); forced != nil {
				return forced
			}
			break
		}
	}
	// A line that fits before a step and not beyond says more exactly where it was.
	for i := range steps {
		from, to := 0, len(samples)
		if i > 0 {
			from = steps[i-1].hi
		}
		if i+1 < len(steps) {
			to = steps[i+1].lo
		}
		x := &steps[i]
		if from >= x.at || to <= x.at {
			continue
		}
		if lo, hi := from+earliest(samples[from:to], resolution), from+latest(samples[from:to], resolution); lo <= hi {
			x.lo, x.hi = max(x.lo, lo), min(x.hi, hi)
			x.at = min(max(x.at, x.lo), x.hi)
		}
	}
	return steps
}

// latest is how many samples fit together from the first on, and earliest is from which
// on all fit.
func latest(samples []sample, resolution int64) int {
	return sort.Search(len(samples), func(n int) bool { return !fits(samples[:n+1], resolution) })
}

func earliest(samples []sample, resolution int64) int {
	to := len(samples)
	return to - sort.Search(to, func(n int) bool { return !fits(samples[to-n-1:], resolution) })
}

// maxForced is how many steps are looked for by what cannot be: clocks do not step all the
// time, and what looks impossible more often has another cause.
const maxForced = 8

// forcedSteps are the fewest steps without which the samples cannot be readings of two
// clocks, as no delay is negative: each stretch goes on for as long as a line fits. It
// returns nil if that leaves a stretch that shows no clock.
func forcedSteps(samples []sample, resolution int64) (steps []step) {
	ends := []int{0} // where a stretch must begin at the latest, and
	for from := 0; from < len(samples); {
		from += latest(samples[from:], resolution)
		if ends = append(ends, from); len(ends) > maxForced+2 {
			return nil
		}
	}
	begins := []int{len(samples)} // at the earliest
	for to := len(samples); to > 0; {
		to = earliest(samples[:to], resolution)
		if begins = append(begins, to); len(begins) > maxForced+2 {
			return nil
		}
	}
	slices.Reverse(begins)
	from := 0
	for i := 1; i+1 < len(ends); i++ {
		lo, hi, to := begins[i], ends[i], begins[i+1]
		if from >= lo || lo > hi || hi >= to {
			return nil
		}
		before, after := gapOf(samples[from:lo], resolution), gapOf(samples[hi:to], resolution)
		line, there := before.middle(samples[lo].at-samples[from].at), after.middle(samples[lo].at-samples[hi].at)
		by := float64(after.base-before.base) + there - line
		if math.IsNaN(by) || math.IsInf(by, 0) || math.Abs(by) < minStep {
			return nil
		}
		cut := cutAt(samples, lo, hi, by, func(*sample) float64 { return float64(before.base) + line })
		steps = append(steps, step{cut, lo, hi})
		from = hi
	}
	for _, part := range stretches(samples, steps) {
		if !shows(part) || !fits(part, resolution) {
			return nil
		}
	}
	return steps
}

// fits reports whether samples can be readings of two clocks that do not step.
func fits(samples []sample, resolution int64) bool {
	_, possible := gapOf(samples, resolution).lines()
	return possible
}

// shows reports whether samples tell by how much the clocks differ.
func shows(samples []sample) bool {
	forward := func(s sample) bool { return s.forward }
	back := func(s sample) bool { return !s.forward }
	return slices.ContainsFunc(samples, forward) && slices.ContainsFunc(samples, back)
}
