package taps

import "testing"

// A point whose partners are beyond the number of points that are compared is an ordinary one.
func TestUngroup(t *testing.T) {
	b := builder{Plan: &Plan{points: []point{{group: 1}, {group: 1}, {group: 2}, {}}}}
	b.ungroup()
	for i, want := range []int{1, 1, 0, 0} {
		if got := b.points[i].group; got != want {
			t.Errorf("point %d is in group %d, want %d", i, got, want)
		}
	}
}
