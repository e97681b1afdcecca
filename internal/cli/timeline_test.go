package cli

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Of a long connection, the first and last segments and those around a mark are
// kept.
func TestTimeline_long(t *testing.T) {
	const total = keepHead + 3*keepTail
	const mark = keepHead + keepTail/2
	k := timeline{marked: map[frame]bool{{0, mark}: true, {0, mark + 1}: true, {0, total}: true}}
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
	for _, step := range k.all() {
		if !want[step.N] || step.N <= last {
			t.Fatalf("segment %d is kept behind %d", step.N, last)
		}
		last = step.N
		delete(want, step.N)
	}
	for n := range want {
		t.Fatalf("segment %d is not kept, one of %d", n, len(want))
	}
}

func TestTimeline_missing(t *testing.T) {
	var k timeline
	for n := uint32(1); n <= keepHead+keepTail+10; n++ {
		k.add(result.Step{N: uint64(n), Seg: reassembly.Segment{Frame: n}})
	}
	found := result.Finding{Finding: new(detectors.Finding)}
	for _, n := range []uint32{5, keepHead + 5, keepHead + 100} {
		found.Evidence = append(found.Evidence, detectors.Evidence{Seg: reassembly.Segment{Frame: n}})
	}
	missing := k.missing(&result.Report{Findings: []result.Finding{found}})
	if len(missing) != 1 || !missing[frame{0, keepHead + 5}] {
		t.Errorf("missing %v, want the one that fell out", missing)
	}
}
