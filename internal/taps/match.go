package taps

import (
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
	nearTap   int                         // point of the near records
	farTap    int

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
	all := make([]print, 0, len(w.near)+len(w.far))
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
			all = append(all, print{r.content(r.seq, r.ack, 0), int32(at), far == 1})
		}
	}
	slices.SortFunc(all, byHash)
	groups := make([]group, 0, min(len(w.near), len(w.far)))
	near, far := make([]int32, 0, len(w.near)), make([]int32, 0, len(w.far)) // of all groups
	for i := 0; i < len(all); {
		n, f, j := len(near), len(far), i
		for ; j < len(all) && all[j].hash == all[i].hash; j++ {
			if all[j].far {
				far = append(far, all[j].record)
			} else {
				near = append(near, all[j].record)
			}
		}
		if len(near) > n && len(far) > f {
			groups = append(groups, group{near[n:len(near):len(near)], far[f:len(far):len(far)]})
		}
		i = j
	}
	return groups
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
