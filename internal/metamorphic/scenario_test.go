package metamorphic

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The effects of captures: each scenario of testdata has the wanted findings, and
// the connections, ends and limits in its lines that begin with "//=".
func TestWhatCapturesDo(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no scenarios (%v)", err)
	}
	for _, name := range names {
		file, err := parse(name)
		if err != nil {
			t.Fatal(err)
		}
		wanted := connectionsWanted(t, name)
		for i, trace := range file.Traces {
			t.Run(fmt.Sprint(filepath.Base(name), "/", i+1), func(t *testing.T) {
				rep := analyseTrace(t, trace)
				for _, fault := range trace.Check(foundIn(rep)) {
					t.Error(fault)
				}
				compare(t, wanted[i], connectionsOf(rep))
				checkStates(t, trace, rep)
			})
		}
	}
}

func analyseTrace(t *testing.T, trace *scenario.Trace) *result.Report {
	t.Helper()
	file, err := trace.Pcapng()
	if err != nil {
		t.Fatal(err)
	}
	rep, err := analyse(file)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// connectionsWanted are the lines that describe the end of each connection, by
// trace.
func connectionsWanted(t *testing.T, name string) [][]string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, traces, _ := strings.Cut(string(text), "-- trace --\n")
	var all [][]string
	for trace := range strings.SplitSeq(traces, "-- trace --\n") {
		var lines []string
		for line := range strings.Lines(trace) {
			if wanted, is := strings.CutPrefix(line, "//= "); is {
				lines = append(lines, strings.TrimSpace(wanted))
			}
		}
		all = append(all, lines)
	}
	return all
}

// connectionsOf describes for each connection how it ended, the final states, and
// the limits.
func connectionsOf(rep *result.Report) []string {
	var lines []string
	for i := range rep.Flows {
		fl := &rep.Flows[i]
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %v %v: %v", fl.Ending, fl.State[0], fl.State[1], fl.Limits)))
	}
	return lines
}

func foundIn(rep *result.Report) []scenario.Found {
	var found []scenario.Found
	for i := range rep.Findings {
		f := &rep.Findings[i]
		x := scenario.Found{Detector: f.Detector, Outcome: f.Outcome, Undecided: f.Verdict == detectors.Undecided, Message: f.Message + " " + f.Reason}
		for _, e := range f.Evidence {
			x.Frames = append(x.Frames, e.Seg.Frame)
		}
		found = append(found, x)
	}
	return found
}

// checkStates compares the states that lines assert with those after their frames.
func checkStates(t *testing.T, trace *scenario.Trace, rep *result.Report) {
	t.Helper()
	for i := range rep.Flows {
		fl := &rep.Flows[i]
		steps := stepsOf(t, trace, fl.ID)
		for l := range trace.Lines {
			line := &trace.Lines[l]
			at := slices.IndexFunc(steps, func(x result.Step) bool { return line.Captured && x.Seg.Frame == line.Seg.Frame })
			if at < 0 {
				continue
			}
			for _, fault := range trace.CheckStates(line, func(end reassembly.Endpoint) (string, bool) {
				side := reassembly.A
				if fl.End[reassembly.A] != end {
					side = reassembly.B
				}
				return steps[at].State[side].String(), steps[at].Bounded[side]
			}) {
				t.Error(fault)
			}
		}
	}
}

// stepsOf are the segments of a connection, with the states after each.
func stepsOf(t *testing.T, trace *scenario.Trace, id uint64) []result.Step {
	t.Helper()
	file, err := trace.Pcapng()
	if err != nil {
		t.Fatal(err)
	}
	var steps []result.Step
	follow := &engine.Follow{ID: id, Step: func(x result.Step) { steps = append(steps, x) }}
	if _, err := run([]string{"-"}, file, engine.Options{Follow: follow}); err != nil {
		t.Fatal(err)
	}
	return steps
}
