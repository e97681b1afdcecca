package merge

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

type stream struct {
	keys []int64
	rank int
}

// TestHeap: merging is the same as sorting all items.
func TestHeap(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		type item struct {
			key  int64
			rank int
		}
		var want, got []item
		var h Heap[*stream]
		for _, rank := range r.Perm(r.IntN(20)) {
			s := &stream{rank: rank}
			for range 1 + r.IntN(30) {
				s.keys = append(s.keys, r.Int64N(100))
			}
			slices.Sort(s.keys)
			for _, key := range s.keys {
				want = append(want, item{key, rank})
			}
			h.Push(s, s.keys[0], rank)
		}
		slices.SortFunc(want, func(a, b item) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.rank, b.rank)) })
		for len(h) > 0 {
			s, key := h.First()
			got = append(got, item{key, s.rank})
			if s.keys = s.keys[1:]; len(s.keys) == 0 {
				h.Pop()
			} else {
				h.Advance(s.keys[0])
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: got %v, want %v", seed, got, want)
		}
	}
}
