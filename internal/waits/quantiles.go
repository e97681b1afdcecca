package waits

import (
	"math/bits"
	"slices"
)

// Quantiles are of durations: exact for up to exactValues of them, from a histogram
// beyond, of which each bucket is 1/16 as wide as its values. Its middle is then wrong
// by 1/32 at most, 3.2 %.
type Quantiles struct {
	n         uint64
	exact     []int64 // until the histogram begins
	histogram *histogram
	max       int64
}

const (
	exactValues  = 32
	bucketBits   = 4
	bucketOctave = 1 << bucketBits
)

// histogram counts nanoseconds: values below 16 each by itself, then 16 buckets for each
// power of two.
type histogram [(64 - bucketBits) * bucketOctave]uint32

// Add adds a duration of 0 ns or more.
func (q *Quantiles) Add(ns int64) {
	ns = max(ns, 0)
	q.n++
	q.max = max(q.max, ns)
	if q.histogram == nil && len(q.exact) < exactValues {
		q.exact = append(q.exact, ns)
		return
	}
	q.spread()
	q.histogram[bucketOf(ns)]++
}

// spread moves what is exact into the histogram.
func (q *Quantiles) spread() {
	if q.histogram == nil {
		q.histogram = new(histogram)
		for _, ns := range q.exact {
			q.histogram[bucketOf(ns)]++
		}
		q.exact = nil
	}
}

// Merge adds the durations of r.
func (q *Quantiles) Merge(r *Quantiles) {
	if r.histogram == nil {
		for _, ns := range r.exact {
			q.Add(ns)
		}
		return
	}
	q.spread()
	for i, n := range r.histogram {
		q.histogram[i] += n
	}
	q.n, q.max = q.n+r.n, max(q.max, r.max)
}

// Len is how many durations there are.
func (q *Quantiles) Len() uint64 { return q.n }

// Max is the longest duration.
func (q *Quantiles) Max() int64 { return q.max }

// At is the duration that part of them, 0 to 1, do not exceed: the nearest rank.
func (q *Quantiles) At(part float64) int64 {
	if q.n == 0 {
		return 0
	}
	rank := min(uint64(part*float64(q.n)+0.999999999), q.n)
	rank = max(rank, 1)
	if q.histogram == nil {
		sorted := slices.Sorted(slices.Values(q.exact))
		return sorted[rank-1]
	}
	for i, n := range q.histogram {
		if uint64(n) >= rank {
			return min(middleOf(i), q.max)
		}
		rank -= uint64(n)
	}
	return q.max
}

func bucketOf(ns int64) int {
	if ns < bucketOctave {
		return int(ns)
	}
	shift := bits.Len64(uint64(ns)) - 1 - bucketBits
	return (shift+1)*bucketOctave + int(ns>>shift)&(bucketOctave-1)
}

func middleOf(bucket int) int64 {
	if bucket < bucketOctave {
		return int64(bucket)
	}
	shift := bucket/bucketOctave - 1
	low := int64(bucketOctave+bucket%bucketOctave) << shift
	return low + 1<<shift/2
}
