package sandbox_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/sandbox"
)

// inside makes this test binary try what a sandbox forbids.
const inside = "TCPTRACE_TEST_INSIDE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(inside); dir != "" {
		attempt(dir)
		return
	}
	os.Exit(m.Run())
}

// attempt enters the sandbox and prints what still works.
func attempt(dir string) {
	sandbox.Enter(sandbox.Needs{Read: []string{filepath.Join(dir, "input")}, Write: []string{filepath.Join(dir, "out")}})
	try := func(what string, err error) {
		answer := "yes"
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			answer = "no"
		} else if err != nil {
			answer = err.Error()
		}
		fmt.Printf("%s: %s\n", what, answer)
	}
	open := func(name string) error {
		f, err := os.Open(name)
		if err == nil {
			f.Close()
		}
		return err
	}
	try("read the input", open(filepath.Join(dir, "input")))
	try("read another file", open(filepath.Join(dir, "secret")))
	try("read /etc/passwd", open("/etc/passwd"))
	try("write an output", os.WriteFile(filepath.Join(dir, "out", "x"), []byte("x"), 0o600))
	try("replace an output", os.Rename(filepath.Join(dir, "out", "x"), filepath.Join(dir, "out", "y")))
	try("write another file", os.WriteFile(filepath.Join(dir, "new"), []byte("x"), 0o600))
	try("run a program", exec.Command("/proc/self/exe").Run())
	_, err := net.Dial("tcp", "127.0.0.1:9")
	try("open a socket", err)
	try("mount", unix.Mount("none", dir, "tmpfs", 0, ""))
	try("trace a process", unix.PtraceAttach(os.Getppid()))
	try("load BPF", func() error {
		_, _, errno := unix.Syscall(unix.SYS_BPF, 0, 0, 0)
		return errno
	}())
	done := make(chan error)
	go func() { done <- open("/etc/passwd") }() // another thread, most likely
	try("read /etc/passwd from another goroutine", <-done)
}

// TestEnter looks at a sandbox from the inside.
func TestEnter(t *testing.T) {
	dir := t.TempDir()
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "input"), nil, 0o600),
		os.WriteFile(filepath.Join(dir, "secret"), nil, 0o600),
		os.Mkdir(filepath.Join(dir, "out"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), inside+"="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := []string{
		"read the input: yes", "write an output: yes", "replace an output: yes",
		"run a program: no", "open a socket: no", "mount: no", "trace a process: no", "load BPF: no",
	}
	if version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); errno == 0 {
		want = append(want, "read another file: no", "read /etc/passwd: no", "write another file: no", "read /etc/passwd from another goroutine: no")
	} else {
		t.Logf("files are not checked: this kernel has no Landlock (version %d)", version)
	}
	for _, line := range want {
		if !strings.Contains(string(out), line+"\n") {
			t.Errorf("want %q, got\n%s", line, out)
		}
	}
}
