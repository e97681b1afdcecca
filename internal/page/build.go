package page

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

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
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-pgo=off", "-ldflags="+flags, "-o", name, "github.com/tcptrace-go/tcptrace/cmd/tcptrace-page")
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
