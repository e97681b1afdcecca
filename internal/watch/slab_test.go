package watch

import "testing"

// A chunk of which nothing is used gives its memory back, unless it is the next to be used, and what is
// used stays where it is.
func TestSlab(t *testing.T) {
	var s slab[int]
	const all = 10 * chunkSize
	for i := range uint32(all) {
		if n := s.alloc(); n != i+1 {
			t.Fatalf("the %d. has number %d", i+1, n)
		} else {
			*s.at(n) = int(n)
		}
	}
	for n := uint32(1); n <= all; n++ {
		if n != 5*chunkSize+7 {
			s.free(n)
		}
	}
	kept := 0
	for _, c := range s.chunks {
		if c.things != nil {
			kept++
		}
	}
	if kept != 2 {
		t.Errorf("%d chunks have memory, want the one in use and one more", kept)
	}
	for n, x := range s.each {
		if n != 5*chunkSize+7 || *x != int(n) {
			t.Errorf("number %d is used, and has %d", n, *x)
		}
	}
	numbers := map[uint32]bool{5*chunkSize + 7: true}
	for range all - 1 {
		n := s.alloc()
		if numbers[n] || *s.at(n) != 0 || n > all {
			t.Fatalf("number %d has %d, or is used twice", n, *s.at(n))
		}
		numbers[n] = true
	}
	if s.alloc() != all+1 {
		t.Error("there is room left")
	}
	first := &s.chunks[0].things[0]
	for range 2 {
		s.free(all + 1)
		s.alloc()
	}
	s.reset()
	if s.alloc() != 1 || &s.chunks[0].things[0] == first {
		t.Error("a large slab keeps its memory")
	}
}
