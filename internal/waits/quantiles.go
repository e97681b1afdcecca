package waits

import (
	"math/bits"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// Quantiles are of durations: exact for up to exactValues of them, from a histogram
// beyond, of which each bucket is 1/16 as wide as its values. Its middle is then wrong
// by 1/32 at most, 3.2 %.
type Quantiles struct {
	n    uint64
	max  int64
	many *many // from two values on; a single one is max
}

// many are values as they are, until the histogram begins.
type many struct {
	exact   []int64
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
	if q.n == 1 {
		return
	}
	m := q.values()
	if q.n == 2 {
		m.exact = append(m.exact, first)
	}
	if len(m.buckets) == 0 && len(m.exact) < exactValues {
		m.exact = append(m.exact, ns)
		return
	}
	m.spread()
	m.count(bucketOf(ns), 1)
}

// values has room for many.
func (q *Quantiles) values() *many {
	if q.many == nil {
		q.many = new(many)
	}
	return q.many
}

// spread moves what is exact into the histogram.
func (m *many) spread() {
	for _, ns := range m.exact {
		m.count(bucketOf(ns), 1)
	}
	m.exact = m.exact[:0]
}

// count counts n values of a bucket.
func (m *many) count(number uint16, n uint32) {
	i, found := slices.BinarySearchFunc(m.buckets, number, func(b bucket, number uint16) int { return int(b.at) - int(number) })
	if !found {
		m.buckets = sorting.Insert(m.buckets, i, bucket{at: number})
	}
	m.buckets[i].n += n
}

// Merge adds the durations of r.
func (q *Quantiles) Merge(r *Quantiles) {
	switch {
	case r.n == 0:
		return
	case r.n == 1:
		q.Add(r.max)
		return
	}
	for _, ns := range r.many.exact {
		q.Add(ns)
	}
	if len(r.many.buckets) == 0 {
		return
	}
	m := q.values()
	if q.n == 1 {
		m.count(bucketOf(q.max), 1)
	}
	m.spread()
	for _, b := range r.many.buckets {
		m.count(b.at, b.n)
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
	if len(q.many.buckets) == 0 {
		sorted := slices.Sorted(slices.Values(q.many.exact))
		return sorted[rank-1]
	}
	for _, b := range q.many.buckets {
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
