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

// What cannot be read is an error; what can be is still judged.
func TestAnalyze_partOfIt(t *testing.T) {
	report, err := tcptrace.Analyze(context.Background(), tcptrace.Options{}, "samples/unretransmitted-fin.txtar", "missing.pcap")
	if err == nil || !strings.Contains(err.Error(), "missing.pcap") {
		t.Errorf("error %v does not tell of missing.pcap", err)
	}
	if len(report.Findings) != 1 {
		t.Errorf("%d findings, want the one of the file that could be read", len(report.Findings))
	}
}

// A context that is done ends the analysis, and that is told.
func TestAnalyze_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := tcptrace.Analyze(ctx, tcptrace.Options{}, "samples/unretransmitted-fin.txtar"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
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

func (undeclared) End(detectors.Ending, *detectors.Report) {}

const pluginMain = `package main

import (
	"os"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

var closed = &detectors.Outcome{Name: "closed", Severity: detectors.Critical}

var mine = &detectors.Detector{
	Name:     "any-fin",
	Doc:      detectors.Doc{Title: "somebody closed"},
	Outcomes: []*detectors.Outcome{closed},
	StartsOn: fsm.On(fsm.FinSent),
	SubscribesTo: fsm.On(fsm.FinSent),
	Watch:    func(*detectors.Report) detectors.Watcher { return watcher{} },
}

type watcher struct{}

func (watcher) Event(ev fsm.Event, r *detectors.Report) {
	r.Emit(r.Find(closed, ev.Side, ev.Seg.At, detectors.Evidence{Role: "FIN", Seg: *ev.Seg}))
}

func (watcher) End(detectors.Ending, *detectors.Report) {}

func main() { os.Exit(tcptrace.Main(mine)) }
`

// A module elsewhere builds a tcptrace that has its own detector beside the
// others, with the public packages alone.
func TestMain_builtElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: builds a program")
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write("main.go", pluginMain)
	write("go.sum", string(sums))
	write("go.mod", "module example.com/mine\n\ngo 1.26\n\nrequire github.com/tcptrace-go/tcptrace v0.0.0\n\n"+
		"replace github.com/tcptrace-go/tcptrace => "+here+"\n")
	build := exec.Command("go", "build", "-mod=mod", "-o", "mine.exe", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	run := exec.Command(filepath.Join(dir, "mine.exe"), "-d", "any-fin", "--format", "csv", filepath.Join(here, "samples", "unretransmitted-fin.txtar"))
	out, err := run.Output()
	if run.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), ",any-fin,closed,seen,") {
		t.Errorf("%v, %v:\n%s", run, err, out)
	}
}
