package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSortPositions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, most := range []uint64{1, 1 << 11, 1 << 22, 1 << 40} {
		for _, n := range []int{0, 1, 511, 512, 5000} {
			positions := make([]uint64, n)
			for i := range positions {
				positions[i] = r.Uint64N(most)
			}
			want := slices.Sorted(slices.Values(positions))
			if sortPositions(positions); !slices.Equal(positions, want) {
				t.Errorf("%d positions below %d are not sorted", n, most)
			}
		}
	}
}
