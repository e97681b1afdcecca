package catalogue_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/detectortest"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// scenarios are all scenarios of the repository that say what is to be found: the
// stories of the articles, and the rules one by one.
var scenarios = []string{"../../samples/*.txtar", "../../fsm/testdata/*.txtar", "../testdata/*.txtar"}

func scenarioFiles(t testing.TB) []*scenario.File {
	t.Helper()
	var files []*scenario.File
	for _, pattern := range scenarios {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no scenarios match %s (%v)", pattern, err)
		}
		for _, name := range names {
			files = append(files, parseFile(t, name))
		}
	}
	return files
}

func parseFile(t testing.TB, name string) *scenario.File {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := scenario.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// forTraces runs the test for each trace of each scenario.
func forTraces(t *testing.T, test func(*testing.T, *scenario.Trace)) {
	for _, f := range scenarioFiles(t) {
		for i, tr := range f.Traces {
			t.Run(filepath.Base(f.Name)+"/"+strconv.Itoa(i+1), func(t *testing.T) { test(t, tr) })
		}
	}
}

// analyse takes the trace all the way: text, capture file, frames, findings.
func analyse(t testing.TB, tr *scenario.Trace, o engine.Options) *result.Report {
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
	o.Detectors, o.AllFlows, o.Workers = catalogue.All, true, 1
	return engine.Run(context.Background(), c, o)
}

// A scenario holds what is wanted of it, and nothing else.
func TestScenarios_findings(t *testing.T) { detectortest.Run(t, catalogue.All, scenarios...) }

// The states that a scenario asserts are those that the analysis tells, after
// each frame and at the end.
func TestScenarios_states(t *testing.T) {
	forTraces(t, func(t *testing.T, tr *scenario.Trace) {
		rep := analyse(t, tr, engine.Options{})
		turns := map[uint32]turn{}
		for i := range rep.Flows {
			flow := &rep.Flows[i]
			analyse(t, tr, engine.Options{Follow: &engine.Follow{ID: flow.ID, Step: func(x result.Step) {
				turns[x.Seg.Frame] = turn{flow, x}
			}}})
		}
		var last turn
		for i := range tr.Lines {
			l := &tr.Lines[i]
			if x, ok := turns[l.Seg.Frame]; ok && l.Captured && !l.Other {
				last = x
			}
			for _, fault := range tr.CheckStates(l, last.states(l)) {
				t.Error(fault)
			}
		}
	})
}

// A turn is what one segment did to its connection.
type turn struct {
	flow *result.Flow
	result.Step
}

// states are those after the turn, or those at the end of the trace.
func (x *turn) states(l *scenario.Line) func(reassembly.Endpoint) (string, bool) {
	state, bounded := x.State, x.Bounded
	if l.End {
		state, bounded = x.flow.State, x.flow.Bounded
	}
	return func(end reassembly.Endpoint) (string, bool) {
		for side := range reassembly.Side(2) {
			if x.flow.End[side] == end {
				return state[side].String(), bounded[side]
			}
		}
		return "nowhere", false
	}
}
