// Package scenariotest reads and analyses scenario files for tests.
package scenariotest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// Files parses the files that match the patterns (filepath.Glob). A pattern without a
// file and a file that does not parse end the test.
func Files(t testing.TB, patterns ...string) []*scenario.File {
	t.Helper()
	var files []*scenario.File
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
			f, err := scenario.Parse(name, text)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
	}
	return files
}

// Open opens the trace as a capture file. The caller closes it.
func Open(t testing.TB, tr *scenario.Trace) *capture.Trace {
	t.Helper()
	file, err := tr.Pcapng()
	if err != nil {
		t.Fatal(err)
	}
	c, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return c
}

// Analyse takes the trace the whole way: text, capture file, frames, findings.
func Analyse(t testing.TB, tr *scenario.Trace, o engine.Options) *result.Report {
	t.Helper()
	c := Open(t, tr)
	defer c.Close()
	o.Workers = 1
	return engine.Run(context.Background(), c, o)
}

// Found is what scenario.Trace.Check compares with the wants of a trace.
func Found(findings []result.Finding) (all []scenario.Found) {
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
