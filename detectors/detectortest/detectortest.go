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
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
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
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no traces match %s (%v)", pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			file, err := scenario.Parse(name, text)
			if err != nil {
				t.Fatal(err)
			}
			for i, tr := range file.Traces {
				t.Run(fmt.Sprintf("%s/%d", filepath.Base(name), i+1), func(t *testing.T) { check(t, tr, run) })
			}
		}
	}
}

// check analyses one trace, as a capture file, and compares the findings with its wants.
func check(t *testing.T, tr *scenario.Trace, run []*detectors.Detector) {
	t.Helper()
	file, err := tr.Pcapng()
	if err != nil {
		t.Fatal(err)
	}
	trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	defer trace.Close()
	report := engine.Run(context.Background(), trace, engine.Options{Detectors: run, Workers: 1})
	if report.Err != nil {
		t.Error(report.Err)
	}
	for i := range tr.Lines {
		l := &tr.Lines[i]
		l.Wants = slices.DeleteFunc(l.Wants, func(w scenario.Want) bool {
			return !slices.ContainsFunc(run, func(d *detectors.Detector) bool { return d.Name == w.Detector })
		})
	}
	for _, fault := range tr.Check(found(report.Findings)) {
		t.Error(fault)
	}
}

// found puts findings into plain words.
func found(findings []result.Finding) (all []scenario.Found) {
	for i := range findings {
		f := &findings[i]
		x := scenario.Found{
			Detector: f.Detector, Outcome: f.Outcome, Undecided: f.Verdict == detectors.Undecided,
			Message: f.Severity.String() + ": " + f.Message + " " + f.Reason,
		}
		for _, e := range f.Evidence {
			x.Frames = append(x.Frames, e.Seg.Frame)
		}
		all = append(all, x)
	}
	return all
}
