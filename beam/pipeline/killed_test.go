package pipeline

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
)

// child is the variable that makes this program a child process: what it runs, its
// inputs and its folder, in lines.
const child = "TCPTRACE_BEAM_CHILD"

// What a child process runs.
const (
	childOnPrism  = "prism"
	childInRuns   = "runs" // on Prism, with all chunks in runs: it soon writes to the work folder
	childInSingle = "single"
)

// childOptions are the options of a child process.
func childOptions(kind, inputs, output string) Options {
	o := Options{Inputs: []string{inputs}, Output: output}
	if kind == childInRuns {
		o.Group, o.Least = 1, 1
	}
	return o
}

// startChild starts a child process.
func startChild(t *testing.T, kind string, o Options) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), child+"="+strings.Join([]string{kind, o.Inputs[0], o.Output}, "\n"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// peakFile is where a child process leaves its peak memory.
const peakFile = "peak.txt"

// runChild is the child process.
func runChild(what string) error {
	words := strings.Split(what, "\n")
	o := childOptions(words[0], words[1], words[2])
	defer func() {
		status, _ := os.ReadFile("/proc/self/status")
		_, peak, _ := strings.Cut(string(status), "VmHWM:")
		peak, _, _ = strings.Cut(peak, "\n")
		_ = os.WriteFile(filepath.Join(o.Output, peakFile), []byte(strings.TrimSpace(peak)), 0o644)
	}()
	if words[0] == childInSingle {
		files, err := filepath.Glob(o.Inputs[0])
		if err != nil {
			return err
		}
		_, _, _, err = analyse(o, files)
		return err
	}
	p, s := beam.NewPipelineWithRoot()
	Add(s, o)
	_, err := prism.Execute(context.Background(), p)
	return err
}

// A run that is killed leaves no report, and the next one in the same folder gives
// the right one.
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	files := generate(t, folder, 20_000, 10)
	o := childOptions(childInRuns, filepath.Join(folder, "trace*"), filepath.Join(folder, "report"))
	cmd := startChild(t, childInRuns, o)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if left, _ := filepath.Glob(filepath.Join(o.Output, workFolder, "*")); len(left) > 20 {
			break
		}
		if time.Now().After(deadline) {
			t.Error("the run left nothing to be seen in a minute")
			break
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, name := range []string{ReportFile, FindingsFile} {
		if _, err := os.Stat(filepath.Join(o.Output, name)); err == nil {
			t.Errorf("the run that was killed has left a %s", name)
		}
	}
	run(t, o)
	same(t, o, files)
}
