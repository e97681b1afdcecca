package live_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A sniffing is a tcptrace process in the namespace.
type sniffing struct {
	*wire
	cmd    *exec.Cmd
	mu     sync.Mutex
	stdout bytes.Buffer
	stderr bytes.Buffer
	wrote  chan struct{} // something was written since somebody looked
	ended  chan struct{} // closed when the process has ended, with err
	err    error
}

// patience is how long a process may take for anything: on a busy machine, much longer than
// usual. What it waits for are events, and this only ends a test that would never end.
const patience = 4 * time.Minute

// sniff starts tcptrace and waits until it captures.
func (w *wire) sniff(args ...string) *sniffing {
	w.Helper()
	return w.sniffAs(nil, args...)
}

// sniffAs is sniff as another user.
func (w *wire) sniffAs(user *syscall.SysProcAttr, args ...string) *sniffing {
	w.Helper()
	s := &sniffing{wire: w, cmd: w.command(append([]string{"-v"}, args...)...), wrote: make(chan struct{}, 1), ended: make(chan struct{})}
	s.cmd.SysProcAttr = user
	s.cmd.Stdout, s.cmd.Stderr = &watched{s, &s.stdout}, &watched{s, &s.stderr}
	w.inside(func() { w.must(s.cmd.Start()) })
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	w.Cleanup(func() { s.cmd.Process.Kill(); <-s.ended })
	s.await(s.errors, "seccomp")
	return s
}

// command is tcptrace, not started.
func (w *wire) command(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// watched is a buffer of a process that can be read while it is written.
type watched struct {
	s *sniffing
	b *bytes.Buffer
}

func (w *watched) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	select {
	case w.s.wrote <- struct{}{}:
	default:
	}
	return w.b.Write(p)
}

// output is what the process has printed on standard output, errors on standard error: whole
// lines, since it may be in the middle of one.
func (s *sniffing) output() string { return s.linesOf(&s.stdout) }
func (s *sniffing) errors() string { return s.linesOf(&s.stderr) }

func (s *sniffing) linesOf(b *bytes.Buffer) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := b.String()
	return text[:strings.LastIndexByte(text, '\n')+1]
}

// await waits until the process has printed a text, or has brought it about elsewhere.
func (s *sniffing) await(where func() string, text string) {
	s.Helper()
	const elsewhere = 50 * time.Millisecond
	for begun := time.Now(); ; {
		over := false
		select {
		case <-s.ended: // what it has printed is all there
			over = true
		default:
		}
		if strings.Contains(where(), text) {
			return
		}
		if over || time.Since(begun) > patience {
			break
		}
		select {
		case <-s.wrote:
		case <-s.ended:
		case <-time.After(elsewhere):
		}
	}
	s.cmd.Process.Signal(syscall.SIGQUIT) // what its goroutines wait for
	select {
	case <-s.ended:
	case <-time.After(patience):
	}
	s.Fatalf("tcptrace did not print %q (%v):\n%s\n%s", text, s.cmd.ProcessState, s.output(), s.errors())
}

// stop ends it as ^C does, and checks its status.
func (s *sniffing) stop(status int) {
	s.Helper()
	s.must(s.cmd.Process.Signal(syscall.SIGINT))
	<-s.ended
	if got := s.cmd.ProcessState.ExitCode(); got != status {
		s.Errorf("tcptrace ends with %d (%v), want %d:\n%s\n%s", got, s.err, status, s.output(), s.errors())
	}
}
