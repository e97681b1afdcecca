package metamorphic

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// analyse judges one capture.
func analyse(file []byte) (*result.Report, error) {
	return run([]string{"-"}, file, engine.Options{Workers: 1})
}

// analyseFiles judges several captures as one trace, in the order given.
func analyseFiles(t *testing.T, files ...[]byte) *result.Report {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for i, file := range files {
		names = append(names, filepath.Join(dir, fmt.Sprintf("%04d", i)))
		if err := os.WriteFile(names[i], file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return analyseNamed(t, names)
}

func analyseNamed(t *testing.T, names []string) *result.Report {
	t.Helper()
	rep, err := run(names, nil, engine.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func run(names []string, stdin []byte, o engine.Options) (*result.Report, error) {
	trace, errs := source.Open(names, capture.Options{Stdin: bytes.NewReader(stdin), Text: scenario.Pcapng})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	defer trace.Close()
	o.Detectors, o.AllFlows = catalogue.All, true
	return source.Run(context.Background(), trace, o), nil
}

// An account is what a report tells, in lines that do not depend on dress:
// times count from the first frame, frames are those of the conversation, ends
// are sides, sequence numbers relative.
type account struct {
	rows     []string // of connections
	findings []string // all but ids and limits
	exact    []string // ids and limits
	copies   bool
}

// tell makes the account of a report. origin names the frame of the
// conversation that a captured frame is; nil if they are the same.
func tell(rep *result.Report, origin func(file uint16, frame uint32) uint32) *account {
	if origin == nil {
		origin = func(_ uint16, frame uint32) uint32 { return frame }
	}
	a := &account{copies: rep.Totals.Duplicates > 0}
	start := rep.Trace.First
	a.rows = append(a.rows, fmt.Sprintf("trace ends at %d", rep.Trace.End-start))
	for i := range rep.Flows {
		fl := &rep.Flows[i]
		a.copies = a.copies || fl.Limits&fsm.Copies != 0
		a.rows = append(a.rows, fmt.Sprintf("connection %d %s, opened by %v, ends %v bounded %v, from %d to %d, packets %v bytes %v again %v, rtt %d, %s",
			fl.ID, fl.Ending, fl.Initiator, fl.State, fl.Bounded, fl.First-start, fl.Last-start, fl.Packets, fl.Bytes, fl.Rexmits, fl.RTT, fl.History))
		a.exact = append(a.exact, fmt.Sprintf("connection %d: %v", fl.ID, fl.Limits))
	}
	for i := range rep.Findings {
		f := &rep.Findings[i]
		a.exact = append(a.exact, fmt.Sprintf("finding %d %s: %v", i+1, f.ID, f.Limits))
		a.finding(f, start, origin)
	}
	return a
}

// finding tells all of a finding but its id and limits.
func (a *account) finding(f *result.Finding, start int64, origin func(uint16, uint32) uint32) {
	a.findings = append(a.findings, fmt.Sprintf("%s %s %v %q %v of connection %d, culprit %v, roles %v, %v, from %d to %d said at %d, %v",
		f.Detector, f.Outcome, f.Verdict, f.Reason, f.Severity, f.Flow.ID, f.Culprit, f.Roles, f.States, f.Start-start, f.End-start, f.At-start, f.Metrics),
		"  "+withSides(f.Message, f.Flow))
	iss := f.Flow.ISS
	for i := range f.Evidence {
		seg := &f.Evidence[len(f.Evidence)-1-i].Seg
		for side := range iss {
			if f.Flow.Packets[side] == 0 && seg.Src == f.Flow.End[side] { // of the connection before
				iss[side] = seg.Seq
			}
		}
	}
	for _, e := range f.Evidence {
		side := reassembly.A
		if e.Seg.Src != f.Flow.End[reassembly.A] {
			side = reassembly.B
		}
		line := fmt.Appendf(nil, "  %d %d %v %s: ", origin(e.Seg.File, e.Seg.Frame), e.Seg.At-start, side, withSides(e.Role, f.Flow))
		seg := e.Seg
		seg.Opts = reassembly.Options{}
		a.findings = append(a.findings, string(scenario.AppendSegment(line, &seg, iss[side], iss[side.Peer()])))
	}
}

// frameNumbers are where a message names frames; the evidence does, too, in a
// way that can be followed.
var frameNumbers = regexp.MustCompile(`frames? \d+( to \d+)?`)

// withSides writes the names of sides for their addresses, and no numbers of
// frames.
func withSides(message string, flow *result.Flow) string {
	message = frameNumbers.ReplaceAllString(message, "frame #")
	sides := []reassembly.Side{reassembly.A, reassembly.B}
	slices.SortFunc(sides, func(x, y reassembly.Side) int { return len(flow.End[y].String()) - len(flow.End[x].String()) })
	for _, s := range sides {
		message = strings.ReplaceAll(message, flow.End[s].String(), "side "+s.String())
	}
	return message
}

// sameFindings demands the same connections and findings but for ids and limits.
func (a *account) sameFindings(t *testing.T, b *account) {
	t.Helper()
	compare(t, slices.Concat(a.rows, a.findings), slices.Concat(b.rows, b.findings))
}

// same demands the same in every word.
func (a *account) same(t *testing.T, b *account) {
	t.Helper()
	compare(t, slices.Concat(a.rows, a.findings, a.exact), slices.Concat(b.rows, b.findings, b.exact))
}

func compare(t *testing.T, want, got []string) {
	t.Helper()
	if slices.Equal(want, got) {
		return
	}
	var diff strings.Builder
	for _, line := range want {
		if !slices.Contains(got, line) {
			fmt.Fprintln(&diff, "-", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			fmt.Fprintln(&diff, "+", line)
		}
	}
	if diff.Len() == 0 {
		fmt.Fprintf(&diff, "the same in another order: %q, before %q", got, want)
	}
	t.Errorf("in this dress it is told otherwise:\n%s", diff.String())
}
