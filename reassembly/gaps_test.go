package reassembly

import "testing"

// skip sends so many segments of 100, each after 100 that are not seen.
func skip(s *Stream, n int, room *Gaps) {
	s.Open(0)
	s.Send(0, 1, room)
	s.Acked(1, room)
	for i := range n {
		s.Send(101+Seq(i)*200, 100, room)
	}
}

// As many holes are remembered as there is room for. What is skipped beyond them is said
// not to be known, and nothing that was captured is said to be missing.
func TestStream_overflow(t *testing.T) {
	for holes := 1; holes <= maxGaps+1; holes++ {
		var room Gaps
		var s Stream
		skip(&s, holes, &room)
		if over := holes > maxGaps; s.Overflowed() != over {
			t.Fatalf("%d holes, overflowed %t", holes, s.Overflowed())
		}
		for i := range holes {
			from := 1 + Seq(i)*200
			if place := s.Send(from+100, 100, &room); place != Repeat {
				t.Errorf("%d holes: what was seen after hole %d falls as %d", holes, i+1, place)
			}
			want := Filling
			if i == maxGaps {
				want = Repeat
			}
			if place := s.Send(from, 100, &room); place != want {
				t.Errorf("%d holes: what fills hole %d falls as %d, want %d", holes, i+1, place, want)
			}
		}
		if _, unseen := s.Acked(s.Nxt, &room); unseen != 0 || s.Holes() {
			t.Errorf("%d holes that were filled: unseen %d, holes %t", holes, unseen, s.Holes())
		}
		if len(room.unused) != len(room.tables) {
			t.Errorf("%d holes: a table is kept for none", holes)
		}
	}
}

// A hole that becomes two where there is room for one: the second is not known.
func TestStream_overflow_split(t *testing.T) {
	var room Gaps
	var s Stream
	skip(&s, maxGaps, &room)
	if place := s.Send(51, 10, &room); place != Filling || !s.Overflowed() {
		t.Errorf("inside a hole, a segment falls as %d; overflowed %t", place, s.Overflowed())
	}
	if place := s.Send(1, 50, &room); place != Filling {
		t.Errorf("what is left of the hole is filled, and falls as %d", place)
	}
}

// Holes that are acknowledged make room for others, and are not forgotten as such.
func TestStream_overflow_acknowledged(t *testing.T) {
	var room Gaps
	var s Stream
	skip(&s, 5*maxGaps, nil)
	if !s.Overflowed() {
		t.Error("without room, more than two holes are remembered")
	}
	s = Stream{}
	skip(&s, 1, &room)
	for i := Seq(1); i < 100; i++ {
		s.Acked(s.Nxt, &room)
		s.Send(101+i*200, 100, &room)
	}
	if s.Overflowed() || !s.Holes() || len(room.tables) > 1 {
		t.Errorf("100 holes, each acknowledged: overflowed %t, holes %t, %d tables", s.Overflowed(), s.Holes(), len(room.tables))
	}
	s.Release(&room)
}

// A table is taken only for a third hole.
func TestGaps_take(t *testing.T) {
	var room Gaps
	var streams [10]Stream
	for i := range streams {
		skip(&streams[i], i%3+1, &room)
	}
	if len(room.tables) != 3 || len(room.unused) != 0 {
		t.Errorf("three streams of ten have three holes; %d tables, %d unused", len(room.tables), len(room.unused))
	}
	for i := range streams {
		streams[i].Jump(1<<20, &room)
	}
	if len(room.unused) != 3 {
		t.Errorf("no stream has holes; %d tables are unused of 3", len(room.unused))
	}
}
