package resets_test

import (
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/resets"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/race"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// Every row, exception and doubt of reset-cause is there for a scenario, which fails
// without it.
func TestResetCause_tables(t *testing.T) {
	if race.Enabled {
		t.Skip("one goroutine changes the tables, again and again")
	}
	var traces []*scenario.Trace
	for _, f := range scenariotest.Files(t, "../testdata/reset-cause.txtar", "../../samples/*.txtar", "../../fsm/testdata/*.txtar", "../testdata/*.txtar") {
		traces = append(traces, f.Traces...)
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
	if !resets.NoAftermath() {
		t.Error("an aftermath was written without note: all cases without one have it now")
	}
}

func found(t *testing.T, tr *scenario.Trace) []scenario.Found {
	t.Helper()
	rep := scenariotest.Analyse(t, tr, engine.Options{Detectors: catalogue.All, AllFlows: true})
	return scenariotest.Found(rep.Findings)
}
