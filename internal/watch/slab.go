package watch

// chunkSize is how many things are allocated together.
const (
	chunkBits = 6
	chunkSize = 1 << chunkBits
)

// A slab holds things in chunks, so that none of them moves when there are more.
type slab[T any] struct {
	chunks []*[chunkSize]T
	made   uint32   // things ever used
	idle   []uint32 // of these, free ones
}

// at is the thing with that number; the first is 1.
func (s *slab[T]) at(n uint32) *T {
	return &s.chunks[(n-1)>>chunkBits][(n-1)&(chunkSize-1)]
}

// alloc returns the number of a free one.
func (s *slab[T]) alloc() uint32 {
	if last := len(s.idle) - 1; last >= 0 {
		n := s.idle[last]
		s.idle = s.idle[:last]
		return n
	}
	if s.made>>chunkBits == uint32(len(s.chunks)) {
		s.chunks = append(s.chunks, new([chunkSize]T))
	}
	s.made++
	return s.made
}

// free gives one back.
func (s *slab[T]) free(n uint32) {
	*s.at(n) = *new(T)
	s.idle = append(s.idle, n)
}

// reset frees all, and keeps the memory of few.
func (s *slab[T]) reset() {
	if len(s.chunks) > 1 {
		*s = slab[T]{}
		return
	}
	for n := range s.made {
		*s.at(n + 1) = *new(T)
	}
	s.made, s.idle = 0, s.idle[:0]
}
