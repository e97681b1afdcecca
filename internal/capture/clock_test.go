package capture

import "testing"

// Relative times begin at 0, which means elsewhere that there is no time: all are a nanosecond later. A later 0 is, too.
func TestClock_zero(t *testing.T) {
	for _, x := range []struct{ shift, first, later, wantFirst, wantLater int64 }{
		{0, 0, 5, 1, 6},
		{0, 7, 0, 7, 1},
		{-7, 7, 12, 1, 6},
		{0, 7, 9, 7, 9},
	} {
		c := clock{shift: x.shift}
		c.begins(x.first)
		if first, later := c.shifted(x.first), c.shifted(x.later); first != x.wantFirst || later != x.wantLater {
			t.Errorf("%+v: %d and %d", x, first, later)
		}
	}
}
