package stats

import (
	"testing"
	"time"
)

// A file is in pieces if its pauses come after each so many frames, and too many do for that to be chance.
func TestPieces(t *testing.T) {
	for _, c := range []struct {
		name         string
		size, pieces int
		pause        time.Duration
		elsewhere    int // pauses that come within a piece
		want         int
	}{
		{"six pauses after ten frames each", 10, 7, time.Second, 0, 6},
		{"five of them", 10, 6, time.Second, 0, 0},
		{"shorter pauses", 10, 30, time.Second - 2*time.Millisecond, 0, 0},
		{"four pauses after a hundred", 100, 5, time.Minute, 0, 4},
		{"three of them", 100, 4, time.Minute, 0, 0},
		{"one of twenty pauses comes elsewhere", 10, 21, time.Second, 1, 20},
		{"one of nineteen does", 10, 20, time.Second, 1, 0},
		{"a size that nobody chooses", 17, 30, time.Minute, 0, 0},
	} {
		for _, together := range []bool{false, true} {
			r, at := new(Rhythm), int64(1e18)
			for piece := range c.pieces {
				if piece > 0 {
					at += int64(c.pause)
				}
				for i := 0; i < c.size; {
					n := 1
					if together && i > 0 {
						n = min(5, c.size-i)
					}
					if piece < c.elsewhere && i == 1 {
						at += int64(c.pause)
					}
					if !together || !r.Frames(n, at, at+int64(n-1)) {
						for k := range n {
							r.Frame(at + int64(k))
						}
					}
					at += int64(time.Millisecond)
					i += n
				}
			}
			if got := len(r.Gaps()); got != c.want {
				t.Errorf("%s, together %v: %d gaps, want %d", c.name, together, got, c.want)
			}
		}
	}
}
