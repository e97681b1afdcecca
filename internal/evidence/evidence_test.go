package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/race"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// scenarios are all captures of the repository that are written as text.
func scenarios(t testing.TB) map[string][]byte {
	t.Helper()
	captures := map[string][]byte{}
	for _, f := range scenariotest.Files(t, "../../samples/*.txtar", "../../detectors/testdata/*.txtar", "../../fsm/testdata/*.txtar") {
		for i, trace := range f.Traces {
			b, err := trace.Pcapng()
			if err != nil {
				t.Fatal(err)
			}
			captures[strings.TrimPrefix(filepath.ToSlash(f.Name), "../../")+"/"+strconv.Itoa(i+1)] = b
		}
	}
	return captures
}

// each goes through all scenarios; with the race detector, through every third.
func each(t testing.TB) iter.Seq2[string, []byte] {
	all := scenarios(t)
	return func(yield func(string, []byte) bool) {
		for i, name := range slices.Sorted(maps.Keys(all)) {
			if !race.Leaves(i) && !yield(name, all[name]) {
				return
			}
		}
	}
}

// save writes a capture to a file.
func save(t testing.TB, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "original.pcapng")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func opener(names ...string) func() (*capture.Trace, error) {
	return func() (*capture.Trace, error) {
		trace, errs := capture.OpenTrace(names, capture.Options{})
		return trace, errors.Join(errs...)
	}
}

func source(open func() (*capture.Trace, error)) func() (evidence.Source, error) {
	return func() (evidence.Source, error) { return open() }
}

func analyse(open func() (*capture.Trace, error), rewrite func(*reassembly.Segment)) (*result.Report, error) {
	trace, err := open()
	if err != nil {
		return nil, err
	}
	defer trace.Close()
	return engine.Run(context.Background(), trace, engine.Options{Detectors: catalogue.All, Workers: 1, AllFlows: true, Rewrite: rewrite}), nil
}

func again(name string) (*result.Report, error) { return analyse(opener(name), nil) }

// prove writes the evidence of the captures and checks each file against its
// finding.
func prove(t *testing.T, o evidence.Options, rewrite func(*reassembly.Segment), names ...string) []evidence.File {
	t.Helper()
	r, err := analyse(opener(names...), rewrite)
	if err != nil {
		t.Fatal(err)
	}
	var reports []*result.Report
	o.Analyse = func(name string) (*result.Report, error) {
		r, err := again(name)
		reports = append(reports, r)
		return r, err
	}
	dir := filepath.Join(t.TempDir(), "evidence")
	files, err := evidence.Write(context.Background(), dir, source(opener(names...)), r, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(r.Findings) {
		t.Fatalf("%d files of %d findings", len(files), len(r.Findings))
	}
	for i, f := range files {
		want := &r.Findings[i]
		if f.Cut > 0 && want.Detector == "throughput-limited" {
			continue // it speaks of a whole transfer; the file says how much differs
		}
		var but []string
		if f.Cut > 0 {
			but = sumsUp[want.Detector+":"+want.Outcome]
			if finLate(want) {
				but = []string{theVerdict}
			}
		}
		if !tolerable(f.Doubt, but) && want.Scope == detectors.OneConnection {
			t.Errorf("%s %s: %s", want.Detector, want.Outcome, f.Doubt)
		}
		if base := want.Detector + "-" + want.ID + ".pcapng"; filepath.Base(f.Path) != base {
			t.Errorf("the file is %s, want %s", f.Path, base)
		}
		same(t, want, reports[i], but)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	return files
}

// sumsUp are the metrics that count over the whole connection, or depend on round
// trips long before. After a cut they cannot be the same; the file says by how
// much they differ. Nothing else may.
var sumsUp = map[string][]string{
	"small-window:silly":         {"fills", "mean_bytes", "cost_s"},
	"retransmissions:rto-stalls": {"stalled_s", "longest_stall_s"},
	"slow-response:paused":       {"bytes"},
}

// theVerdict is its name in a doubt.
const theVerdict = "the verdict"

// finLate: the ACK of the FIN was captured microseconds before the FIN. That is a
// hole until the FIN comes. If a cut leaves another hole open, it is not known
// that the latest was closed: the file alone proves no absence.
func finLate(f *result.Finding) bool {
	e := f.Evidence
	return f.Detector == "close-wait-leak" && f.Outcome == "idle" && len(e) > 1 && e[1].Seg.Frame > e[0].Seg.Frame ||
		f.Detector == "post-fin-ack-rst" && f.Outcome == "redundant-ack" && e[1].Seg.Frame > e[2].Seg.Frame
}

// tolerable reports whether a doubt concerns only what is named.
func tolerable(doubt string, but []string) bool {
	if doubt == "" {
		return true
	}
	for _, difference := range strings.Split(doubt, ", ") {
		name, _, _ := strings.Cut(difference, " is ")
		if !slices.Contains(but, name) {
			return false
		}
	}
	return true
}

// lessFrames removes frame numbers, which a file has of its own.
func lessFrames(s string) string { return regexp.MustCompile(`\(frame \d+\)`).ReplaceAllString(s, "") }

// same fails unless the report has the finding. The metrics in but may differ,
// and the verdict if a hole is the reason.
func same(t *testing.T, want *result.Finding, r *result.Report, but []string) {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f result.Finding) bool { return f.ID == want.ID })
	if i < 0 {
		t.Errorf("%s %s %s is not found again", want.Detector, want.Outcome, want.ID)
		return
	}
	got := &r.Findings[i]
	overflow := strings.HasPrefix(want.Reason, "overflow:") && strings.HasPrefix(got.Reason, "holes:") // a cut leaves fewer holes
	others := want.Scope != detectors.OneConnection                                                    // which are not in its file
	decided := got.Verdict == want.Verdict && (lessFrames(got.Reason) == lessFrames(want.Reason) || overflow) || others ||
		slices.Contains(but, theVerdict) && got.Verdict == detectors.Undecided && strings.HasPrefix(got.Reason, "holes:")
	if got.Outcome != want.Outcome || !decided || got.Severity != want.Severity && !others || got.States != want.States {
		t.Errorf("%s was %s %s %s %v %q,\nis %s %s %s %v %q", want.Detector, want.Outcome, want.Verdict, want.Severity, want.States, want.Reason,
			got.Outcome, got.Verdict, got.Severity, got.States, got.Reason)
	}
	if !slices.EqualFunc(got.Metrics, want.Metrics, func(a, b detectors.Metric) bool {
		return a == b || a.Name == b.Name && slices.Contains(but, a.Name)
	}) {
		t.Errorf("%s %s: metrics are\n%v, want\n%v", want.Detector, want.Outcome, got.Metrics, want.Metrics)
	}
	if got.Start != want.Start || got.End != want.End || len(got.Evidence) != len(want.Evidence) {
		t.Errorf("%s %s: another time, or other frames", want.Detector, want.Outcome)
	}
}

func TestWrite_givesTheFindingAgain(t *testing.T) {
	findings := 0
	for name, content := range each(t) {
		t.Run(name, func(t *testing.T) {
			original := save(t, content)
			findings += len(prove(t, evidence.Options{Version: "test"}, nil, original))
			prove(t, evidence.Options{Payload: true}, nil, original)
			m := anonymize.New(anonymize.Key{1})
			prove(t, evidence.Options{Anonymize: m}, m.Segment, original)
		})
	}
	if findings < 50 {
		t.Errorf("only %d findings were written", findings)
	}
}

// Two captures are one trace, and evidence names both.
func TestWrite_severalInputs(t *testing.T) {
	all := scenarios(t)
	a, b := save(t, all["samples/unretransmitted-fin.txtar/1"]), save(t, all["detectors/testdata/zero-window-probe-loop.txtar/1"])
	files := prove(t, evidence.Options{Files: []string{"a", "b"}}, nil, a, b)
	for _, f := range files {
		content, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Finding.Evidence {
			seg := &f.Finding.Evidence[i].Seg
			want := "(frame " + strconv.Itoa(int(seg.Frame)) + " of " + []string{"a", "b"}[seg.File] + ")"
			if !bytes.Contains(content, []byte(want)) {
				t.Errorf("no comment of %s says %q", filepath.Base(f.Path), want)
			}
		}
	}
}

// Wireshark shows the comments of the frames.
func TestWrite_tshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	files := prove(t, evidence.Options{Version: "1.2.3", Files: []string{"x.pcap"}}, nil, save(t, scenarios(t)["samples/unretransmitted-fin.txtar/1"]))
	f := files[0]
	out, err := exec.Command(tshark, "-r", f.Path, "-Y", "frame.comment", "-T", "fields", "-e", "frame.number", "-e", "frame.comment").Output()
	if err != nil {
		t.Fatal(err)
	}
	anchor := strconv.Itoa(int(f.Finding.Evidence[0].Seg.Frame))
	want := anchor + "\ttcptrace unretransmitted-fin " + f.Finding.ID + ": FIN, never acknowledged (frame " + anchor + " of x.pcap). peer-unaware, seen: 10.0.0.2:443 sent FIN (frame 6)."
	if !strings.HasPrefix(string(out), want) {
		t.Errorf("tshark shows\n%swant\n%s", out, want)
	}
	out, err = exec.Command(tshark, "-r", f.Path, "-Y", "tcp.payload || _ws.malformed").Output()
	if err != nil || len(out) > 0 {
		t.Errorf("tshark shows payload, or malformed frames: %s (%v)", out, err)
	}
}

func TestWrite_nothingHalf(t *testing.T) {
	original := save(t, scenarios(t)["samples/unretransmitted-fin.txtar/1"])
	r, err := analyse(opener(original), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("interrupted", func(t *testing.T) {
		ctx, stop := context.WithCancel(context.Background())
		stop()
		dir := t.TempDir()
		if _, err := evidence.Write(ctx, dir, source(opener(original)), r, evidence.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		empty(t, dir)
	})
	t.Run("the input has changed", func(t *testing.T) {
		dir := t.TempDir()
		other := save(t, scenarios(t)["detectors/testdata/zero-window-probe-loop.txtar/1"])
		files, err := evidence.Write(context.Background(), dir, source(opener(other)), r, evidence.Options{Files: []string{"x.pcap"}})
		if err == nil || !strings.Contains(err.Error(), "x.pcap has changed since it was analysed: frame") || len(files) > 0 {
			t.Errorf("got %v, %v", files, err)
		}
		empty(t, dir)
	})
	t.Run("what is written cannot be read", func(t *testing.T) {
		dir := t.TempDir()
		o := evidence.Options{Analyse: func(string) (*result.Report, error) { return nil, os.ErrPermission }}
		if _, err := evidence.Write(context.Background(), dir, source(opener(original)), r, o); !errors.Is(err, os.ErrPermission) {
			t.Errorf("got %v", err)
		}
		empty(t, dir)
	})
	t.Run("no finding", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "none")
		if _, err := evidence.Write(context.Background(), dir, source(opener(original)), &result.Report{}, evidence.Options{}); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("an empty directory was made")
		}
	})
}

func empty(t *testing.T, dir string) {
	t.Helper()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the directory holds %v (%v)", entries, err)
	}
}

// A file that does not give the finding again says so, and so does Write.
func TestWrite_doubt(t *testing.T) {
	original := save(t, scenarios(t)["samples/unretransmitted-fin.txtar/1"])
	r, err := analyse(opener(original), nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*result.Report){
		"the finding is missing":                   func(r *result.Report) { r.Findings = nil },
		"the outcome is x instead of ":             func(r *result.Report) { r.Findings[0].Outcome = "x" },
		"the verdict is undecided instead of seen": func(r *result.Report) { r.Findings[0].Verdict = detectors.Undecided },
		"waited_s is 7 instead of ":                func(r *result.Report) { r.Findings[0].Metrics[0].Value = 7 },
	} {
		o := evidence.Options{Analyse: func(name string) (*result.Report, error) {
			r, err := again(name)
			change(r)
			return r, err
		}}
		files, err := evidence.Write(context.Background(), t.TempDir(), source(opener(original)), r, o)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(files[0].Path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(files[0].Doubt, want) || !bytes.Contains(content, []byte("Analysed by itself, this file gives a different result: "+files[0].Doubt)) {
			t.Errorf("the doubt is %q, want %q", files[0].Doubt, want)
		}
	}
}
