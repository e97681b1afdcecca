package engine

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

func TestSortPositions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, most := range []uint64{1, 1 << 11, 1 << 22, 1 << 40} {
		for _, n := range []int{0, 1, 511, 512, 5000} {
			positions := make([]uint64, n)
			for i := range positions {
				positions[i] = r.Uint64N(most)
			}
			for _, positions := range [][]uint64{positions, slices.Compact(slices.Sorted(slices.Values(positions)))} { // all the same may be there twice
				r.Shuffle(len(positions), func(i, k int) { positions[i], positions[k] = positions[k], positions[i] })
				want := slices.Sorted(slices.Values(positions))
				if sortPositions(positions); !slices.Equal(positions, want) {
					t.Errorf("%d positions below %d are not sorted", n, most)
				}
			}
		}
	}
}

// Rows come into the order of their connections, whether all of these have one or some.
func TestSortRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	positions := make([]uint64, 300)
	for i := range positions {
		positions[i] = 7*uint64(i) + 1
	}
	for _, n := range []int{len(positions), len(positions) / 2, 0} {
		rows := make([]result.Flow, n)
		for i, k := range r.Perm(len(positions))[:n] {
			rows[i].ID = positions[k]
		}
		sortRows(rows, positions)
		if !slices.IsSortedFunc(rows, func(a, b result.Flow) int { return cmp.Compare(a.ID, b.ID) }) {
			t.Errorf("%d rows of %d connections are not in their order", n, len(positions))
		}
	}
}
