package waits_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
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
		x := f.Time.Record()
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
