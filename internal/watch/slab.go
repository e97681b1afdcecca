package watch

import "math/bits"

// chunkSize is how many things are allocated together.
const (
	chunkBits = 6
	chunkSize = 1 << chunkBits
)

// A slab holds things in chunks, so that none of them moves when there are more.
type slab[T any] struct {
	chunks []chunk[T]
	open   []uint32 // those with room
}

// A chunk without any things may have no memory.
type chunk[T any] struct {
	things []T
	free   uint64 // a bit for each that is not used
}

// at is the thing with that number; the first is 1.
func (s *slab[T]) at(n uint32) *T {
	return &s.chunks[(n-1)>>chunkBits].things[(n-1)&(chunkSize-1)]
}

// alloc returns the number of a free one.
func (s *slab[T]) alloc() uint32 {
	last := len(s.open) - 1
	if last < 0 {
		last = 0
		s.open = append(s.open, uint32(len(s.chunks)))
		s.chunks = append(s.chunks, chunk[T]{free: 1<<chunkSize - 1})
	}
	k := s.open[last]
	c := &s.chunks[k]
	if c.things == nil {
		c.things = make([]T, chunkSize)
	}
	i := uint32(bits.TrailingZeros64(c.free))
	if c.free &^= 1 << i; c.free == 0 {
		s.open = s.open[:last]
	}
	return k<<chunkBits + i + 1
}

// free gives one back. A chunk of which nothing is used gives its memory back, unless the next thing is to be
// there.
func (s *slab[T]) free(n uint32) {
	*s.at(n) = *new(T)
	k := (n - 1) >> chunkBits
	c := &s.chunks[k]
	if c.free == 0 {
		if last := len(s.open) - 1; last >= 0 {
			s.chunks[s.open[last]].release()
		}
		s.open = append(s.open, k)
	}
	c.free |= 1 << ((n - 1) & (chunkSize - 1))
	if s.open[len(s.open)-1] != k {
		c.release()
	}
}

func (c *chunk[T]) release() {
	if c.free == 1<<chunkSize-1 {
		c.things = nil
	}
}

// each goes through those that are used, by number.
func (s *slab[T]) each(yield func(uint32, *T) bool) {
	for k := range s.chunks {
		for i := range uint32(chunkSize) {
			if s.chunks[k].free>>i&1 == 0 && !yield(uint32(k)<<chunkBits+i+1, &s.chunks[k].things[i]) {
				return
			}
		}
	}
}

// reset frees all, and keeps the memory of few.
func (s *slab[T]) reset() {
	if len(s.chunks) != 1 || s.chunks[0].things == nil {
		*s = slab[T]{}
		return
	}
	for _, t := range s.each {
		*t = *new(T)
	}
	s.chunks[0].free = 1<<chunkSize - 1
	s.open = append(s.open[:0], 0)
}
