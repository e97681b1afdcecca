package taps

import (
	"math"
	"time"
)

const (
	// waitIDs and waitPlain are how much longer than the largest delay a segment waits
	// for its partner: with an IP ID that tells it from others, and without.
	waitIDs   = int64(3 * time.Second)
	waitPlain = int64(250 * time.Millisecond)
)

// maxAlign bounds the work of one alignment: larger groups are divided by time.
const maxAlign = 1 << 20

// align pairs the records of a group in order: as many as possible, with the least
// deviation from the median delay.
func (s *scan) align(w *way, g *group) {
	n, m := len(g.near), len(g.far)
	switch {
	case n == 1 && m == 1:
		if !math.IsInf(s.deviation(w, g, 0, 0), 1) {
			w.pair(g.near[0], g.far[0])
		}
	case n == m && s.inOrder(w, g):
		for k := range n {
			w.pair(g.near[k], g.far[k])
		}
	case n*m > maxAlign:
		s.align(w, &group{g.near[:n/2], g.far[:m/2]})
		s.align(w, &group{g.near[n/2:], g.far[m/2:]})
	default:
		cost := func(i, j int) float64 { return s.deviation(w, g, i, j) }
		for _, pair := range alignment(n, m, cost) {
			w.pair(g.near[pair.near], g.far[pair.far])
		}
	}
}

// deviation is by how much the delay from near record i to far record j of the group differs from the
// median, infinite if that is not possible.
func (s *scan) deviation(w *way, g *group, i, j int) float64 {
	limit := w.largest + waitPlain
	if s.records[w.near[g.near[0]]].ipid != 0 {
		limit = w.largest + waitIDs
	}
	d := s.delay(w, g.near[i], g.far[j])
	if w.joined && (d > limit || d < w.least-waitPlain) {
		return math.Inf(1)
	}
	return math.Abs(float64(d - w.median))
}

// A pairing is one of a near and a far record, by their places in a group.
type pairing struct{ near, far int }

// A partialAlignment is the best one of the first records of both sides.
type partialAlignment struct {
	pairs int32
	last  lastStep
	cost  float64
}

// A lastStep is how a partialAlignment treats the last record of each side.
type lastStep uint8

const (
	paired lastStep = iota
	nearAlone
	farAlone
)

func (a *partialAlignment) betterThan(b *partialAlignment) bool {
	return a.pairs > b.pairs || a.pairs == b.pairs && a.cost < b.cost
}

// alignment pairs n near with m far records in order, last pair first: as many as possible at a finite cost, and of
// these alignments the cheapest (S. Needleman and C. Wunsch, 1970).
func alignment(n, m int, cost func(near, far int) float64) []pairing {
	best := make([]partialAlignment, (n+1)*(m+1)) // of the first i near and the first j far records
	at := func(i, j int) *partialAlignment { return &best[i*(m+1)+j] }
	for i := range n + 1 {
		for j := range m + 1 {
			if i == 0 && j == 0 {
				continue
			}
			b := partialAlignment{pairs: -1}
			if i > 0 {
				b = *at(i-1, j)
				b.last = nearAlone
			}
			if j > 0 {
				x := *at(i, j-1)
				x.last = farAlone
				if x.betterThan(&b) {
					b = x
				}
			}
			if i > 0 && j > 0 {
				x := *at(i-1, j-1)
				x.pairs, x.cost, x.last = x.pairs+1, x.cost+cost(i-1, j-1), paired
				if !math.IsInf(x.cost, 1) && x.betterThan(&b) {
					b = x
				}
			}
			*at(i, j) = b
		}
	}
	var pairs []pairing
	for i, j := n, m; i > 0 || j > 0; {
		switch at(i, j).last {
		case paired:
			i, j = i-1, j-1
			pairs = append(pairs, pairing{i, j})
		case nearAlone:
			i--
		default:
			j--
		}
	}
	return pairs
}

// inOrder reports whether as many arrived as left, each after a delay that is possible: a
// router that stalls delays a burst of equal ACKs by more than others ever took.
func (s *scan) inOrder(w *way, g *group) bool {
	for k := range g.near {
		if d := s.delay(w, g.near[k], g.far[k]); w.joined && (d > w.largest+waitIDs || d < w.least-waitPlain) {
			return false
		}
	}
	return true
}

func (w *way) pair(i, j int32) {
	w.partner[i] = j
	w.taken[j] = true
}
