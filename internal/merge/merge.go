// Package merge puts sorted streams together: frames of several files by time,
// segments of several shards by position.
package merge

// A Heap holds streams. The first is the one whose next item has the lowest key;
// among equal keys, the one of the lowest rank. The zero value is empty.
type Heap[T any] []entry[T]

type entry[T any] struct {
	key    int64
	rank   int
	stream T
}

func (e *entry[T]) before(o *entry[T]) bool {
	return e.key < o.key || e.key == o.key && e.rank < o.rank
}

// First is the first stream, and the key of its next item. There must be one.
func (h Heap[T]) First() (stream T, key int64) { return h[0].stream, h[0].key }

// Push adds a stream.
func (h *Heap[T]) Push(stream T, key int64, rank int) {
	s := append(*h, entry[T]{key, rank, stream})
	*h = s
	for i := len(s) - 1; i > 0 && s[i].before(&s[(i-1)/2]); i = (i - 1) / 2 {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
	}
}

// Advance gives the first stream the key of its next item.
func (h Heap[T]) Advance(key int64) {
	h[0].key = key
	h.sink()
}

// Pop removes the first stream.
func (h *Heap[T]) Pop() {
	s := *h
	last := len(s) - 1
	s[0], s[last] = s[last], entry[T]{}
	*h = s[:last]
	h.sink()
}

// sink moves the first stream to where it belongs.
func (h Heap[T]) sink() {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].before(&h[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
