package taps

import (
	"regexp"
	"testing"
)

// The same connection in a hundred files, at different times, makes a hundred findings.
func TestDistinct(t *testing.T) {
	const id = "642edd251a4ab9e6"
	had, ids := map[string]int{}, map[string]bool{}
	for i := range 100 {
		got := distinct(id, had)
		if i == 0 && got != id || ids[got] || !regexp.MustCompile("^[0-9a-f]{16}$").MatchString(got) {
			t.Fatalf("number %d is %s", i+1, got)
		}
		ids[got] = true
	}
}
