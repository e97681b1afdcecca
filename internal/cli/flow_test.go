package cli

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func TestParseFlow(t *testing.T) {
	for _, value := range []string{"1", "18446744073709551615", "10.0.0.1:80-10.0.0.2:90", "[::1]:80-[::2]:90"} {
		if _, err := parseFlow(value); err != nil {
			t.Errorf("%s: %v", value, err)
		}
	}
	for _, value := range []string{"", "0", "-1", "x", "1.5", "10.0.0.1:80", "10.0.0.1-10.0.0.2", "10.0.0.1:80-", "::1:80-::2:90", "10.0.0.1:80-10.0.0.2:90000"} {
		if f, err := parseFlow(value); err == nil {
			t.Errorf("%q is taken as %+v", value, f)
		}
	}
}

// Of a long connection, both ends are kept, and what surrounds a mark.
func TestTurns_long(t *testing.T) {
	const total = keepHead + 3*keepTail
	const mark = keepHead + keepTail/2
	k := turns{marked: map[frame]bool{{0, mark}: true, {0, mark + 1}: true, {0, total}: true}}
	for n := uint32(1); n <= total; n++ {
		k.add(result.Step{N: uint64(n), Seg: reassembly.Segment{Frame: n}})
	}
	want := map[uint64]bool{}
	for n := uint64(1); n <= total; n++ {
		if n <= keepHead || n > total-keepTail || mark-keepAround <= n && n <= mark+1+keepAround {
			want[n] = true
		}
	}
	last := uint64(0)
	for _, turn := range k.all() {
		if !want[turn.N] || turn.N <= last {
			t.Fatalf("turn %d is kept behind %d", turn.N, last)
		}
		last = turn.N
		delete(want, turn.N)
	}
	for n := range want {
		t.Fatalf("turn %d is not kept, one of %d", n, len(want))
	}
}

func TestTurns_missing(t *testing.T) {
	var k turns
	for n := uint32(1); n <= keepHead+keepTail+10; n++ {
		k.add(result.Step{N: uint64(n), Seg: reassembly.Segment{Frame: n}})
	}
	found := result.Finding{}
	for _, n := range []uint32{5, keepHead + 5, keepHead + 100} {
		found.Evidence = append(found.Evidence, detectors.Evidence{Seg: reassembly.Segment{Frame: n}})
	}
	missing := k.missing(&result.Report{Findings: []result.Finding{found}})
	if len(missing) != 1 || !missing[frame{0, keepHead + 5}] {
		t.Errorf("missing %v, want the one that fell out", missing)
	}
}
