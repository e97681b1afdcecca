package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/internal/watch"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// listed is how many findings of a detector a partition lists.
const listed = 250

// Where thousands of connections are in the same trouble, 250 of a
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

// Refusals that are counted and not listed are those of a port scan if all of the trace are: one beside the scan is a
// service that is missing.
func TestPartition_unlistedScan(t *testing.T) {
	for _, beside := range []bool{false, true} {
		f := newFeeder()
		var server reassembly.Endpoint
		refuse := func() {
			f.client++ // the port that is tried
			f.give(true, reassembly.Segment{Src: server, Flags: reassembly.SYN, Window: 1000, Opts: reassembly.Options{Has: reassembly.HasMSS, MSS: 1460}})
			f.give(false, reassembly.Segment{Src: server, Ack: 1, Flags: reassembly.RST | reassembly.ACK})
		}
		for range 2 * listed {
			refuse()
		}
		if server.Addr[15] = 9; beside {
			refuse()
		}
		f.position += 60_000
		end := int64(f.position) * 1e6
		r, _ := assemble(f.options, &stats.Trace{First: 1, Last: end, End: end}, []*partition{f.partition}, nil)
		if g := r.Totals.Groups; len(g) != 1 || g[0].Listed != listed || (g[0].Severity == detectors.Warning) != beside || g[0].Outcome != "refused" {
			t.Errorf("a refusal beside the scan: %t: the groups are %+v", beside, g)
		}
		for i := range r.Findings {
			if r.Findings[i].Severity != detectors.Info {
				t.Fatalf("a refusal of the scan is listed as %v", r.Findings[i].Severity)
			}
		}
	}
}

// Beyond the budget the worst findings are listed, and of these the earliest; every one
// is counted.
func TestWithinBudget(t *testing.T) {
	o := &Options{}
	c := collector{options: o, kinds: watch.Counts{}}
	for i := range 20 {
		severity := detectors.Severity(i % 3)
		verdict := detectors.Verdict(i / 15) // the last five are undecided
		f := &detectors.Finding{Detector: "d", Outcome: "o", Severity: severity, Verdict: verdict, Start: int64(i)}
		c.found = append(c.found, found{Found: watch.Found{Finding: f}, conn: uint64(i)})
		c.rows = append(c.rows, result.Flow{ID: uint64(i)})
	}
	one := listedSize(c.found[0].Finding)
	c.withinBudget(20 * one)
	if len(c.found) != 20 || len(c.rows) != 20 {
		t.Fatalf("%d findings and %d rows of 20 that fit", len(c.found), len(c.rows))
	}
	c.withinBudget(7*one + one/2)
	var kept []int64
	for i := range c.found {
		kept = append(kept, c.found[i].Start)
	}
	if want := []int64{2, 5, 8, 11, 14, 1, 4}; !slices.Equal(kept, want) {
		t.Errorf("kept %v, want %v", kept, want)
	}
	if len(c.rows) != 7 {
		t.Errorf("%d connections are kept", len(c.rows))
	}
	var counted uint64
	for _, n := range c.kinds {
		counted += n.N
	}
	if counted != 13 {
		t.Errorf("%d of 13 are counted", counted)
	}
}

// Live, what the closing report only counts is reported for the last time, with the ID
// that it had before.
func TestWithinBudget_live(t *testing.T) {
	reported := map[uint32][]result.Finding{} // by anchor
	o := Options{Detectors: []*detectors.Detector{}}
	l := NewLive(o, func(f result.Finding) {
		frame := f.Evidence[0].Seg.Frame
		reported[frame] = append(reported[frame], f)
	})
	c := collector{options: l.options, kinds: watch.Counts{}}
	for i := range uint32(6) {
		f := &detectors.Finding{
			Detector: "d", Outcome: "o", Severity: detectors.Severity(i % 3), Start: int64(i),
			Evidence: []detectors.Evidence{{Seg: reassembly.Segment{Frame: i + 1, Seq: reassembly.Seq(i)}}},
		}
		c.found = append(c.found, found{Found: watch.Found{Finding: f}, conn: uint64(i)})
		c.rows = append(c.rows, result.Flow{ID: uint64(i), Packets: [2]uint64{uint64(i)}})
		if i%2 == 0 { // while the connection lasted
			l.update(f, &c.rows[i], false)
		}
	}
	c.withinBudget(2*listedSize(c.found[0].Finding) + 100) // for the two critical ones, the third and the last
	for i := range uint32(6) {
		all := reported[i+1]
		switch last := len(all) - 1; {
		case i%3 == 2: // the closing report has it
			if last >= 0 && all[last].Final {
				t.Errorf("finding %d is listed, and was reported for the last time", i)
			}
		case last != int(1-i%2):
			t.Errorf("finding %d was reported %d times", i, last+1)
		case !all[last].Final || all[last].Flow.Packets[0] != uint64(i) || all[last].ID != all[0].ID:
			t.Errorf("finding %d was reported last as %+v", i, all[last])
		}
	}
}

// Of the findings of a detector, the worst are listed, not those that came first.
func TestPartition_worstFirst(t *testing.T) {
	f := newFeeder()
	shut := func(d time.Duration) { // a window that opens again after so long
		f.client++
		f.open()
		f.give(true, reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.ACK})
		for range 4 {
			f.position += uint64(d/time.Millisecond) / 4
			f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Len: 1, Flags: reassembly.ACK, Window: 1000})
		}
	}
	for range listed + 10 {
		shut(2 * time.Second)
		f.give(true, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.ACK, Window: 1000})
	}
	shut(40 * time.Second) // and stays shut
	end := int64(f.position) * 1e6
	r, _ := assemble(f.options, &stats.Trace{First: 1, Last: end, End: end}, []*partition{f.partition}, nil)
	var worst int
	for i := range r.Findings {
		if r.Findings[i].Severity == detectors.Critical && r.Findings[i].Message != "" {
			worst++
		}
	}
	if worst != 1 || len(r.Flows) != len(r.Findings) {
		t.Errorf("%d critical findings are listed, and %d of %d connections: %+v", worst, len(r.Flows), len(r.Findings), r.Totals.Groups)
	}
	for _, g := range r.Totals.Groups {
		if g.Severity == detectors.Critical && (g.N != 1 || g.Listed != 1) || g.Severity == detectors.Info && (g.N != listed+10 || g.Listed != listed-1) {
			t.Errorf("%+v", g)
		}
	}
}
