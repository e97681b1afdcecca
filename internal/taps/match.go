package taps

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A way is the segments of one direction of one connection: those at the tap nearer to
// the sender, and those at the far one.
type way struct {
	near, far []int32                     // records
	back      []int32                     // records of the far host at the far tap: what it acknowledged
	moved     [2]uint32                   // what the far tap has in addition in sequence and acknowledgment numbers
	later     func(i int32) (int64, bool) // by how much the far clock is later at that near record
	covered   [2]int64                    // when the far tap was capturing
	stamps    bool                        // timestamps are the same at both
	farTap    int                         // point of the far records

	laterFar    func(at int64) (int64, bool) // the same at a time of the far clock
	split       map[int32]fate               // large near segments of which only a part arrived
	pieces      map[int32]int                // into how many a large near segment was divided
	joinedLarge []bool                       // far segments that were put together
	twice       []bool                       // far segments that had come before

	fates   []fate          // of each near record
	partner []int32         // of each near record: index into far, or -1
	taken   []bool          // of each far record
	plain   map[int32]int32 // far records of near ones that were not translated
	median  int64           // of the delays of what has one partner only
	least   int64
	largest int64
	joined  bool // delays are those of one clock; else they contain an unknown offset
	spread  int64
}

const (
	// waitIDs and waitPlain are how much longer than the largest delay a segment waits
	// for its partner: with an IP ID that tells it from others, and without.
	waitIDs   = int64(3 * time.Second)
	waitPlain = int64(250 * time.Millisecond)
)

// match pairs what the taps saw.
func (s *scan) match(w *way) {
	w.partner = make([]int32, len(w.near))
	w.taken = make([]bool, len(w.far))
	for i := range w.partner {
		w.partner[i] = -1
	}
	groups := s.alike(w)
	var delays []int64
	for _, g := range groups {
		if len(g.near) == 1 && len(g.far) == 1 {
			delays = append(delays, s.delay(w, g.near[0], g.far[0]))
		}
	}
	if len(delays) == 0 {
		for _, g := range groups {
			if len(g.near) == len(g.far) {
				for k := range g.near {
					delays = append(delays, s.delay(w, g.near[k], g.far[k]))
				}
			}
		}
	}
	slices.Sort(delays)
	if len(delays) > 0 {
		w.median, w.least, w.largest = delays[len(delays)/2], delays[0], delays[len(delays)-1]
		w.spread = max(delays[(len(delays)-1)*95/100]-delays[0], int64(time.Millisecond))
	}
	for _, g := range groups {
		s.align(w, &g)
	}
}

// delay is how long a segment took from near record i to far record j.
func (s *scan) delay(w *way, i, j int32) int64 {
	d := s.records[w.far[j]].at - s.records[w.near[i]].at
	if later, known := w.later(w.near[i]); known {
		d -= later
	}
	return d
}

// A group is records that nothing tells apart, in order.
type group struct{ near, far []int32 }

// alike groups the records of a direction by all that both taps see alike.
func (s *scan) alike(w *way) []group {
	type entry struct {
		hash uint64
		at   int32
		far  bool
	}
	all := make([]entry, 0, len(w.near)+len(w.far))
	for far, records := range [2][]int32{w.near, w.far} {
		for at, i := range records {
			r := s.records[i]
			if far == 1 {
				r.seq -= reassembly.Seq(w.moved[0])
				if r.flags&reassembly.ACK != 0 {
					r.ack -= reassembly.Seq(w.moved[1])
				}
			}
			if !w.stamps {
				r.tsval, r.tsecr = 0, 0
			}
			all = append(all, entry{r.content(r.seq, r.ack, 0), int32(at), far == 1})
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		return cmp.Compare(a.at, b.at)
	})
	groups := make([]group, 0, min(len(w.near), len(w.far)))
	near, far := make([]int32, 0, len(w.near)), make([]int32, 0, len(w.far)) // of all groups
	for i := 0; i < len(all); {
		n, f, j := len(near), len(far), i
		for ; j < len(all) && all[j].hash == all[i].hash; j++ {
			if all[j].far {
				far = append(far, all[j].at)
			} else {
				near = append(near, all[j].at)
			}
		}
		if len(near) > n && len(far) > f {
			groups = append(groups, group{near[n:len(near):len(near)], far[f:len(far):len(far)]})
		}
		i = j
	}
	return groups
}

// maxAlign bounds the work of one alignment: larger groups are divided by time.
const maxAlign = 1 << 20

// align pairs the records of a group in order: as many as possible, with the least
// deviation from the median delay. It is the alignment of two sequences (S. Needleman
// and C. Wunsch, 1970).
func (s *scan) align(w *way, g *group) {
	n, m := len(g.near), len(g.far)
	limit := w.largest + waitPlain
	if s.records[w.near[g.near[0]]].ipid != 0 {
		limit = w.largest + waitIDs
	}
	cost := func(i, j int) float64 {
		d := s.delay(w, g.near[i], g.far[j])
		if w.joined && (d > limit || d < w.least-waitPlain) {
			return math.Inf(1)
		}
		return math.Abs(float64(d - w.median))
	}
	switch {
	case n == 1 && m == 1:
		if !math.IsInf(cost(0, 0), 1) {
			w.pair(g.near[0], g.far[0])
		}
		return
	case n == m && s.inOrder(w, g):
		for k := range n {
			w.pair(g.near[k], g.far[k])
		}
		return
	case n*m > maxAlign:
		half := &group{g.near[:n/2], g.far[:m/2]}
		rest := &group{g.near[n/2:], g.far[m/2:]}
		s.align(w, half)
		s.align(w, rest)
		return
	}
	// best[i][j]: most pairs among the first i and j, then least cost.
	type state struct {
		pairs int32
		move  int8 // 0 both, 1 without the near one, 2 without the far one
		cost  float64
	}
	best := make([]state, (n+1)*(m+1))
	at := func(i, j int) *state { return &best[i*(m+1)+j] }
	better := func(a, b state) bool { return a.pairs > b.pairs || a.pairs == b.pairs && a.cost < b.cost }
	for i := range n + 1 {
		for j := range m + 1 {
			if i == 0 && j == 0 {
				continue
			}
			var b state
			b.pairs = -1
			if i > 0 {
				x := *at(i-1, j)
				x.move = 1
				b = x
			}
			if j > 0 {
				x := *at(i, j-1)
				x.move = 2
				if better(x, b) {
					b = x
				}
			}
			if i > 0 && j > 0 {
				if c := cost(i-1, j-1); !math.IsInf(c, 1) {
					x := *at(i-1, j-1)
					x.pairs, x.cost, x.move = x.pairs+1, x.cost+c, 0
					if better(x, b) {
						b = x
					}
				}
			}
			*at(i, j) = b
		}
	}
	for i, j := n, m; i > 0 || j > 0; {
		switch at(i, j).move {
		case 0:
			i, j = i-1, j-1
			w.pair(g.near[i], g.far[j])
		case 1:
			i--
		default:
			j--
		}
	}
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

// alternatives are the near records that an unpaired one cannot be told from: any of them may
// be the one that did not arrive. They are alike, and near to it in time.
func (s *scan) alternatives(w *way, i int32, same map[int32][]int32) []int32 {
	var all []int32
	for _, k := range same[i] {
		a, b := s.records[w.near[i]].at, s.records[w.near[k]].at
		if max(a-b, b-a) <= w.spread {
			all = append(all, k)
		}
	}
	if len(all) < 2 {
		return nil
	}
	return all
}

// sameNear lists for each unpaired near record those that are alike.
func (s *scan) sameNear(w *way) map[int32][]int32 {
	if !slices.ContainsFunc(w.partner, func(j int32) bool { return j < 0 }) {
		return nil
	}
	same := map[int32][]int32{}
	for _, g := range s.alike(w) {
		for _, i := range g.near {
			if w.partner[i] < 0 && len(g.near) > 1 {
				same[i] = g.near
			}
		}
	}
	return same
}
