package waits_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// TestSum: the waits of a connection add up to its duration to the nanosecond, in every
// trace of the repository.
func TestSum(t *testing.T) {
	files := scenariotest.Files(t, "../../samples/*.txtar", "../../detectors/testdata/*.txtar", "../../fsm/testdata/*.txtar",
		"../metamorphic/testdata/*.txtar")
	for _, f := range files {
		for _, tr := range f.Traces {
			add(t, f.Name, scenariotest.Analyse(t, tr, engine.Options{Time: true}))
		}
	}
	for _, pattern := range []string{"../../samples/*.pcap*", "../kernel/testdata/*.pcap*"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			add(t, name, analyse(t, name))
		}
	}
}

// TestSum_generated: the same of connections as a generator makes them, with faults.
func TestSum_generated(t *testing.T) {
	for seed := range uint64(3) {
		name := filepath.Join(t.TempDir(), "generated.pcap")
		out, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tracegen.Write(out, tracegen.Spec{Frames: 40_000, Flows: 300, Snap: 96, Seed: seed + 1, Faults: 1, Nanos: true}); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		add(t, name, analyse(t, name))
	}
}

// TestSum_random: the same of connections over a bad path whose frames are dropped, repeated, swapped
// and changed at random: no order of segments is impossible in a capture, and time may go back.
func TestSum_random(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 11))
		segs := pathsim.Run(pathsim.Config{Seed: seed, OneWay: time.Duration(r.IntN(100)) * time.Millisecond, Loss: 0.1 * r.Float64(),
			Late: 0.05, Twice: 0.02, NoStamp: r.IntN(2) == 0, NoID: r.IntN(3) == 0, Exchanges: 1 + r.IntN(5), Answer: 30_000,
			Connections: 1 + r.IntN(3), Think: time.Duration(r.IntN(500)) * time.Millisecond}).Taps[r.IntN(2)]
		var got []reassembly.Segment
		for _, seg := range segs {
			switch r.IntN(20) {
			case 0:
				continue
			case 1:
				got = append(got, seg)
			case 2:
				seg.Flags ^= reassembly.Flags(1 << r.IntN(5))
			case 3:
				seg.Seq += reassembly.Seq(r.IntN(6000) - 3000)
			case 4:
				seg.Ack += reassembly.Seq(r.IntN(6000) - 3000)
			case 5:
				seg.Window = uint16(r.IntN(3))
			}
			if got = append(got, seg); len(got) > 1 && r.IntN(20) == 0 {
				n := len(got)
				got[n-1], got[n-2] = got[n-2], got[n-1]
				if r.IntN(3) > 0 { // else time goes back
					got[n-1].At, got[n-2].At = got[n-2].At, got[n-1].At
				}
			}
		}
		name := filepath.Join(t.TempDir(), "random.pcap")
		if err := os.WriteFile(name, pathsim.Pcap(got), 0o644); err != nil {
			t.Fatal(err)
		}
		add(t, fmt.Sprint("seed ", seed), analyse(t, name))
	}
}

func analyse(t *testing.T, name string) *result.Report {
	t.Helper()
	trace, errs := capture.OpenTrace([]string{name}, capture.Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	defer trace.Close()
	return engine.Run(context.Background(), trace, engine.Options{Time: true})
}

// add holds the rows of a report to the rule, and those of their transfers.
func add(t *testing.T, name string, r *result.Report) {
	t.Helper()
	if len(r.Flows) == 0 && r.Totals.Flows > 0 {
		t.Errorf("%s: no connections are reported", name)
	}
	for i := range r.Flows {
		f := &r.Flows[i]
		x := f.Time
		if x == nil {
			t.Errorf("%s: connection %d has no account", name, f.ID)
			continue
		}
		if x.From != f.First || x.To != f.Last && x.To != r.Trace.End {
			t.Errorf("%s: connection %d: the account is from %d to %d; want from the first frame %d to the last %d, or the end %d",
				name, f.ID, x.From, x.To, f.First, f.Last, r.Trace.End)
		}
		if sum := x.Waits.Sum(); sum != x.To-x.From {
			t.Errorf("%s: connection %d lasts %d ns, its waits %d ns", name, f.ID, x.To-x.From, sum)
		}
		for w, ns := range x.Waits {
			if ns < 0 {
				t.Errorf("%s: connection %d: wait %d is negative: %d ns", name, f.ID, w, ns)
			}
		}
		for k := range x.Transfers {
			tr := &x.Transfers[k]
			if sum := tr.Waits.Sum(); sum != tr.Duration() {
				t.Errorf("%s: connection %d: a transfer lasts %d ns, its waits %d ns", name, f.ID, tr.Duration(), sum)
			}
			for w, ns := range tr.Waits {
				if ns < 0 {
					t.Errorf("%s: connection %d: wait %d of a transfer is negative: %d ns", name, f.ID, w, ns)
				}
			}
		}
	}
}
