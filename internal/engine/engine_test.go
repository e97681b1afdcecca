package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/race"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func run(t testing.TB, o Options, files ...string) *result.Report {
	t.Helper()
	trace, errs := capture.OpenTrace(files, capture.Options{Text: scenario.Pcapng})
	for _, err := range errs {
		t.Fatal(err)
	}
	defer trace.Close()
	if o.Detectors == nil {
		o.Detectors = catalogue.All
	}
	return Run(context.Background(), trace, o)
}

// trace writes a generated capture and returns its name.
func trace(t testing.TB, spec tracegen.Spec) (string, tracegen.Truth) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "generated.pcap")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	truth, err := tracegen.Write(f, spec)
	if err != nil {
		t.Fatal(err)
	}
	return name, truth
}

func text(t testing.TB, lines string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "scenario.txtar")
	if err := os.WriteFile(name, []byte("-- trace --\n"+lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// strip removes what programs hold on to, for comparison.
func strip(r *result.Report) any {
	type finding struct {
		detectors.Finding
		ID   string
		Flow uint64
	}
	var list []finding
	for _, f := range r.Findings {
		list = append(list, finding{*f.Finding, f.ID, f.Flow.ID})
	}
	return []any{r.Totals, r.Trace, r.Flows, list}
}

func TestRun_workersDoNotShow(t *testing.T) {
	name, _ := trace(t, tracegen.Spec{Frames: 60_000, Flows: 500, Snap: 96, Faults: 3, Seed: 7})
	// A bound that is reached, so that evictions are compared as well.
	for _, max := range []int{0, 64 * 5} {
		want := strip(run(t, Options{AllFlows: true, MaxFlows: max, Workers: 1}, name))
		for workers := 2; workers <= 8; workers++ {
			got := strip(run(t, Options{AllFlows: true, MaxFlows: max, Workers: workers}, name))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("with --max-flows %d, %d workers do not report what one does", max, workers)
			}
		}
	}
}

func TestRun_findsWhatWasPlanted(t *testing.T) {
	name, truth := trace(t, tracegen.Spec{Frames: 100_000, Flows: 2000, Snap: 96, Faults: 4, Seed: 3})
	r := run(t, Options{}, name)
	planted, sown := map[string]bool{}, map[string]bool{}
	for _, f := range truth.Faults {
		sown[f.Detector] = true
		planted[fmt.Sprintf("%s/%s of %s", f.Detector, f.Outcome, f.Culprit)] = true
	}
	for _, f := range r.Findings {
		if f.Verdict != detectors.Seen || !sown[f.Detector] { // segments are lost as well, and SYNs go nowhere
			continue
		}
		what := fmt.Sprintf("%s/%s of %s", f.Detector, f.Outcome, f.Flow.End[f.Subject])
		if !planted[what] {
			t.Errorf("nobody planted %s", what)
		}
		delete(planted, what)
	}
	for what := range planted {
		t.Errorf("%s was planted and not found", what)
	}
}

// TestLive_findsWhatRunFinds feeds the frames one by one, with the clock moved
// between them, as a live interface does.
func TestLive_findsWhatRunFinds(t *testing.T) {
	name, _ := trace(t, tracegen.Spec{Frames: 40_000, Flows: 500, Snap: 96, Faults: 3, Seed: 5})
	want := run(t, Options{}, name)
	tr, _ := capture.OpenTrace([]string{name}, capture.Options{})
	last := map[string]result.Finding{}
	live := NewLive(Options{Detectors: catalogue.All}, func(f result.Finding) {
		if before, again := last[f.ID]; again && (before.Final || f.Revision < before.Revision) {
			t.Errorf("finding %s came again after it was final, or with an older revision", f.ID)
		}
		last[f.ID] = f
	})
	var fr capture.Frame
	var at int64
	for tr.Next(&fr) == nil {
		for ; at != 0 && at+1e9 < fr.At; at += 1e9 {
			live.Tick(at)
		}
		at = fr.At
		live.Frame(&fr)
	}
	got := live.Close(tr.End(), nil)
	if len(got.Findings) != len(want.Findings) {
		t.Fatalf("live found %d, the file holds %d", len(got.Findings), len(want.Findings))
	}
	for i := range want.Findings {
		g, w := &got.Findings[i], &want.Findings[i]
		if g.ID != w.ID || g.Outcome != w.Outcome || g.Verdict != w.Verdict || !reflect.DeepEqual(g.Metrics, w.Metrics) {
			t.Errorf("finding %d: live says %s %s/%s %v %v, the file %s %s/%s %v %v", i,
				g.ID, g.Detector, g.Outcome, g.Verdict, g.Metrics, w.ID, w.Detector, w.Outcome, w.Verdict, w.Metrics)
		}
		if reported := last[w.ID]; !reported.Final || reported.Outcome != w.Outcome {
			t.Errorf("finding %s was not reported in the end as %s", w.ID, w.Outcome)
		}
	}
}

func TestRun_bounds(t *testing.T) {
	const max = partitions * 2
	name, _ := trace(t, tracegen.Spec{Frames: 0, Flood: 5000, Seed: 1})
	r := run(t, Options{MaxFlows: max, AllFlows: true}, name)
	if len(r.Flows) > max {
		t.Errorf("%d connections are held, more than the %d allowed", len(r.Flows), max)
	}
	if got := r.Totals.EvictedFlows + uint64(len(r.Flows)); got != r.Totals.Flows {
		t.Errorf("%d connections evicted or held, %d counted", got, r.Totals.Flows)
	}
	if r.Totals.EvictedFlows == 0 {
		t.Error("nothing was evicted, or nobody said so")
	}
}

func TestRun_anHourOfNothingEndsTheTrace(t *testing.T) {
	const fin = `
0.000  client > server  S   0:0(0)              win 64240
+.010  server > client  S.  0:0(0)     ack 1    win 65160
+.000  client > server  .   1:1(0)     ack 1    win 502
+.100  server > client  F.  1:1(0)     ack 1    win 509
`
	for name, c := range map[string]struct {
		after string
		want  detectors.Verdict
	}{
		"gap":                 {"+3700 other\n", detectors.Undecided},
		"no gap":              {"+3000 other\n+1000 other\n", detectors.Seen},
		"the flow goes on":    {"+3700 client > server . 1:1(0) ack 1 win 502\n+1 end\n", detectors.Seen},
		"only its end stated": {"+20 end\n", detectors.Seen},
	} {
		r := run(t, Options{}, text(t, fin+c.after))
		if len(r.Findings) != 1 || r.Findings[0].Verdict != c.want {
			t.Errorf("%s: want one finding, %v; got %v", name, c.want, r.Findings)
		}
	}
}

// TestTake_allocatesNothing: once its connection is known, a segment costs no
// allocation.
func TestTake_allocatesNothing(t *testing.T) {
	name, _ := trace(t, tracegen.Spec{Frames: 20_000, Flows: 100, Snap: 96, Seed: 1})
	segs := segments(t, name)
	for i := range segs {
		segs[i].Opts = reassembly.Options{} // played again, their timestamps would go back, and be reported
	}
	w := &worker{options: &Options{Detectors: catalogue.All, Settings: &detectors.Settings{}, MaxFlows: DefaultMaxFlows}}
	feed := func() {
		for i := range segs {
			s := &segs[i]
			if s.Flags.Any(reassembly.SYN | reassembly.FIN | reassembly.RST) {
				continue // these begin and end things, and may allocate
			}
			p := w.partition(partitionOf(flow.Tuple(s)))
			h := p.flows.Hashes(s)
			p.process(s, uint64(i), &h, &w.events)
		}
	}
	feed()
	feed() // what is remembered of segments that were sent again has room for two at first
	// What is played again is sent again: the episodes that are reported of it may
	// allocate, a packet may not.
	most := float64(len(segs)) / 200
	if race.Enabled { // sync.Pool then drops some of what it is given
		most *= 4
	}
	if n := testing.AllocsPerRun(3, feed); n > most {
		t.Errorf("%d segments cost %v allocations", len(segs), n)
	}
}

// A connection that opens and closes in order costs no allocation of its own: what is kept of
// it lies in blocks, with that of others.
func TestClose_allocatesNothing(t *testing.T) {
	o := &Options{Detectors: catalogue.All}
	o.defaults()
	w := &worker{options: o}
	position, at := uint64(0), int64(1e18)
	client, server := reassembly.Endpoint{Addr: [16]byte{10: 0xff, 11: 0xff, 12: 10}}, reassembly.Endpoint{Addr: [16]byte{10: 0xff, 11: 0xff, 12: 11}, Port: 80}
	seg := new(reassembly.Segment)
	connection := func() {
		client.Port++
		if client.Port == 0 {
			client.Addr[15]++
		}
		for _, x := range []struct {
			answer   bool
			flags    reassembly.Flags
			seq, ack reassembly.Seq
			n        uint32
		}{
			{false, reassembly.SYN, 0, 0, 0}, {true, reassembly.SYN | reassembly.ACK, 0, 1, 0}, {false, reassembly.ACK, 1, 1, 0},
			{false, reassembly.ACK | reassembly.PSH, 1, 1, 300}, {true, reassembly.ACK, 1, 301, 1000}, {false, reassembly.ACK, 301, 1001, 0},
			{true, reassembly.ACK | reassembly.FIN, 1001, 301, 0}, {false, reassembly.ACK | reassembly.FIN, 301, 1002, 0}, {true, reassembly.ACK, 1002, 302, 0},
		} {
			*seg = reassembly.Segment{At: at, Frame: uint32(position), Src: client, Dst: server, Flags: x.flags, Seq: x.seq, Ack: x.ack, Len: x.n, Window: 30_000, IPID: uint16(position), TTL: 64}
			if x.answer {
				seg.Src, seg.Dst = server, client
			}
			position, at = position+1, at+10_000
			p := w.partition(partitionOf(flow.Tuple(seg)))
			h := p.flows.Hashes(seg)
			p.process(seg, position, &h, &w.events)
		}
	}
	const many = 10_000
	for range many { // the first in each partition begin what others share
		connection()
	}
	if n := testing.AllocsPerRun(many, connection); n > 0 { // as an integer: fewer than one
		t.Errorf("a connection costs %v allocations", n)
	}
	kept := 0
	for _, p := range w.parts {
		for range p.flows.CompactPositions {
			kept++
		}
	}
	if kept < 2*many-partitions*(flow.CompactAfter+1) {
		t.Errorf("%d connections of %d were compacted", kept, 2*many)
	}
}

// Whoever chooses addresses does not know how they are hashed, be it live.
func TestSeed_isDrawn(t *testing.T) {
	var o Options
	o.defaults()
	l := NewLive(o, nil)
	pool := newPool(&o)
	defer pool.close()
	seeds := map[flow.Seed]bool{{}: true, l.worker.seed: true, pool.workers[0].seed: true}
	if len(seeds) != 3 || pool.workers[0].seed != pool.seed {
		t.Errorf("seeds %v: they are not drawn, or the reader has another than the workers", seeds)
	}
}
