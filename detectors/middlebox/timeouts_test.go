package middlebox

import (
	"strings"
	"testing"
	"time"
)

// The timeouts that fit lie between a silence that did no harm and the one that did.
func TestFit(t *testing.T) {
	for _, c := range []struct {
		survived, idle time.Duration
		shortest       int
		words          string // that it must hold
	}{
		{0, 59 * time.Second, 0, ""},
		{0, 60 * time.Second, 60, "the 60 s of "},
		{0, 239 * time.Second, 60, "the 60 s of "},
		{0, 240 * time.Second, 60, ", or a shorter limit down to 60 s"},
		{60 * time.Second, 240 * time.Second, 240, "the 240 s of "},
		{59 * time.Second, 240 * time.Second, 60, "the 240 s of "},
		{100 * time.Second, 200 * time.Second, 0, ""},
		{240 * time.Second, 400 * time.Second, 300, "the 350 s of "},
	} {
		shortest, words := Fit(int64(c.survived), int64(c.idle))
		if shortest != c.shortest || !strings.Contains(words, c.words) || (words == "") != (c.shortest == 0) {
			t.Errorf("Fit(%v, %v) is %d, %q, want %d, %q", c.survived, c.idle, shortest, words, c.shortest, c.words)
		}
		if one := c.words == "the 60 s of " || strings.HasPrefix(c.words, "the 240") && c.survived >= 60*time.Second; one && strings.Contains(words, "shorter") {
			t.Errorf("Fit(%v, %v) tells of a shorter limit, and there is none: %q", c.survived, c.idle, words)
		}
	}
}

// On the dot is up to a fiftieth and a second more; what ends a moment before it fits, too.
func TestOnTheDot(t *testing.T) {
	for _, c := range []struct {
		idle  time.Duration
		s     int
		words string
	}{
		{59899 * time.Millisecond, 0, ""},
		{59900 * time.Millisecond, 60, "almost exactly the 60 s of "},
		{60 * time.Second, 60, "just past the 60 s of "},
		{62200 * time.Millisecond, 60, "just past the 60 s of "},
		{62300 * time.Millisecond, 0, ""},
		{200 * time.Second, 0, ""},
		{3599 * time.Second, 0, ""},
		{3600 * time.Second, 3600, "just past the 3600 s of "},
		{3673 * time.Second, 3600, "just past the 3600 s of "},
		{3674 * time.Second, 0, ""},
		{2 * time.Hour, 7200, "just past the 7200 s of "},
	} {
		if s := OnTheDot(int64(c.idle)); s != c.s {
			t.Errorf("OnTheDot(%v) is %d, want %d", c.idle, s, c.s)
		}
		if words := Words(int64(c.idle)); !strings.HasPrefix(words, c.words) || (words == "") != (c.s == 0) {
			t.Errorf("Words(%v) is %q, want %q", c.idle, words, c.words)
		}
	}
}
