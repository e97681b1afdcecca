package reassembly

import "testing"

// at runs a table in several places of the circle, its end among them.
func at(t *testing.T, test func(t *testing.T, base Seq)) {
	for _, base := range []Seq{1000, 1<<31 - 120, 1<<32 - 120, 1<<32 - 1} {
		test(t, base)
	}
}

func TestStream_Send(t *testing.T) {
	type send struct {
		seq  Seq
		n    uint32
		want Placement
		nxt  Seq
	}
	for name, sends := range map[string][]send{
		"in order":            {{0, 100, Fresh, 100}, {100, 50, Fresh, 150}, {150, 0, Fresh, 150}},
		"repeat":              {{0, 100, Fresh, 100}, {0, 100, Repeat, 100}, {50, 50, Repeat, 100}, {99, 1, Repeat, 100}},
		"overlap":             {{0, 100, Fresh, 100}, {50, 100, Overlap, 150}},
		"ahead, filled":       {{0, 100, Fresh, 100}, {200, 100, Ahead, 300}, {100, 100, Filling, 300}, {100, 100, Repeat, 300}},
		"filled in parts":     {{0, 100, Fresh, 100}, {200, 100, Ahead, 300}, {150, 50, Filling, 300}, {100, 50, Filling, 300}, {100, 100, Repeat, 300}},
		"filled from inside":  {{0, 100, Fresh, 100}, {200, 100, Ahead, 300}, {120, 10, Filling, 300}, {100, 20, Filling, 300}, {130, 70, Filling, 300}, {100, 100, Repeat, 300}},
		"filled and beyond":   {{0, 100, Fresh, 100}, {200, 100, Ahead, 300}, {100, 250, Overlap, 350}, {100, 100, Repeat, 350}},
		"two holes":           {{0, 100, Fresh, 100}, {200, 100, Ahead, 300}, {400, 100, Ahead, 500}, {300, 100, Filling, 500}, {100, 100, Filling, 500}},
		"empty, out of place": {{0, 100, Fresh, 100}, {150, 0, Ahead, 100}, {99, 0, Repeat, 100}, {100, 100, Fresh, 200}},
	} {
		at(t, func(t *testing.T, base Seq) {
			var s Stream
			for i, x := range sends {
				got := s.Send(base+x.seq, x.n, nil)
				if got != x.want || s.Nxt != base+x.nxt {
					t.Errorf("%s, from %d: send %d [%d,+%d) falls as %d with NXT %d, want %d with %d",
						name, base, i, x.seq, x.n, got, s.Nxt-base, x.want, x.nxt)
				}
			}
		})
	}
}

func TestStream_Acked(t *testing.T) {
	at(t, func(t *testing.T, base Seq) {
		var s Stream
		s.Open(base)
		s.Send(base, 1, nil)
		s.Send(base+1, 100, nil)
		for _, x := range []struct {
			ack    Seq
			moved  uint32
			unseen uint32
			una    Seq
			nxt    Seq
			holes  bool
		}{
			{0, 0, 0, 0, 101, false}, // of nothing: below the SYN
			{1, 1, 0, 1, 101, false}, // the SYN
			{51, 50, 0, 51, 101, false},
			{51, 0, 0, 51, 101, false},      // again
			{1, 0, 0, 51, 101, false},       // an old one
			{201, 150, 100, 201, 201, true}, // of what was not seen (yet)
		} {
			moved, unseen := s.Acked(base+x.ack, nil)
			una := s.Una - base
			if !s.Knows(KnowUna) {
				una = 0
			}
			if moved != x.moved || unseen != x.unseen || una != x.una || s.Nxt != base+x.nxt || s.Holes() != x.holes {
				t.Errorf("from %d: ack %d moves UNA by %d to %d (unseen %d, NXT %d, holes %t); want %+v",
					base, x.ack, moved, una, unseen, s.Nxt-base, s.Holes(), x)
			}
		}
		if got := s.Send(base+101, 100, nil); got != Filling || s.Holes() {
			t.Errorf("what was acknowledged before it was captured falls as %d, holes %t; want Filling and none", got, s.Holes())
		}
	})
}

func TestStream_acknowledged(t *testing.T) {
	at(t, func(t *testing.T, base Seq) {
		var s Stream
		s.Offer(base + 100)
		if s.Covered(base) || s.Below(base-1) || s.Window() != 0 {
			t.Error("before the first acknowledgment something is acknowledged, or has a window")
		}
		s.Acked(base, nil)
		if !s.Covered(base) || s.Covered(base+1) || !s.Below(base-1) || s.Below(base) {
			t.Errorf("at UNA %d: covered %t, %t; below %t, %t", base, s.Covered(base), s.Covered(base+1), s.Below(base-1), s.Below(base))
		}
		if s.Window() != 100 {
			t.Errorf("the window is %d, want 100", s.Window())
		}
		if s.Offer(base - 1); s.Window() != 0 {
			t.Errorf("the window of an edge below UNA is %d, want 0", s.Window())
		}
	})
}

func TestStream_Oldest(t *testing.T) {
	at(t, func(t *testing.T, base Seq) {
		var s Stream
		if !s.Oldest(base) || !s.Oldest(base+1) || s.Covered(base) {
			t.Error("before the first acknowledgment, something is covered, or known not to be the oldest")
		}
		s.Acked(base, nil)
		if !s.Oldest(base) || s.Oldest(base-1) || s.Oldest(base+1) {
			t.Errorf("at UNA %d, the oldest: %t, one before: %t, one behind: %t", base, s.Oldest(base), s.Oldest(base-1), s.Oldest(base+1))
		}
		if !s.Covered(base) || s.Covered(base+1) {
			t.Errorf("at UNA %d, covered: up to there %t, beyond %t", base, s.Covered(base), s.Covered(base+1))
		}
	})
}

// What was acknowledged without being captured is unseen once, and not with each later ACK.
func TestStream_Acked_holes(t *testing.T) {
	at(t, func(t *testing.T, base Seq) {
		var s Stream
		s.Acked(base, nil)
		s.Send(base+10, 90, nil) // a hole of 10
		s.Send(base+120, 80, nil)
		for _, x := range []struct {
			ack    Seq
			unseen uint32
		}{{5, 5}, {50, 5}, {100, 0}, {200, 20}, {230, 30}, {230, 0}} {
			if _, unseen := s.Acked(base+x.ack, nil); unseen != x.unseen {
				t.Errorf("from %d: ack %d passes over %d numbers that were not seen, want %d", base, x.ack, unseen, x.unseen)
			}
		}
		s.Send(base+230, 100, nil)
		if _, unseen := s.Acked(base+330, nil); unseen != 0 {
			t.Errorf("from %d: of what was seen %d are unseen", base, unseen)
		}
	})
}

// Midstream, the account begins with what is seen first.
func TestStream_midstream(t *testing.T) {
	at(t, func(t *testing.T, base Seq) {
		var s Stream
		if moved, unseen := s.Acked(base, nil); moved != 0 || unseen != 0 || s.Nxt != base || s.ISS != base-1 || s.InFlight() != 0 {
			t.Errorf("the first ACK moves UNA by %d: %+v", moved, s)
		}
		var u Stream
		u.Send(base, 10, nil)
		if u.ISS != base-1 || u.Knows(KnowISS) || u.InFlight() != 0 {
			t.Errorf("the first segment: %+v", u)
		}
		if moved, _ := u.Acked(base+4, nil); moved != 0 || u.InFlight() != 6 {
			t.Errorf("the first ACK of it moves UNA by %d, %d in flight; want 0 (nobody knows from where), 6", moved, u.InFlight())
		}
	})
}

// A SYN that was missed, but acknowledged, leaves no hole.
func TestStream_missedSYN(t *testing.T) {
	at(t, func(t *testing.T, base Seq) {
		var s Stream
		s.Open(base)
		if moved, unseen := s.Acked(base+1, nil); moved != 1 || unseen != 0 || s.Nxt != base+1 || s.Holes() {
			t.Errorf("the ACK of a SYN that was missed moves UNA by %d, unseen %d: %+v", moved, unseen, s)
		}
	})
}

// A hole that is passed by half of the circle is a hole still.
func TestStream_longAfterAHole(t *testing.T) {
	var s Stream
	s.Send(0, 100, nil)
	s.Acked(100, nil)
	s.Send(200, 100, nil)
	s.Acked(300, nil)
	for seq := Seq(300); seq < 1<<32-2<<20; seq += 1 << 20 {
		if s.Send(seq, 1<<20, nil) != Fresh {
			t.Fatalf("in order at %d, but not Fresh", seq)
		}
		s.Acked(seq+1<<20, nil)
		if !s.Holes() {
			t.Fatalf("the hole at 100 is forgotten at %d", seq)
		}
	}
}

func TestStream_Acceptable(t *testing.T) {
	at(t, func(t *testing.T, base Seq) {
		var s Stream
		if !s.Acceptable(base+12345, 1, 0, false) {
			t.Error("a stream that knows nothing believes nothing")
		}
		s.Send(base, 1000, nil)
		s.Acked(base+500, nil)
		s.Offer(base + 2000)
		for _, x := range []struct {
			seq  Seq
			n    uint32
			wide bool
			want bool
		}{
			{1000, 100, false, true},
			{Seq(500).back(reach), 0, false, true},
			{Seq(500).back(reach + 1), 0, false, false},
			{2000 + reach, 0, false, true},
			{2000 + reach - 9, 10, false, false},
			{2000 + reach + 1, 0, true, true},
			{2000 + reachUnknown + 1, 0, true, false},
			{1 << 31, 0, true, false},
		} {
			if got := s.Acceptable(base+x.seq, x.n, 0, x.wide); got != x.want {
				t.Errorf("from %d: %d numbers at %d (wide %t) are believed: %t", base, x.n, int32(x.seq), x.wide, got)
			}
		}
	})
}

// The peer's largest window counts on top: a segment may lie so much further off.
func TestStream_Acceptable_window(t *testing.T) {
	const window = 700_000
	at(t, func(t *testing.T, base Seq) {
		var s Stream
		s.Send(base, 1000, nil)
		s.Acked(base+500, nil)
		s.Offer(base + 2000)
		for seq, want := range map[Seq]bool{
			Seq(500).back(reach + window):     true,
			Seq(500).back(reach + window + 1): false,
			2000 + reach + window:             true,
			2000 + reach + window + 1:         false,
		} {
			if got := s.Acceptable(base+seq, 0, window, false); got != want {
				t.Errorf("from %d: with a window of %d, %d is believed: %t", base, window, int32(seq), got)
			}
		}
	})
}

// The largest window there is, 65535 << 14, does not go halfway round the circle.
func TestStream_Acceptable_hugeWindow(t *testing.T) {
	const window = 65535 << 14
	var s Stream
	s.Send(1000, 100, nil)
	s.Acked(1100, nil)
	s.Offer(1100 + window)
	if !s.Acceptable(1100, 10, window, false) || s.Acceptable(1100+1<<31, 0, window, false) {
		t.Error("what comes next is not believed, or what is half the circle away is")
	}
}

func TestStream_Jump(t *testing.T) {
	var s Stream
	s.Send(0, 100, nil)
	s.Acked(100, nil)
	s.Offer(5000)
	s.Reject(1 << 30)
	if !s.NearRejected(1<<30+100) || !s.NearRejected(1<<30-100) || s.NearRejected(1<<29) {
		t.Error("near the last rejected segment is not where that was")
	}
	s.Jump(1<<30, nil)
	if s.Nxt != 1<<30 || s.Una != 1<<30 || !s.Holes() || s.Knows(KnowEdge) || s.Window() != 0 || s.NearRejected(1<<30) {
		t.Errorf("across a hole: %+v", s)
	}
}

func (s Seq) back(n uint32) Seq { return s - Seq(n) }
