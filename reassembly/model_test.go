package reassembly

import (
	"math/rand/v2"
	"testing"
)

// A model is a stream that remembers every number.
type model struct {
	seen     [256]bool
	una, nxt int
}

func (m *model) send(from, n int) (fresh bool) {
	for i := from; i < from+n; i++ {
		fresh = fresh || !m.seen[i]
		m.seen[i] = true
	}
	m.nxt = max(m.nxt, from+n)
	return fresh
}

func (m *model) acked(ack int) {
	m.una, m.nxt = max(m.una, ack), max(m.nxt, ack)
}

// holes counts the stretches below to that were not seen.
func (m *model) holes(to int) (n int) {
	for i := range to {
		if !m.seen[i] && (i == 0 || m.seen[i-1]) {
			n++
		}
	}
	return n
}

// As long as no hole was forgotten, a stream says what a model that remembers everything says.
func TestStream_model(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	exact := 0
	var room Gaps
	for range 20000 {
		base := Seq(r.Uint32())
		if r.IntN(2) == 0 {
			base = -Seq(r.IntN(200))
		}
		var s Stream
		var m model
		s.Send(base, 1, &room)
		s.Acked(base, &room)
		m.send(0, 1)
		for range 12 {
			if r.IntN(3) == 0 {
				ack := min(m.una+r.IntN(40), m.nxt+r.IntN(2)*r.IntN(20), 200)
				s.Acked(base+Seq(ack), &room)
				m.acked(ack)
			} else {
				from, n := max(0, m.nxt-60+r.IntN(90)), 1+r.IntN(30)
				if from+n > 250 {
					continue
				}
				before := m.nxt
				place, fresh := s.Send(base+Seq(from), uint32(n), &room), m.send(from, n)
				if s.known&lossy == 0 {
					exact++
					if want := placed(from, n, before, fresh); place != want {
						t.Fatalf("[%d,%d) with NXT %d falls as %d, want %d", from, from+n, before, place, want)
					}
				}
			}
			if s.Nxt != base+Seq(m.nxt) || s.Una != base+Seq(m.una) {
				t.Fatalf("UNA %d NXT %d, want %d and %d", s.Una-base, s.Nxt-base, m.una, m.nxt)
			}
			if m.holes(m.una) > 0 && !s.Holes() {
				t.Fatalf("numbers below %d were never seen, but there are no holes", m.una)
			}
			for _, seq := range []int{m.una, m.una - 1, m.nxt - 1} {
				if s.known&lossy == 0 && s.Skipped(base+Seq(seq)) != (seq < m.nxt && !m.seen[max(seq, 0)]) {
					t.Fatalf("UNA %d, NXT %d, %d was skipped: %t", m.una, m.nxt, seq, s.Skipped(base+Seq(seq)))
				}
			}
			if s.known&lossy == 0 && s.Holes() != (m.holes(m.una) > 0) {
				t.Fatalf("holes below %d: %t", m.una, s.Holes())
			}
		}
		s.Release(&room)
	}
	if len(room.unused) != len(room.tables) || len(room.tables) != 1 {
		t.Errorf("of %d tables of holes, %d are unused at the end", len(room.tables), len(room.unused))
	}
	if exact < 50000 {
		t.Errorf("only %d sends were compared exactly", exact)
	}
}

func placed(from, n, nxt int, fresh bool) Placement {
	switch {
	case from == nxt:
		return Fresh
	case from > nxt:
		return Ahead
	case from+n > nxt:
		return Overlap
	case fresh:
		return Filling
	}
	return Repeat
}

// Whatever comes, the account stays in order.
func FuzzStream(f *testing.F) {
	f.Add(uint32(1<<32-10), []byte{0, 0, 10, 1, 5, 0, 0, 200, 3, 1, 220, 0, 2, 9, 9, 3, 1, 1})
	f.Fuzz(func(t *testing.T, iss uint32, ops []byte) {
		var s Stream
		var room Gaps
		for ; len(ops) >= 3; ops = ops[3:] {
			d := Seq(int8(ops[1])) << (ops[0] >> 4)
			switch ops[0] & 15 {
			case 0, 1, 2, 3:
				if seq := s.Nxt + d; s.Acceptable(seq, uint32(ops[2]), 0, false) {
					s.Send(seq, uint32(ops[2]), &room)
				}
			case 4, 5, 6:
				if ack := s.Nxt + d; s.Acceptable(ack, 0, 0, false) {
					s.Acked(ack, &room)
				}
			case 7:
				s.Offer(s.Una + d)
			case 8:
				s.Reject(s.Nxt + d)
			case 9:
				s.Jump(Seq(iss)+d, &room)
			case 10:
				if s.known == 0 {
					s.Open(Seq(iss))
					s.Send(Seq(iss), 1, &room)
				}
			}
			if s.Knows(KnowUna|KnowNxt) && s.Nxt.Before(s.Una) {
				t.Fatalf("UNA %d is beyond NXT %d", s.Una, s.Nxt)
			}
			var b [maxGaps]Block
			list := s.gaps.list(&room, &b)
			for i, g := range list {
				if !g.From.Before(g.To) || i > 0 && !list[i-1].To.Before(g.From) || g.To.After(s.Nxt) {
					t.Fatalf("gaps %v below NXT %d are not sorted, apart and full", list, s.Nxt)
				}
			}
		}
		s.Release(&room)
		if len(room.unused) != len(room.tables) {
			t.Fatalf("of %d tables of holes, %d are unused at the end", len(room.tables), len(room.unused))
		}
	})
}
