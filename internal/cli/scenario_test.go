package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/race"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// A verdict is what a printed scenario must give again. Its addresses, frame
// numbers and IDs differ.
type verdict struct {
	Detector, Outcome, Verdict, Severity string
	Reason                               string // has frame numbers
	Scope                                string
	Start, End                           string
	Limits                               []string
	Metrics                              map[string]any
	Evidence                             []struct{ Time string }
}

// Every scenario of the repository, printed as a scenario, gives the same findings.
func TestScenario_pasteFindsTheSame(t *testing.T) {
	for _, file := range scenariotest.Files(t, "../../samples/*.txtar", "../../detectors/testdata/*.txtar", "../../fsm/testdata/*.txtar", "testdata/traces/*.txtar") {
		for i, tr := range file.Traces {
			if race.Leaves(i) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", filepath.Base(file.Name), i+1), func(t *testing.T) { pasteOf(t, tr) })
		}
	}
}

// Two printed connections may be hours apart. That other traffic was captured in
// between is kept: without a frame in an hour, the FIN would be undecided.
func TestScenario_otherTrafficWentOn(t *testing.T) {
	file, err := scenario.Parse("silence", []byte(`
host late 10.0.0.9:1000
0.0  client > server  S  0:0(0) win 64240
+.01 server > client  S. 0:0(0) ack 1 win 65160
+.01 client > server  .  1:1(0) ack 1 win 64240
+1   server > client  F. 1:1(0) ack 1 win 65160
+3000 other
+3000 other
+3000 other
+1   late > server    S  0:0(0) win 64240
+.01 server > late    S. 0:0(0) ack 1 win 65160
+.01 late > server    .  1:1(0) ack 1 win 64240
+1   server > late    F. 1:1(0) ack 1 win 65160
+60  end
`))
	if err != nil {
		t.Fatal(err)
	}
	pasteOf(t, file.Traces[0])
}

func pasteOf(t *testing.T, tr *scenario.Trace) {
	packets, err := tr.Pcapng()
	if err != nil {
		t.Fatal(err)
	}
	before := filepath.Join(t.TempDir(), "capture.pcapng")
	if err := os.WriteFile(before, packets, 0o600); err != nil {
		t.Fatal(err)
	}
	want := verdicts(t, before)
	// The text has the times of the trace, which do not go back, no duplicate frames, and none of the connections of
	// which there is nothing to say.
	ofWhole := func(v verdict) bool {
		return v.Scope == "capture" || slices.Contains(v.Limits, "clock-stepped") || strings.Contains(v.Reason, "more than once, and the ACKs once each")
	}
	if len(want) == 0 || slices.ContainsFunc(want, ofWhole) {
		return
	}
	after := filepath.Join(filepath.Dir(before), "paste.txtar")
	_, warnings := tcptrace(t, "-o", after, before)
	if strings.Contains(warnings, "says something else") {
		t.Error(warnings)
	}
	got := verdicts(t, after)
	for _, list := range [][]verdict{got, want} {
		for i := range list {
			list[i].Reason = ""
		}
	}
	if !reflect.DeepEqual(got, want) {
		text, _ := os.ReadFile(after)
		t.Errorf("the paste brings\n%+v\nthe capture\n%+v\n%s", got, want, text)
	}
}

func verdicts(t *testing.T, name string) []verdict {
	t.Helper()
	out, _ := tcptrace(t, "--format", "json", name)
	var r struct{ Findings []verdict }
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	return r.Findings
}

// tcptrace runs the command, which must not exit with status 2.
func tcptrace(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if Run(Env{Args: args, Stdout: &out, Stderr: &errs, Detectors: catalogue.All}) == exitFailed {
		t.Fatalf("tcptrace %v: %s", args, errs.String())
	}
	return out.String(), errs.String()
}
