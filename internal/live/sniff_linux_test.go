package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace"
)

// A compared is the part of a finding that tests compare.
type compared struct{ detector, outcome, verdict, fault, subject string }

// fromFile are the findings of a file, by ID.
func fromFile(t *testing.T, name string) map[string]compared {
	t.Helper()
	r, err := tcptrace.Analyze(context.Background(), tcptrace.Options{}, name)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]compared{}
	for _, f := range r.Findings {
		all[f.ID] = compared{f.Detector, f.Outcome, f.Verdict.String(), f.Fault.String(), f.Flow.End[f.Subject].String()}
	}
	return all
}

// A line is one of ndjson, of a finding.
type line struct {
	ID, Detector, Outcome, Verdict, Fault, Subject string
	Revision                                       int
	Final                                          bool
	Evidence                                       []struct {
		File  string
		Frame int
	}
}

func lines(t *testing.T, ndjson string) (all []line) {
	t.Helper()
	for _, text := range strings.Split(strings.TrimSpace(ndjson), "\n") {
		if !strings.HasPrefix(text, `{"type": "finding"`) {
			continue
		}
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		all = append(all, l)
	}
	return all
}

// fromLines are the final findings in ndjson, by ID. Each finding must be final once,
// with increasing revisions.
func fromLines(t *testing.T, ndjson string) map[string]compared {
	t.Helper()
	all, final, revision := map[string]compared{}, map[string]bool{}, map[string]int{}
	for _, l := range lines(t, ndjson) {
		if final[l.ID] || l.Revision < revision[l.ID] {
			t.Errorf("finding %s comes again after it was final, or with an older revision", l.ID)
		}
		all[l.ID] = compared{l.Detector, l.Outcome, l.Verdict, l.Fault, l.Subject}
		final[l.ID], revision[l.ID] = l.Final, l.Revision
	}
	for id := range all {
		if !final[id] {
			t.Errorf("finding %s never becomes final", id)
		}
	}
	return all
}

// TestSniff_replay sends samples over a wire. The live findings are those of the kept
// frames, of the evidence, and of the sample.
func TestSniff_replay(t *testing.T) {
	for _, sample := range []string{
		"hung-reader.pcapng", "post-fin-ack-rst.pcapng", "zero-window-probe-loop.not-brief.pcapng",
		"real/fin-lost-and-peer-talks-on.pcap", "real/one-side-closing.pcap", "real/reader-restarted.pcap", "real/reader-vanishes.pcap",
		"real/redundant-ack-draws-rst.pcap", "real/simultaneous-open-with-lost-syn-acks.pcap",
	} {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			w.inTime(filepath.Join("../../samples", sample), func(file, kept string) {
				proofs := filepath.Join(t.TempDir(), "made", "proofs")
				s := w.sniff("-i", "near", "--format", "ndjson", "-w", kept, "--evidence", proofs, "--fail-on", "never")
				w.replay(file)
				s.stop(0)
				want := fromFile(t, kept)
				if got := fromLines(t, s.output()); !maps.Equal(got, want) {
					t.Errorf("live reports\n%v\nthe kept file\n%v", got, want)
				}
				for id, f := range want {
					if proof := fromFile(t, filepath.Join(proofs, f.detector+"-"+id+".pcapng")); proof[id] != f {
						t.Errorf("the evidence gives %v, want %v", proof[id], f)
					}
				}
				for _, l := range lines(t, s.output()) {
					for _, e := range l.Evidence {
						if e.File != kept || e.Frame < 1 {
							t.Errorf("the evidence is frame %d of %q, want one of %q", e.Frame, e.File, kept)
						}
					}
				}
			})
		})
	}
}

// TestSniff_realFault: a hanging reader with real sockets is reported while it hangs.
func TestSniff_realFault(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	s := w.sniff("-i", "lo", "tcp")
	l := w.listen()
	c := w.dial(l.Addr().String())
	defer c.Close()
	hung, err := l.Accept()
	w.must(err)
	c.SetWriteDeadline(time.Now().Add(time.Second))
	for err == nil {
		_, err = c.Write(make([]byte, 1<<20))
	}
	s.await(s.output, "zero-window-probe-loop/stalled  server "+l.Addr().String())
	s.must(s.cmd.Process.Signal(syscall.SIGUSR1))
	s.await(s.errors, "Active connections")
	s.await(s.errors, "ESTABLISHED")
	hung.Close()
	s.await(s.output, "zero-window-probe-loop/aborted")
	s.stop(1)
}

// TestSniff_privileges checks every thread of the process.
func TestSniff_privileges(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	s := w.sniff("-i", "near", "--metrics", ":0")
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.cmd.Process.Pid))
	if err != nil || len(tasks) < 2 {
		t.Fatalf("threads: %v %v", tasks, err)
	}
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if err != nil {
			continue // it has just ended
		}
		for _, want := range []string{"CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
			if !bytes.Contains(status, []byte(want)) {
				t.Errorf("%s lacks %q", task, want)
			}
		}
	}
	s.await(s.errors, "all capabilities are dropped\n")
	s.await(s.errors, "Landlock (ABI")
	s.stop(0)
}

// TestSniff_interfaceComesBack: the interface disappears, and another one with its
// name appears. The socket is bound to it, without the privileges that opened it.
func TestSniff_interfaceComesBack(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.inTime("../../samples/post-fin-ack-rst.pcapng", func(file, kept string) {
		s := w.sniff("-i", "near", "--format", "ndjson", "-w", kept, "--fail-on", "never", "tcp")
		w.unplug()
		s.await(s.errors, "near has disappeared")
		w.plug()
		s.await(s.errors, "near is back")
		w.replay(file)
		s.stop(0)
		if got, want := fromLines(t, s.output()), fromFile(t, kept); !maps.Equal(got, want) {
			t.Errorf("after it came back live reports\n%v\nthe kept file\n%v", got, want)
		}
	})
}

// TestSniff_rotates keeps a bounded number of files, named as tcpdump names them.
func TestSniff_rotates(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	dir := t.TempDir()
	s := w.sniff("-i", "near", "-w", filepath.Join(dir, "k"), "-C", "1", "-W", "3")
	frame := append(etherHeader(0x0800), make([]byte, 8000)...)
	for range 550 { // 4.4 MB
		w.send(frame)
	}
	names := func() string {
		names, _ := filepath.Glob(filepath.Join(dir, "*"))
		for i := range names {
			names[i] = filepath.Base(names[i])
		}
		return strings.Join(names, " ")
	}
	s.await(names, "k0 k1 k2")
	s.stop(0)
	if got, want := names(), "k0 k1 k2"; got != want {
		t.Errorf("the files are %s, want %s", got, want)
	}
}

// TestSniff_refused: an error is a line that says what to do, not a stack trace.
func TestSniff_refused(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	for _, c := range []struct{ iface, filter, want string }{
		{"nowhere", "tcp", "there is no such interface"},
		{"a-name-that-is-far-too-long", "tcp", "not a valid name of an interface"},
		{"near", "tcp port nonsense", "column 10"},
	} {
		s := &sniffing{wire: w, cmd: w.command("-i", c.iface, c.filter)}
		var out []byte
		w.inside(func() { out, _ = s.cmd.CombinedOutput() })
		if s.cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), c.want) || strings.Count(string(out), "\n") > 2 {
			t.Errorf("-i %s %q ends with %d and says %s", c.iface, c.filter, s.cmd.ProcessState.ExitCode(), out)
		}
	}
}

// TestSniff_noPermission: the two lines that a user needs.
func TestSniff_noPermission(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	cmd := w.command("-i", "near")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var out []byte
	w.inside(func() { out, _ = cmd.CombinedOutput() })
	if s := string(out); cmd.ProcessState.ExitCode() != 2 || strings.Count(s, "\n") != 2 || !strings.Contains(s, "CAP_NET_RAW") || !strings.Contains(s, "sudo setcap cap_net_raw+ep /") {
		t.Errorf("without permission it ends with %d and says\n%s", cmd.ProcessState.ExitCode(), s)
	}
}
