package stats

import "testing"

// Numbers beyond 2^32, also of frames whose times are not quite in order.
func TestTurns(t *testing.T) {
	turns := Turns{100, 200, 300, 400}
	for _, c := range []struct {
		number uint64
		at     int64
	}{
		{1, 0}, {5, 99}, {1<<31 - 1, 99}, {1<<31 - 1, 101}, {1 << 31, 100}, {1 << 31, 99}, {1<<32 - 1, 199}, {1<<32 - 1, 201},
		{1 << 32, 200}, {1<<32 + 1, 199}, {1<<32 + 1, 250}, {3 << 31, 300}, {1<<33 - 1, 401}, {1 << 33, 400}, {1<<33 + 7, 1000}, {1<<33 + 7, 399},
	} {
		if n := turns.Number(uint32(c.number), c.at); n != c.number {
			t.Errorf("at %d: frame %d, want %d", c.at, n, c.number)
		}
	}
	for _, few := range []Turns{nil, {100}} {
		if n := few.Number(1<<31+5, 200); n != 1<<31+5 {
			t.Errorf("frame %d", n)
		}
	}
}
