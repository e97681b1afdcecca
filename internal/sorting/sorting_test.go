package sorting

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestStable(t *testing.T) {
	type pair struct{ key, place int }
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		list := make([]pair, n)
		for i := range list {
			list[i] = pair{random.IntN(1 + n/3), i}
		}
		want := slices.Clone(list)
		slices.SortStableFunc(want, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
		Stable(list, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
		if !slices.Equal(list, want) {
			t.Fatalf("%d elements: %v, want %v", n, list, want)
		}
	}
}

func TestInsert(t *testing.T) {
	for _, list := range [][]int{nil, {1}, {1, 2, 3}, make([]int, 3, 8)} {
		for i := range len(list) + 1 {
			got, want := Insert(slices.Clone(list), i, 9), slices.Insert(slices.Clone(list), i, 9)
			if !slices.Equal(got, want) {
				t.Errorf("9 before %d of %v: %v, want %v", i, list, got, want)
			}
		}
	}
}
