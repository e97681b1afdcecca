package resets_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/resets"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// Every row, exception and doubt of reset-cause is there for a scenario, which fails
// without it.
func TestResetCause_tables(t *testing.T) {
	var traces []*scenario.Trace
	for _, pattern := range []string{"../testdata/reset-cause.txtar", "../../samples/*.txtar", "../../fsm/testdata/*.txtar", "../testdata/*.txtar"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no scenarios match %s (%v)", pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := scenario.Parse(name, text)
			if err != nil {
				t.Fatal(err)
			}
			traces = append(traces, f.Traces...)
		}
	}
	fails := func() bool {
		return slices.ContainsFunc(traces, func(tr *scenario.Trace) bool { return len(tr.Check(found(t, tr))) > 0 })
	}
	if fails() {
		t.Fatal("a scenario fails with the whole tables: see detectors/catalogue")
	}
	for _, r := range resets.Removals() {
		r.Remove()
		if !fails() {
			t.Errorf("no scenario fails without %s", r.Entry)
		}
		r.Restore()
	}
}

func found(t *testing.T, tr *scenario.Trace) (list []scenario.Found) {
	t.Helper()
	file, err := tr.Pcapng()
	if err != nil {
		t.Fatal(err)
	}
	c, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	defer c.Close()
	rep := engine.Run(context.Background(), c, engine.Options{Detectors: catalogue.All, AllFlows: true, Workers: 1})
	for i := range rep.Findings {
		f := &rep.Findings[i]
		x := scenario.Found{
			Detector: f.Detector, Outcome: f.Outcome, Undecided: f.Verdict == detectors.Undecided,
			Message: f.Severity.String() + ": " + f.Message + " " + f.Reason,
		}
		for _, e := range f.Evidence {
			x.Frames = append(x.Frames, e.Seg.Frame)
		}
		list = append(list, x)
	}
	return list
}
