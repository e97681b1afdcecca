package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// place writes what one tap of an experiment saw as rotated files.
func place(t *testing.T, name string, segs []reassembly.Segment, files int) (names []string) {
	t.Helper()
	for i, some := range slices.Collect(slices.Chunk(segs, len(segs)/files+1)) {
		name := filepath.Join(t.TempDir(), fmt.Sprintf("%s%d.pcap", name, i))
		if err := os.WriteFile(name, pathsim.Pcap(some), 0o644); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// places are jobs with taps: translated addresses, clocks that differ, steps, rotated files,
// chunks that travel and runs.
func places(t *testing.T) (all []Options) {
	t.Helper()
	plain := pathsim.Config{Seed: 3, OneWay: 5 * time.Millisecond, Connections: 4, Exchanges: 8, Loss: 0.03, Offset: 7 * time.Second, Skew: 40}
	nat, step := plain, plain
	nat.NAT, nat.Shift = true, 4711
	step.StepAt, step.Step = 200*time.Millisecond, 300*time.Millisecond
	for i, c := range []pathsim.Config{plain, nat, step} {
		r := pathsim.Run(c)
		o := Options{Output: t.TempDir(), Version: "1.2.3", Taps: []Tap{{"client", place(t, "c", r.Taps[0], 1+i)}, {"server", place(t, "s", r.Taps[1], 2)}}}
		if i == 1 {
			o.Group, o.Least, o.Hold = 1, 1, 1<<20
		}
		all = append(all, o)
	}
	return all
}

// Taps are joined as in one process.
func TestTaps(t *testing.T) {
	all := places(t)
	run(t, all...)
	for _, o := range all {
		sameTaps(t, o)
	}
}

// sameTaps checks that the output is that of one process.
func sameTaps(t *testing.T, o Options) {
	t.Helper()
	var files []string
	var named []taps.Named
	for _, tap := range o.Taps {
		files = append(files, tap.Inputs...)
		named = append(named, taps.Named{Name: tap.Name, Files: tap.Inputs})
	}
	e, err := o.engine()
	if err != nil {
		t.Fatal(err)
	}
	e.AllFlows = true
	ctx := context.Background()
	plan, err := source.Recognise(ctx, files, capture.Options{}, &e, taps.Options{Named: named})
	if err != nil {
		t.Fatal(err)
	}
	trace, errs := source.Open(files, capture.Options{})
	defer trace.Close()
	for _, err := range errs {
		t.Fatal(err)
	}
	r, _ := source.RunPlan(ctx, trace, files, e, plan)
	lines, summary, rows, err := render(o, r, trace.RawTime)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(summary, []byte(`"offset_s": 7`)) && !bytes.Contains(summary, []byte(`"offset_s": 6.9`)) {
		t.Errorf("one process has no clock: %s", summary)
	}
	checkAll(t, o, lines, summary, rows)
}
