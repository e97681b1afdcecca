package waits

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQuantiles: up to 32 durations are exact and more are wrong by 1/32 at most, whether
// they are added one by one or merged.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, sizes := range [][]int{{0}, {1}, {2}, {31}, {32}, {33}, {34}, {500}, {0, 1}, {1, 0}, {1, 1}, {1, 2}, {2, 1}, {1, 31}, {1, 32}, {1, 40}, {40, 1}, {31, 2}, {40, 50}, {1, 1, 1, 40, 1}} {
		var all []int64
		var q Quantiles
		for _, n := range sizes {
			var part Quantiles
			for range n {
				ns := r.Int64N(1 << r.IntN(40))
				all = append(all, ns)
				part.Add(ns)
			}
			q.Merge(&part)
		}
		slices.Sort(all)
		if q.Len() != uint64(len(all)) {
			t.Fatalf("%v: %d durations, want %d", sizes, q.Len(), len(all))
		}
		if len(all) == 0 {
			if q.Max() != 0 || q.At(0.5) != 0 {
				t.Errorf("none: most %d, median %d", q.Max(), q.At(0.5))
			}
			continue
		}
		if want := all[len(all)-1]; q.Max() != want || q.At(1) > want {
			t.Errorf("%v: most %d, at 1 %d, want %d", sizes, q.Max(), q.At(1), want)
		}
		for _, p := range []struct{ of, rank int }{{50, (len(all) + 1) / 2}, {100, len(all)}} {
			got, want := q.At(float64(p.of)/100), all[p.rank-1]
			bound := int64(0)
			if len(all) > exactValues {
				bound = want/32 + 1
			}
			if got < want-bound || got > want+bound {
				t.Errorf("%v: %d %% do not exceed %d, want %d within %d", sizes, p.of, got, want, bound)
			}
		}
	}
}

// TestKeep: what is not kept, and what is put in the place of another, costs no
// allocation; of equals, the first that came stays.
func TestKeep(t *testing.T) {
	rec := newRecord()
	x := &Stretch{}
	for i := range int64(maxLongest) {
		x.Start, x.End = i*100, i*100+10+i%3
		rec.longest(x)
	}
	if n := testing.AllocsPerRun(100, func() {
		rec.Longest, rec.shortest = rec.Longest[:maxLongest-1], 0
		rec.longest(x)
	}); n != 0 {
		t.Errorf("%v allocations for the first stretches", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		x.Start, x.End = x.End, x.End+10
		rec.longest(x)
	}); n != 0 {
		t.Errorf("%v allocations for a stretch", n)
	}
	if rec.Longest[0].Start != 0 {
		t.Error("an equal took the place of the first")
	}
	x.Start, x.End = x.End, x.End+11
	rec.longest(x)
	if rec.Longest[0] != *x {
		t.Errorf("the place of the least has %+v, want %+v", rec.Longest[0], *x)
	}
}
