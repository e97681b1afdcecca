// Package detectortest tests detectors with traces that say what is to be found in
// them: scenario text (docs/scenario.md) whose lines carry "# want SLUG:OUTCOME[FRAMES]".
//
//	func Test(t *testing.T) {
//		detectortest.Run(t, []*detectors.Detector{Mine}, "testdata/*.txtar")
//	}
//
// A trace without a want is a look-alike: the detector must stay silent.
package detectortest

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// Run analyses each trace of the files that match the patterns (filepath.Glob) with
// the detectors, and fails the test for every want that is not met and every finding
// that no want asks for. Wants of other detectors are left out. A pattern without a
// file, a file that does not parse and a detector that detectors.Validate refuses end
// the test; so does an outcome that is not declared.
func Run(t *testing.T, run []*detectors.Detector, patterns ...string) {
	t.Helper()
	if err := detectors.Validate(run, catalogue.All...); err != nil {
		t.Fatal(err)
	}
	for _, file := range scenariotest.Files(t, patterns...) {
		for i, tr := range file.Traces {
			t.Run(fmt.Sprintf("%s/%d", filepath.Base(file.Name), i+1), func(t *testing.T) { check(t, tr, run) })
		}
	}
}

// check analyses one trace, as a capture file, and compares the findings with its wants.
func check(t *testing.T, tr *scenario.Trace, run []*detectors.Detector) {
	t.Helper()
	report := scenariotest.Analyse(t, tr, engine.Options{Detectors: run})
	if report.Err != nil {
		t.Error(report.Err)
	}
	for i := range tr.Lines {
		l := &tr.Lines[i]
		l.Wants = slices.DeleteFunc(l.Wants, func(w scenario.Want) bool {
			return !slices.ContainsFunc(run, func(d *detectors.Detector) bool { return d.Name == w.Detector })
		})
	}
	for _, fault := range tr.Check(scenariotest.Found(report.Findings)) {
		t.Error(fault)
	}
}
