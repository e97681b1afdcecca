package catalogue_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

const findingsFile = "testdata/findings.txt"

// What programs read of a finding, most sentences apart, changes only on purpose: culprit,
// roles, states, times, metrics and limits, of each sample and of the first scenario with
// each outcome, verdict, severity, fault, culprit, and cause and action if these are not the
// outcome's; and when it is first reported live.
func TestGolden_findings(t *testing.T) {
	var b strings.Builder
	shown := map[string]bool{}
	for _, f := range scenarioFiles(t) {
		sample := strings.HasPrefix(f.Name, "../../samples/")
		for _, tr := range f.Traces {
			rep := analyse(t, tr, engine.Options{})
			reported := firstReported(t, tr, rep.Findings)
			for n := range rep.Findings {
				x := &rep.Findings[n]
				kind := fmt.Sprint(x.Detector, x.Outcome, x.Verdict, x.Severity, x.Fault, x.Flow.End[x.Subject], x.Cause, x.Action)
				if sample || !shown[kind] {
					fmt.Fprintf(&b, "%s ", filepath.Base(f.Name))
					writeFinding(&b, tr, x, reported[nameOf(x)])
				}
				shown[kind] = true
			}
		}
	}
	got := b.String()
	if *update {
		if err := os.WriteFile(findingsFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(findingsFile)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(have) {
		return
	}
	was := strings.SplitAfter(string(have), "\n\n")
	for _, now := range strings.SplitAfter(got, "\n\n") {
		if !slices.Contains(was, now) {
			t.Errorf("not in %s:\n%s", findingsFile, now)
		}
	}
	t.Errorf("%s is stale; if that is right, run go test ./detectors/catalogue -run Golden -update and read the difference", findingsFile)
}

func writeFinding(b *strings.Builder, tr *scenario.Trace, f *result.Finding, reported int64) {
	name := func(side reassembly.Side) string { return f.Flow.End[side].String() }
	fmt.Fprintf(b, "%s:%s %v %v", f.Detector, f.Outcome, f.Verdict, f.Severity)
	for _, e := range f.Evidence {
		fmt.Fprintf(b, " %d", e.Seg.Frame)
	}
	since := func(at int64) float64 { return detectors.Seconds(at - tr.Start) }
	fmt.Fprintf(b, "\n\tfrom %g to %g, at %g, live at %g", since(f.Start), since(f.End), since(f.At), since(reported))
	for side := range reassembly.Side(2) {
		fmt.Fprintf(b, "\n\t%s %v", name(side), f.States[side])
		for _, r := range f.Roles {
			if r.Side == side {
				fmt.Fprintf(b, ", %s", r.Name)
			}
		}
		if f.Subject == side {
			b.WriteString(", subject; fault: " + f.Fault.String())
		}
	}
	for i, m := range f.Metrics {
		b.WriteString([...]string{"\n\t", " "}[min(i, 1)])
		fmt.Fprintf(b, "%s=%v", m.Name, m.Value)
	}
	for _, own := range []string{f.Cause, f.Action} {
		if own != "" {
			fmt.Fprintf(b, "\n\t%s", own)
		}
	}
	if f.Limits != fsm.Limits(0) {
		fmt.Fprintf(b, "\n\t%v", f.Limits)
	}
	b.WriteString("\n\n")
}

// The evidence of a finding is what the capture holds: each frame with its time, its
// sender and its numbers.
func TestEvidence_captured(t *testing.T) {
	forTraces(t, func(t *testing.T, tr *scenario.Trace) {
		captured := map[uint32]*reassembly.Segment{}
		for i := range tr.Lines {
			if l := &tr.Lines[i]; l.Captured && !l.Other {
				captured[l.Seg.Frame] = &l.Seg
			}
		}
		for _, f := range analyse(t, tr, engine.Options{}).Findings {
			for _, e := range f.Evidence {
				if got, want := reassembly.MarkOf(&e.Seg), captured[e.Seg.Frame]; want == nil || got != reassembly.MarkOf(want) || e.Seg.Src != want.Src || e.Seg.Dst != want.Dst {
					t.Errorf("%s shows frame %d as %+v of %v to %v, the capture holds %+v", f.Detector, e.Seg.Frame, got, e.Seg.Src, e.Seg.Dst, want)
				}
			}
		}
	})
}
