package excerpt

import (
	"maps"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A connection that is too long does not take the place of others, and what is
// certain goes first.
func TestChoose(t *testing.T) {
	var r result.Report
	flows := []result.Flow{
		{ID: 1, Conn: 1, Packets: [2]uint64{3, 4}},
		{ID: 2, Conn: 2, Packets: [2]uint64{MaxSegments, 0}},
		{ID: 3, Conn: 3, Packets: [2]uint64{MaxSegments / 2, MaxSegments/2 - 2*successorSegments}},
		{ID: 4, Conn: 4, Packets: [2]uint64{1, 1}},
	}
	for i := range flows {
		r.Findings = append(r.Findings, result.Finding{Finding: new(detectors.Finding), Flow: &flows[i]})
	}
	r.Findings[0].Verdict = detectors.Undecided
	chosen, left := Choose(&r)
	if !maps.Equal(chosen, map[uint64]bool{3: true}) {
		t.Errorf("chosen are %v, want 3, which leaves no room", chosen)
	}
	if left != 3 {
		t.Errorf("%d are left out, want 3", left)
	}
}
