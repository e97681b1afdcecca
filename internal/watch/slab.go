package watch

// chunkSize is how many groups are allocated together.
const (
	chunkBits = 6
	chunkSize = 1 << chunkBits
)

// A slab holds groups of watchers, in chunks so that none of them moves when there are
// more.
type slab struct {
	chunks []*[chunkSize]group
	made   uint32   // groups ever used
	idle   []uint32 // of these, free ones
}

// at is the group with that number; the first is 1.
func (s *slab) at(n uint32) *group {
	return &s.chunks[(n-1)>>chunkBits][(n-1)&(chunkSize-1)]
}

// alloc returns the number of a free group.
func (s *slab) alloc() uint32 {
	if last := len(s.idle) - 1; last >= 0 {
		n := s.idle[last]
		s.idle = s.idle[:last]
		return n
	}
	if s.made>>chunkBits == uint32(len(s.chunks)) {
		s.chunks = append(s.chunks, new([chunkSize]group))
	}
	s.made++
	return s.made
}

// free gives a group back.
func (s *slab) free(n uint32) {
	*s.at(n) = group{}
	s.idle = append(s.idle, n)
}

// reset frees all groups, and keeps the memory of few.
func (s *slab) reset() {
	if len(s.chunks) > 1 {
		*s = slab{}
		return
	}
	for n := range s.made {
		*s.at(n + 1) = group{}
	}
	s.made, s.idle = 0, s.idle[:0]
}
