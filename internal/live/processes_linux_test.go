package live_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// leak makes a connection that its client closes and its server, of this process, keeps,
// with n bytes that it has not read. It returns the server's descriptor.
func (w *wire) leak(n int) (server net.Conn, fd uintptr) {
	w.Helper()
	l := w.listen()
	c := w.dial(l.Addr().String())
	server, err := l.Accept()
	w.must(err)
	w.Cleanup(func() { server.Close() })
	_, err = c.Write(make([]byte, n))
	w.must(err)
	w.must(c.Close())
	raw, err := server.(*net.TCPConn).SyscallConn()
	w.must(err)
	w.must(raw.Control(func(x uintptr) { fd = x }))
	return server, fd
}

// TestProcesses_leak: a server that leaks sockets is named with its PID and descriptor,
// what it has not read, and the kernel's state.
func TestProcesses_leak(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	s := w.sniff("-i", "lo", "--processes", "--format", "ndjson", "--set", "close-wait-leak.idle=1", "tcp")
	server, fd := w.leak(1448)
	s.await(s.output, `"detector": "close-wait-leak"`)
	comm, err := os.ReadFile("/proc/self/comm")
	w.must(err)
	want := fmt.Sprintf(`"endpoint": "%s", "time": `, server.LocalAddr())
	if !strings.Contains(s.output(), want) {
		t.Errorf("no socket of %s in\n%s", server.LocalAddr(), s.output())
	}
	for _, want := range []string{
		`"state": "CLOSE_WAIT", "capture_state": "CLOSE_WAIT", "bounded": false, "agrees": true, "recv_q": 1449, "send_q": 0`,
		fmt.Sprintf(`"processes": [{"name": "%s", "pid": %d, "fd": %d, "command": "`, strings.TrimSpace(string(comm)), os.Getpid(), fd),
		`"uid": 0, "user": "root"`,
	} {
		if !strings.Contains(s.output(), want) {
			t.Errorf("no %s in\n%s", want, s.output())
		}
	}
	s.stop(1)
	if strings.Contains(s.output()+s.errors(), "could not be") {
		t.Errorf("root is told of limits:\n%s\n%s", s.output(), s.errors())
	}
}

// TestProcesses_anonymized: no name, PID, user or address is left.
func TestProcesses_anonymized(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	s := w.sniff("-i", "lo", "--processes", "--anonymize", "--format", "ndjson", "--set", "close-wait-leak.idle=1", "tcp")
	_, fd := w.leak(10)
	s.await(s.output, `"detector": "close-wait-leak"`)
	s.stop(1)
	for _, want := range []string{
		fmt.Sprintf(`"recv_q": 11, "send_q": 0, "processes": [{"name": "process-1", "pid": 1, "fd": %d, "command": ""}`, fd), // and what another test starts, until it runs its program
		`], "uid": 1, "user": "user-1"`,
	} {
		if !strings.Contains(s.output(), want) {
			t.Errorf("no %s in\n%s", want, s.output())
		}
	}
	for _, secret := range []string{fmt.Sprintf(`"pid": %d`, os.Getpid()), "live.test", "root", "127.0.0.1"} {
		if regexp.MustCompile(secret + `\b`).MatchString(s.output()) { // a replacement may begin like it: 127.0.0.14
			t.Errorf("%s is left in\n%s", secret, s.output())
		}
	}
}

// TestProcesses_noRight: without the right to look at others, the findings are the same
// but for these lines, and a note says so.
func TestProcesses_noRight(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	start := func(cred *syscall.SysProcAttr) *sniffing {
		return w.sniffAs(cred, "-i", "lo", "--processes", "--format", "ndjson", "tcp")
	}
	root := start(nil)
	nobody := start(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: []uintptr{unix.CAP_NET_RAW}})
	// The server closes with data unread: a RST, which is final.
	l := w.listen()
	c := w.dial(l.Addr().String())
	server, err := l.Accept()
	w.must(err)
	_, err = c.Write(make([]byte, 100))
	w.must(err)
	w.must(server.Close())
	_, _ = io.Copy(io.Discard, c)
	c.Close()
	findings := func(s *sniffing) (found, notes string) {
		s.await(s.output, `"outcome": "unread-data"`)
		s.stop(1)
		for _, text := range strings.Split(strings.TrimSpace(s.output()), "\n") {
			var l struct {
				ID                                                  any // a string of findings
				Type, Detector, Outcome, Verdict, Severity, Message string
				Notes                                               []struct{ Name, Message string }
			}
			w.must(json.Unmarshal([]byte(text), &l))
			if l.Type == "finding" {
				found = fmt.Sprint(l.ID) + strings.Join([]string{" " + l.Detector, l.Outcome, l.Verdict, l.Severity, l.Message}, " ")
			}
			for _, n := range l.Notes {
				notes += n.Name + ": " + n.Message
			}
		}
		return found, notes
	}
	a, notesA := findings(root)
	b, notesB := findings(nobody)
	if a == "" || a != b {
		t.Errorf("root finds\n%s\nnobody\n%s", a, b)
	}
	if notesA != "" || !strings.HasPrefix(notesB, "sockets: Processes of other users") {
		t.Errorf("notes of root %q, of nobody %q", notesA, notesB)
	}
	if n := strings.Count(nobody.errors(), "--processes:"); n != 1 {
		t.Errorf("%d warnings of nobody, want 1:\n%s", n, nobody.errors())
	}
}
