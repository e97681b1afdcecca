package page

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// inlined are the packages in which calls are inlined: those on the path of a segment. In
// all others that would make the module a sixth larger, compressed, for nothing.
var inlined = []string{
	"runtime/...", "internal/runtime/...", "encoding/binary", "slices", "math/bits",
	"github.com/tcptrace-go/tcptrace/reassembly", "github.com/tcptrace-go/tcptrace/fsm",
	"github.com/tcptrace-go/tcptrace/internal/capture", "github.com/tcptrace-go/tcptrace/internal/decode",
	"github.com/tcptrace-go/tcptrace/internal/engine", "github.com/tcptrace-go/tcptrace/internal/flow",
	"github.com/tcptrace-go/tcptrace/internal/packet", "github.com/tcptrace-go/tcptrace/internal/watch",
	"github.com/tcptrace-go/tcptrace/internal/waits",
}

// Build compiles the command for the browser, in the module of the current directory.
func Build(version string) (p Parts, err error) {
	dir, err := os.MkdirTemp("", "tcptrace-page")
	if err != nil {
		return p, err
	}
	defer os.RemoveAll(dir)
	flags := "-s -w -buildid="
	if p.Version = "devel"; version != "" {
		p.Version = version
		flags += " -X github.com/tcptrace-go/tcptrace/internal/cli.version=" + version
	}
	name := filepath.Join(dir, "tcptrace.wasm")
	args := []string{"build", "-trimpath", "-buildvcs=false", "-pgo=off", "-ldflags=" + flags, "-o", name, "-gcflags=all=-l"}
	for _, pkg := range inlined {
		args = append(args, "-gcflags="+pkg+"=")
	}
	cmd := exec.Command("go", append(args, "github.com/tcptrace-go/tcptrace/cmd/tcptrace-page")...)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return p, fmt.Errorf("go build: %w\n%s", err, out)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return p, err
	}
	if p.Module, err = os.ReadFile(name); err != nil {
		return p, err
	}
	p.Runtime, err = os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	return p, err
}
