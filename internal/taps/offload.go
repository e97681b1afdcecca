package taps

import (
	"math"
	"slices"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// maxLook is how many segments before another one are looked at for one that it is a
// part of, or has parts of.
const maxLook = 512

// offload pairs large segments with the smaller ones into which a network card divided
// them, or from which it put them together.
func (s *scan) offload(w *way) {
	w.split, w.pieces = map[int32]fate{}, map[int32]int{}
	w.joinedLarge, w.twice = make([]bool, len(w.far)), make([]bool, len(w.far))
	if w.largest == 0 && w.median == 0 && w.least == 0 {
		return
	}
	var alone []int32 // near records with payload and without a partner
	for i := range w.near {
		if w.partner[i] < 0 && s.records[w.near[i]].len > 0 {
			alone = append(alone, int32(i))
		}
	}
	if len(alone) == 0 {
		return
	}
	bytes := map[int32]uint32{} // of the pieces of a near record that arrived
	for j := range w.far {
		o := &s.records[w.far[j]]
		if w.taken[j] || o.len == 0 {
			continue
		}
		if i := s.wholeOf(w, alone, int32(j), bytes); i >= 0 && !w.taken[j] {
			w.pieces[i]++
			bytes[i] += o.len
			w.partner[i] = int32(j)
			w.taken[j] = true
		}
	}
	for i, n := range bytes {
		if n < s.records[w.near[i]].len {
			w.split[i] = partial
		}
	}
}

// wholeOf is that near record of those alone of which far record j is probably a piece, -1 if there is none. If
// j was put together from near records instead, it pairs it with these.
func (s *scan) wholeOf(w *way, alone []int32, j int32, bytes map[int32]uint32) int32 {
	o := &s.records[w.far[j]]
	seq := o.seq - reassembly.Seq(w.moved[0])
	// In order of time: those that left before this one arrived.
	end, _ := slices.BinarySearchFunc(alone, j, func(i, j int32) int {
		if s.delay(w, i, j) >= w.least-waitPlain {
			return -1
		}
		return 1
	})
	best, off := int32(-1), int64(math.MaxInt64)
	for _, i := range alone[max(0, end-maxLook):end] {
		r := &s.records[w.near[i]]
		d := s.delay(w, i, j)
		if w.joined && d > w.largest+waitIDs {
			continue
		}
		ahead := r.seq.To(seq)
		switch {
		case r.len > o.len && ahead >= 0 && uint32(ahead)+o.len <= r.len: // a piece of a large one
			if dev := max(d-w.median, w.median-d); dev < off && bytes[i]+o.len <= r.len {
				best, off = i, dev
			}
		case r.len < o.len && ahead <= 0 && uint32(-ahead)+r.len <= o.len && w.partner[i] < 0: // has this as a piece
			w.partner[i] = j
			w.taken[j], w.joinedLarge[j] = true, true
		}
	}
	return best
}
