package waits

import (
	"math/bits"
	"slices"
)

// Quantiles are of durations: exact for up to exactValues of them, from a histogram
// beyond, of which each bucket is 1/16 as wide as its values. Its middle is then wrong
// by 1/32 at most, 3.2 %.
type Quantiles struct {
	n       uint64
	max     int64
	exact   []int64  // from two values on, until the histogram begins; a single one is max
	buckets []bucket // the histogram: those that are not empty, in order
}

// A bucket counts the values of a bucket of the histogram.
type bucket struct {
	at uint16 // its number
	n  uint32
}

const (
	exactValues  = 32
	bucketBits   = 4
	bucketOctave = 1 << bucketBits // buckets for each power of two; values below that have one each
)

// Add adds a duration of 0 ns or more.
func (q *Quantiles) Add(ns int64) {
	ns = max(ns, 0)
	first := q.max
	q.n++
	q.max = max(q.max, ns)
	switch q.n {
	case 1:
		return
	case 2:
		q.exact = append(q.exact, first)
	}
	if len(q.buckets) == 0 && len(q.exact) < exactValues {
		q.exact = append(q.exact, ns)
		return
	}
	q.spread()
	q.count(bucketOf(ns), 1)
}

// spread moves what is exact into the histogram.
func (q *Quantiles) spread() {
	if q.n == 1 {
		q.count(bucketOf(q.max), 1)
	}
	for _, ns := range q.exact {
		q.count(bucketOf(ns), 1)
	}
	q.exact = q.exact[:0]
}

// count counts n values of a bucket.
func (q *Quantiles) count(number uint16, n uint32) {
	i, found := slices.BinarySearchFunc(q.buckets, number, func(b bucket, number uint16) int { return int(b.at) - int(number) })
	if !found {
		q.buckets = slices.Insert(q.buckets, i, bucket{at: number})
	}
	q.buckets[i].n += n
}

// Merge adds the durations of r.
func (q *Quantiles) Merge(r *Quantiles) {
	if r.n == 1 {
		q.Add(r.max)
		return
	}
	for _, ns := range r.exact {
		q.Add(ns)
	}
	if len(r.buckets) == 0 {
		return
	}
	q.spread()
	for _, b := range r.buckets {
		q.count(b.at, b.n)
	}
	q.n, q.max = q.n+r.n, max(q.max, r.max)
}

// Len is how many durations there are.
func (q *Quantiles) Len() uint64 { return q.n }

// Max is the longest duration.
func (q *Quantiles) Max() int64 { return q.max }

// At is the duration that part of them, 0 to 1, do not exceed: the nearest rank.
func (q *Quantiles) At(part float64) int64 {
	if q.n < 2 {
		return q.max
	}
	rank := min(uint64(part*float64(q.n)+0.999999999), q.n)
	rank = max(rank, 1)
	if len(q.buckets) == 0 {
		sorted := slices.Sorted(slices.Values(q.exact))
		return sorted[rank-1]
	}
	for _, b := range q.buckets {
		if uint64(b.n) >= rank {
			return min(middleOf(int(b.at)), q.max)
		}
		rank -= uint64(b.n)
	}
	return q.max
}

func bucketOf(ns int64) uint16 {
	if ns < bucketOctave {
		return uint16(ns)
	}
	shift := bits.Len64(uint64(ns)) - 1 - bucketBits
	return uint16((shift+1)*bucketOctave + int(ns>>shift)&(bucketOctave-1))
}

func middleOf(bucket int) int64 {
	if bucket < bucketOctave {
		return int64(bucket)
	}
	shift := bucket/bucketOctave - 1
	low := int64(bucketOctave+bucket%bucketOctave) << shift
	return low + 1<<shift/2
}
