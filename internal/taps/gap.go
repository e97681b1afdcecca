package taps

import (
	"math"
	"slices"
)

// A point2 is a point of a plot.
type point2 struct{ x, y int64 }

// A lowerHull is the lower convex hull of points (Andrew's monotone chain).
type lowerHull []point2

// add adds a point that lies no further left than those before.
func (h *lowerHull) add(p point2) {
	hull := *h
	if n := len(hull); n > 0 && hull[n-1].x == p.x {
		if hull[n-1].y <= p.y {
			return
		}
		hull = hull[:n-1]
	}
	for len(hull) >= 2 && !turnsLeft(hull[len(hull)-2], hull[len(hull)-1], p) {
		hull = hull[:len(hull)-1]
	}
	*h = append(hull, p)
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

// A gap is what both directions of a stretch leave for the line by which two clocks
// differ: below the hull of what went forth, and above that of what came back. Times
// count from an origin, differences from that of the first sample.
type gap struct {
	hull       [2]lowerHull // the second is mirrored, so that both are lower hulls
	base       int64
	resolution float64 // by which a difference may be wrong
}

func gapOf(samples []sample, resolution int64) *gap {
	return gapFrom(samples[0].at, samples, resolution)
}

// gapFrom is gapOf with the origin at a time, not at the first sample. Samples are in order of
// time.
func gapFrom(origin int64, samples []sample, resolution int64) *gap {
	g := &gap{base: samples[0].apart, resolution: float64(resolution)}
	for i := range samples {
		s := &samples[i]
		x, y := s.at-origin, s.apart-g.base
		if s.forward {
			g.hull[0].add(point2{x, y})
		} else {
			g.hull[1].add(point2{x, -y})
		}
	}
	return g
}

// at is between which differences, at the origin, a line with this slope fits. If
// low is more than high, none does.
func (g *gap) at(slope float64) (low, high float64) {
	least := [2]float64{math.Inf(1), math.Inf(1)}
	for n, sign := range [2]float64{1, -1} {
		for _, p := range g.hull[n] {
			least[n] = min(least[n], float64(p.y)-sign*slope*float64(p.x))
		}
	}
	return -least[1] - g.resolution, least[0] + g.resolution
}

// lines are all lines that fit into a gap: their slopes, and their heights at the origin.
type lines struct{ flattest, steepest, low, high float64 }

// nearest is the slope of a line that fits, and that is nearest to this one.
func (l *lines) nearest(slope float64) float64 { return min(max(slope, l.flattest), l.steepest) }

// lines finds all lines that fit, of the speeds that clocks have. It reports false if
// none does.
//
// Both limits are straight between the slopes of two edges of the hulls, so that the
// extremes lie at such slopes, or where the limits meet.
func (g *gap) lines() (all lines, possible bool) {
	slopes := []float64{-maxSkew, maxSkew}
	for n, sign := range [2]float64{1, -1} {
		for i := 1; i < len(g.hull[n]); i++ {
			a, b := g.hull[n][i-1], g.hull[n][i]
			if slope := sign * float64(b.y-a.y) / float64(b.x-a.x); math.Abs(slope) < maxSkew {
				slopes = append(slopes, slope)
			}
		}
	}
	slices.Sort(slopes)
	add := func(slope float64) {
		low, high := g.at(slope)
		if !possible {
			all, possible = lines{slope, slope, low, high}, true
			return
		}
		all.steepest = slope
		all.low, all.high = min(all.low, low), max(all.high, high)
	}
	last, room := slopes[0], 0.0
	for i, slope := range slopes {
		low, high := g.at(slope)
		now := high - low
		if i > 0 && (now < 0) != (room < 0) { // the limits meet
			add(last + (slope-last)*room/(room-now))
		}
		if now >= 0 {
			add(slope)
		}
		last, room = slope, now
	}
	return all, possible
}

// middle is the middle of a gap at a time, by the line that fits and is least steep.
func (g *gap) middle(x int64) float64 {
	all, possible := g.lines()
	if !possible {
		return math.NaN()
	}
	slope := all.nearest(0)
	low, high := g.at(slope)
	return (low+high)/2 + slope*float64(x)
}
