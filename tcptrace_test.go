package tcptrace_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// An input that cannot be read is an error; the others are still analysed.
func TestAnalyze_partOfIt(t *testing.T) {
	report, err := tcptrace.Analyze(context.Background(), tcptrace.Options{}, "samples/unretransmitted-fin.txtar", "missing.pcap")
	if err == nil || !strings.Contains(err.Error(), "missing.pcap") {
		t.Errorf("error %v does not name missing.pcap", err)
	}
	if len(report.Findings) != 1 {
		t.Errorf("%d findings, want the one of the file that could be read", len(report.Findings))
	}
}

// A context that has ended ends the analysis, and is an error.
func TestAnalyze_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := tcptrace.Analyze(ctx, tcptrace.Options{}, "samples/unretransmitted-fin.txtar"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// Options are checked, and not changed.
func TestAnalyze_options(t *testing.T) {
	for _, o := range []tcptrace.Options{{MaxFlows: -1}, {Workers: -1}} {
		if r, err := tcptrace.Analyze(context.Background(), o, "samples/unretransmitted-fin.txtar"); err == nil || r != nil {
			t.Errorf("%+v: report %v, error %v", o, r, err)
		}
	}
	settings := new(detectors.Settings)
	if _, err := tcptrace.Analyze(context.Background(), tcptrace.Options{Settings: settings}, "samples/unretransmitted-fin.txtar"); err != nil || settings.TimeWait != 0 {
		t.Errorf("error %v, settings %+v", err, settings)
	}
}

// A detector that declares something wrongly, or uses what it does not declare, is an
// error that names it.
func TestAnalyze_wrongDetectors(t *testing.T) {
	detector := func(watch func(*detectors.Report) detectors.Watcher) tcptrace.Options {
		return tcptrace.Options{Detectors: []*detectors.Detector{{
			Name: "any-fin", Doc: detectors.Doc{Title: "somebody closed"}, Outcomes: []*detectors.Outcome{{Name: "closed"}},
			StartsOn: fsm.On(fsm.FinSent), SubscribesTo: fsm.On(fsm.FinSent), Watch: watch,
		}}}
	}
	const sample = "samples/unretransmitted-fin.txtar"
	_, err := tcptrace.Analyze(context.Background(), detector(nil), sample)
	if want := "detector any-fin: Watch is nil"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	report, err := tcptrace.Analyze(context.Background(), detector(func(*detectors.Report) detectors.Watcher { return undeclared{} }), sample)
	if want := `the detector any-fin reported the outcome "gone", which it does not declare`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if len(report.Findings) != 1 {
		t.Errorf("%d findings, want the one that was made", len(report.Findings))
	}
}

// undeclared reports an outcome that its detector does not declare.
type undeclared struct{}

func (undeclared) Event(ev fsm.Event, r *detectors.Report) {
	r.Emit(r.Find(&detectors.Outcome{Name: "gone"}, ev.Side, ev.Seg.At, detectors.Evidence{Role: "FIN", Seg: *ev.Seg}))
}

// A module elsewhere builds a tcptrace that has its own detector beside the others,
// and tests it with traces, with the public packages alone.
func TestMain_builtElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: builds a program")
	}
	run := func(args ...string) (string, error) {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = "contrib/own-detector", append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("test", "./..."); err != nil {
		t.Errorf("go test: %v\n%s", err, out)
	}
	program := filepath.Join(t.TempDir(), "own.exe")
	if out, err := run("build", "-o", program, "."); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	own := exec.Command(program, "-d", "hurried-close", "--fail-on", "info", "--format", "csv", "samples/unretransmitted-fin.txtar")
	out, err := own.Output()
	if own.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), ",hurried-close,closed,seen,") {
		t.Errorf("%v, %v:\n%s", own, err, out)
	}
}
