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

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// analyse analyses one capture.
func analyse(file []byte) (*result.Report, error) {
	return run([]string{"-"}, file, engine.Options{Workers: 1})
}

// analyseFiles analyses several captures as one trace, in the order given.
func analyseFiles(t *testing.T, files ...[]byte) *result.Report {
	t.Helper()
	return analyseNamed(t, write(t, files...))
}

// write makes files of captures.
func write(t *testing.T, files ...[]byte) (names []string) {
	t.Helper()
	dir := t.TempDir()
	for i, file := range files {
		names = append(names, filepath.Join(dir, fmt.Sprintf("%04d", i)))
		if err := os.WriteFile(names[i], file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return names
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

// A summary is a report in lines that do not depend on how it was captured: times
// are relative to the first frame, frames are those of the conversation, ends are
// sides, and sequence numbers are relative.
type summary struct {
	rows       []string // of connections
	findings   []string // everything except IDs and limits
	exact      []string // IDs and limits
	duplicates bool
	hosts      bool // a finding rests on the addresses of several connections
}

// summarise makes the summary of a report. origin returns the frame of the
// conversation for a captured frame; nil if they are the same.
func summarise(rep *result.Report, origin func(file uint16, frame uint32) uint32) *summary {
	if origin == nil {
		origin = func(_ uint16, frame uint32) uint32 { return frame }
	}
	a := &summary{duplicates: rep.Totals.Duplicates > 0}
	start := rep.Trace.First
	a.rows = append(a.rows, fmt.Sprintf("trace ends at %d", rep.Trace.End-start))
	for i := range rep.Flows {
		fl := &rep.Flows[i]
		a.duplicates = a.duplicates || fl.Limits&fsm.Duplicates != 0
		a.rows = append(a.rows, fmt.Sprintf("connection %d %s, opened by %v, ends %v bounded %v, from %d to %d, packets %v bytes %v again %v, rtt %d, %s",
			fl.ID, fl.Ending, fl.Initiator, fl.State, fl.Bounded, fl.First-start, fl.Last-start, fl.Packets, fl.Bytes, fl.Rexmits, fl.RTT, fl.History))
		a.exact = append(a.exact, fmt.Sprintf("connection %d: %v", fl.ID, fl.Limits))
	}
	for i := range rep.Findings {
		f := &rep.Findings[i]
		a.exact = append(a.exact, fmt.Sprintf("finding %d %s: %v", i+1, f.ID, f.Limits))
		a.hosts = a.hosts || f.Scope == detectors.OtherConnection || (f.Silence != nil || f.Lossless != nil || f.Quiet != nil || f.Unanswered || f.Late != nil || f.Held != nil) && len(rep.Flows) > 1
		a.finding(f, start, origin)
	}
	return a
}

// finding adds everything of a finding except its ID and limits.
func (a *summary) finding(f *result.Finding, start int64, origin func(uint16, uint32) uint32) {
	a.findings = append(a.findings, fmt.Sprintf("%s %s %v %q %v of connection %d, culprit %v, roles %v, %v, from %d to %d said at %d, %v",
		f.Detector, f.Outcome, f.Verdict, withSides(f.Reason, f.Flow), f.Severity, f.Flow.ID, f.Subject, f.Roles, f.States, f.Start-start, f.End-start, f.At-start, f.Metrics),
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

// frameNumbers matches frame numbers in a message. The evidence has them as well,
// in a form that can be compared.
var frameNumbers = regexp.MustCompile(`(?i)frames? \d+(, \d+)*( (to|and|or) \d+)?`)

// otherEndpoints matches those of other connections, and who sent an ICMP error: these have other addresses in pasted
// text, and in other encodings.
var otherEndpoints = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+(:\d+)?|\[[0-9a-f:.]+\]:\d+|[0-9a-f]{1,4}:[0-9a-f:]*:[0-9a-f]+`)

// withSides replaces addresses by the names of sides, and removes frame numbers.
func withSides(message string, flow *result.Flow) string {
	message = frameNumbers.ReplaceAllString(message, "frame #")
	sides := []reassembly.Side{reassembly.A, reassembly.B}
	slices.SortFunc(sides, func(x, y reassembly.Side) int { return len(flow.End[y].String()) - len(flow.End[x].String()) })
	for _, s := range sides {
		message = strings.ReplaceAll(message, flow.End[s].String(), "side "+s.String())
	}
	return otherEndpoints.ReplaceAllString(message, "another endpoint")
}

// sameFindings checks for the same connections and findings, except IDs and limits.
func (a *summary) sameFindings(t *testing.T, b *summary) {
	t.Helper()
	compare(t, slices.Concat(a.rows, a.findings), slices.Concat(b.rows, b.findings))
}

// same checks that everything is the same.
func (a *summary) same(t *testing.T, b *summary) {
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
	t.Errorf("the report differs:\n%s", diff.String())
}
