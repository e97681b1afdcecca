//go:build unix

package cli

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/output"
)

// Every signal that asks for an end gets a closing report; a lost ssh is one of them.
// The process dies of a signal that is not handled.
func TestUntilSignal(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(s) { // the test runs under nohup
			continue
		}
		ctx, stop := untilSignal()
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
			t.Errorf("%v does not end the run", s)
		}
		stop()
		stop() // does nothing
	}
}

// A second signal ends the process at once, and leaves no temporary file.
func TestUntilSignal_second(t *testing.T) {
	const variable = "TCPTRACE_TEST_TEMPORARY"
	if dir := os.Getenv(variable); dir != "" {
		ctx, _ := untilSignal()
		if _, err := output.CreateTemp(dir, ".half.*"); err != nil {
			os.Exit(1)
		}
		syscall.Kill(os.Getpid(), syscall.SIGINT)
		<-ctx.Done()
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		select {}
	}
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestUntilSignal_second$", "-test.timeout=20s")
	child.Env = append(os.Environ(), variable+"="+dir)
	var exit *exec.ExitError
	if err := child.Run(); !errors.As(err, &exit) || exit.ExitCode() != 128+int(syscall.SIGTERM) {
		t.Errorf("the process ends with %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
