package pipeline

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// traces writes the traces of scenario files, by file.
func traces(t *testing.T, patterns ...string) (names []string) {
	t.Helper()
	folder := t.TempDir()
	for _, file := range scenariotest.Files(t, patterns...) {
		for i, trace := range file.Traces {
			packets, err := trace.Pcapng()
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(folder, fmt.Sprintf("%s.%d.pcapng", filepath.Base(file.Name), i))
			if err := os.WriteFile(name, packets, 0o644); err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
	}
	return names
}

// What several connections show of each other is the same in the pipeline: that the capture was
// interrupted, that a connection was captured a second time, translated, and that a SYN was
// answered elsewhere.
func TestRelated(t *testing.T) {
	names := traces(t, "../../internal/engine/testdata/interrupted.txtar", "../../internal/engine/testdata/translated.txtar", "../../detectors/testdata/reset-cause.txtar")
	var all []byte
	var options []Options
	for _, name := range names {
		o := Options{Inputs: []string{name}, Output: t.TempDir()}
		s := failingRunner{Rand: rand.New(rand.NewPCG(7, 8)), t: t, o: o}
		s.run()
		same(t, o, o.Inputs)
		lines, summary, _ := single(t, o, o.Inputs)
		all = append(append(all, lines...), summary...)
		options = append(options, Options{Inputs: o.Inputs, Output: t.TempDir()})
	}
	for _, what := range []string{"The capture was interrupted", "translated:", "handshake-reset", "also went to"} {
		if !bytes.Contains(all, []byte(what)) {
			t.Errorf("one process reports nothing with %q", what)
		}
	}
	run(t, options[:8]...) // on Prism
	for _, o := range options[:8] {
		same(t, o, o.Inputs)
	}
}
