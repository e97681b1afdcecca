package engine

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// listed is how many findings of a detector a partition lists.
const listed = 1000

// Where thousands of connections are in the same trouble, a thousand of a
// partition's are listed and the rest is counted.
func TestPartition_manyConnectionsInTrouble(t *testing.T) {
	const many = 5 * listed
	f := newFeeder()
	for range many {
		f.client++
		f.open()
		f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.FIN | reassembly.ACK, Window: 1000})
		f.position += 2000 // later than a timeout: its peer lacks the FIN, it is not the capture that leaves the ACK out
		f.give(true, reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.ACK, Window: 1000})
	}
	f.position += 60_000
	end := int64(f.position) * 1e6
	r, _ := assemble(f.options, &stats.Trace{First: 1, Last: end, End: end}, []*partition{f.partition}, nil)
	want := result.Group{
		Detector: "unretransmitted-fin", Outcome: "peer-unaware", Severity: detectors.Critical, N: many, Listed: listed,
	}
	if len(r.Totals.Groups) != 1 || r.Totals.Groups[0] != want || len(r.Findings) != listed {
		t.Errorf("%d are listed, the groups are %+v; want one, %+v", len(r.Findings), r.Totals.Groups, want)
	}
}

// What is counted and not listed is doubted like the rest.
func TestPartition_unlistedIsDoubted(t *testing.T) {
	f := newFeeder()
	for range listed + 10 { // and no FIN is ever acknowledged
		f.client++
		f.open()
		f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.FIN | reassembly.ACK, Window: 1000})
	}
	f.position += 60_000
	end := int64(f.position) * 1e6
	r, _ := assemble(f.options, &stats.Trace{First: 1, Last: end, End: end}, []*partition{f.partition}, nil)
	want := result.Group{
		Detector: "unretransmitted-fin", Outcome: "silent", Verdict: detectors.Undecided, Severity: detectors.Warning,
		N: listed + 10, Listed: listed,
	}
	if len(r.Totals.Groups) != 1 || r.Totals.Groups[0] != want {
		t.Errorf("the groups are %+v; want one, %+v", r.Totals.Groups, want)
	}
}
