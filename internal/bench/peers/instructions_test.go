package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

// Instructions do not depend on what else a machine does: a change that makes the hot
// path slower shows, where a time would not. docs/performance.md has how many a frame
// takes; more than 5 % from that is an error, also fewer: then the number is stale.
func TestInstructions(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("counts on Linux on amd64")
	}
	if _, err := exec.LookPath("valgrind"); err != nil {
		t.Skip("no valgrind")
	}
	text, err := os.ReadFile("../../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "tcptrace")
	build := exec.Command("go", "build", "-pgo=off", "-o", binary, "../../../cmd/tcptrace")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOAMD64=v1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	start := instructions(t, binary, "--version")
	for name, spec := range map[string]tracegen.Spec{
		"Long connections":  {Frames: 50_000, Flows: 500, Snap: 96, Seed: 1},
		"Short connections": {Frames: 50_000, Flows: 500, Snap: 96, Web: true, Seed: 1},
		"5 % loss":          {Frames: 50_000, Flows: 500, Snap: 96, Loss: 0.05, Seed: 1},
	} {
		file := filepath.Join(dir, "trace.pcap")
		if _, err := writeTrace(file, spec); err != nil {
			t.Fatal(err)
		}
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(name) + ` \| ([\d,]+) \| ([\d,]+) \|`).FindSubmatch(text)
		if row == nil {
			t.Errorf("docs/performance.md does not say how many instructions a frame takes: %s", name)
			continue
		}
		for column, options := range [][]string{{"--workers=1", file}, {"--workers=1", "--time", file}} {
			got := (instructions(t, append([]string{binary}, options...)...) - start) / float64(spec.Frames)
			want, _ := strconv.ParseFloat(strings.ReplaceAll(string(row[column+1]), ",", ""), 64)
			if math.Abs(got-want) > 0.05*want {
				t.Errorf("%s, %v: a frame takes %.0f instructions; docs/performance.md says %.0f", name, options[1:len(options)-1], got, want)
			}
		}
	}
}

// instructions is how many a run takes.
func instructions(t *testing.T, command ...string) float64 {
	args := append([]string{"--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"}, command...)
	cmd := exec.Command("valgrind", args...)
	cmd.Env = append(os.Environ(), "GODEBUG=cpu.rdtscp=off", "GOGC=", "GOMEMLIMIT=") // the command sets both itself
	cmd.Stdout = io.Discard
	var said strings.Builder
	cmd.Stderr = &said
	err := cmd.Run() // the exit status says that there are findings
	m := regexp.MustCompile(`I\s+refs:\s+([\d,]+)`).FindStringSubmatch(said.String())
	if m == nil {
		t.Fatal(fmt.Errorf("valgrind: %w: %s", err, said.String()))
	}
	n, _ := strconv.ParseFloat(strings.ReplaceAll(m[1], ",", ""), 64)
	return n
}
