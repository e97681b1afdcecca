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

// child is the variable with the inputs and the folder of a child process.
const child = "TCPTRACE_BEAM_CHILD"

// childOptions soon write to the work folder, because all chunks go to runs.
func childOptions(inputs, output string) Options {
	return Options{Inputs: []string{inputs}, Output: output, Group: 1, Least: 1}
}

// runChild is the process that is killed.
func runChild(what string) int {
	inputs, output, _ := strings.Cut(what, "\n")
	p, s := beam.NewPipelineWithRoot()
	Add(s, childOptions(inputs, output))
	if _, err := prism.Execute(context.Background(), p); err != nil {
		return 1
	}
	return 0
}

// A run that is killed leaves no report, and the next one in the same folder gives
// the right one.
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	files := generate(t, folder, 20_000, 10)
	o := childOptions(filepath.Join(folder, "trace*"), filepath.Join(folder, "report"))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), child+"="+o.Inputs[0]+"\n"+o.Output)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
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
