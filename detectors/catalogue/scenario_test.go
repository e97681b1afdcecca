package catalogue_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/detectortest"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/race"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// scenarios are all scenarios of the repository that say what is to be found: one for
// each fault, and the rules one by one.
var scenarios = []string{"../../samples/*.txtar", "../../fsm/testdata/*.txtar", "../testdata/*.txtar"}

func scenarioFiles(t testing.TB) []*scenario.File {
	t.Helper()
	return scenariotest.Files(t, scenarios...)
}

// forTraces runs the test for each trace of each scenario.
func forTraces(t *testing.T, test func(*testing.T, *scenario.Trace)) {
	for _, f := range scenarioFiles(t) {
		for i, tr := range f.Traces {
			if race.Leaves(i) {
				continue
			}
			t.Run(filepath.Base(f.Name)+"/"+strconv.Itoa(i+1), func(t *testing.T) { test(t, tr) })
		}
	}
}

// analyse analyses the trace with all detectors.
func analyse(t testing.TB, tr *scenario.Trace, o engine.Options) *result.Report {
	t.Helper()
	o.Detectors, o.AllFlows = catalogue.All, true
	return scenariotest.Analyse(t, tr, o)
}

// A scenario holds what is wanted of it, and nothing else.
func TestScenarios_findings(t *testing.T) { detectortest.Run(t, catalogue.All, scenarios...) }

// The states that a scenario asserts are those that the analysis reports, after
// each frame and at the end.
func TestScenarios_states(t *testing.T) {
	forTraces(t, func(t *testing.T, tr *scenario.Trace) {
		rep := analyse(t, tr, engine.Options{})
		steps := map[uint32]step{}
		for i := range rep.Flows {
			flow := &rep.Flows[i]
			analyse(t, tr, engine.Options{Follow: &engine.Follow{ID: flow.ID, Step: func(x result.Step) {
				steps[x.Seg.Frame] = step{flow, x}
			}}})
		}
		var last step
		for i := range tr.Lines {
			l := &tr.Lines[i]
			if x, ok := steps[l.Seg.Frame]; ok && l.Captured && !l.Other {
				last = x
			}
			for _, fault := range tr.CheckStates(l, last.states(l)) {
				t.Error(fault)
			}
		}
	})
}

// A step is what one segment did to its connection.
type step struct {
	flow *result.Flow
	result.Step
}

// states are those after the step, or those at the end of the trace.
func (x *step) states(l *scenario.Line) func(reassembly.Endpoint) (string, bool) {
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
