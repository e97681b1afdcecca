package kernel

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A tracer knows what the kernel says about itself: for which reason it sent a RST, what it
// sent again, and why it dropped a packet. It reads tracepoints in an instance of tracefs
// of its own, so that nobody else's tracing is disturbed. They are those of all network
// namespaces: tests tell connections apart by their ports.
type tracer struct {
	dir    string
	offset int64 // of the clock of the trace to that of the wall, nanoseconds

	mu     sync.Mutex
	tuples map[fourTuple][]kernelEvent
	drops  []kernelEvent // which have no addresses
	marks  map[string]bool
	reads  chan struct{} // closed when everything was read
	marked int
	gaps   int // where the kernel dropped events
}

// A fourTuple is a direction of a connection.
type fourTuple struct{ src, dst netip.AddrPort }

// A kernelEvent is a hit of a tracepoint.
type kernelEvent struct {
	at     int64  // nanoseconds since 1970
	name   string // of the tracepoint
	reason string // of a RST or a drop
	state  string // of the socket, TCP_ESTABLISHED; empty without one
}

// The tracepoints. Their formats are in events/*/*/format; reasons for RSTs came with
// Linux 6.10, and are one of enum sk_rst_reason.
var (
	tracepoints = []string{"tcp/tcp_send_reset", "tcp/tcp_retransmit_skb", "tcp/tcp_retransmit_synack", "skb/kfree_skb"}

	eventLine   = regexp.MustCompile(`\] \S+ +(\d+)\.(\d+): (\w+): (.*)$`)
	resetLine   = regexp.MustCompile(`src=(\S+) dest=(\S+) state=(\S+) reason=(\S+)`)
	resentLine  = regexp.MustCompile(`sport=(\d+) dport=(\d+) saddr=(\S+) daddr=(\S+) .*?(?:state=(\S+)(?: err=(-?\d+))?)?$`)
	droppedLine = regexp.MustCompile(`location=(\S+) reason: (\S+)`)
)

// newTracer starts to read, or says why it cannot.
func newTracer(t *testing.T) (*tracer, error) {
	t.Helper()
	root := "/sys/kernel/tracing"
	if _, err := os.Stat(filepath.Join(root, "instances")); err != nil {
		root = t.TempDir()
		if err := unix.Mount("none", root, "tracefs", 0, ""); err != nil {
			return nil, fmt.Errorf("this system has no tracefs: %w", err)
		}
		t.Cleanup(func() { unix.Unmount(root, unix.MNT_DETACH) })
	}
	format, err := os.ReadFile(filepath.Join(root, "events/tcp/tcp_send_reset/format"))
	if err != nil || !strings.Contains(string(format), "reason") {
		return nil, errors.New("this kernel does not say why it sends a RST (Linux 6.10 does)")
	}
	k := &tracer{dir: filepath.Join(root, "instances", fmt.Sprintf("tcptrace-test-%d", os.Getpid())), tuples: map[fourTuple][]kernelEvent{}, marks: map[string]bool{}, reads: make(chan struct{})}
	if err := os.Mkdir(k.dir, 0o755); err != nil {
		return nil, err
	}
	pipe, err := os.Open(filepath.Join(k.dir, "trace_pipe"))
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		for _, e := range tracepoints {
			k.set("events/"+e+"/enable", "0")
		}
		k.mark("end") // which ends the reading
		<-k.reads
		pipe.Close()
		if err := os.Remove(k.dir); err != nil {
			t.Errorf("the instance of tracefs stays: %v", err)
		}
	})
	k.set("trace_clock", "mono")
	k.set("buffer_size_kb", "8192")
	var mono unix.Timespec
	must(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono))
	k.offset = time.Now().UnixNano() - mono.Nano()
	k.set("events/skb/kfree_skb/filter", "protocol == 0x0800 && reason > 2") // NOT_SPECIFIED is 2
	for _, e := range tracepoints {
		if err := k.set("events/"+e+"/enable", "1"); err != nil {
			return nil, fmt.Errorf("this kernel lacks the tracepoint %s: %w", e, err)
		}
	}
	go k.read(pipe)
	return k, nil
}

func (k *tracer) set(name, value string) error {
	return os.WriteFile(filepath.Join(k.dir, name), []byte(value), 0)
}

func (k *tracer) mark(text string) { _ = k.set("trace_marker", "mark "+text) }

func (k *tracer) read(pipe *os.File) {
	defer close(k.reads)
	for s := bufio.NewScanner(pipe); s.Scan(); {
		if strings.Contains(s.Text(), "[LOST ") {
			k.mu.Lock()
			k.gaps++
			k.mu.Unlock()
		}
		m := eventLine.FindStringSubmatch(s.Text())
		if m == nil {
			continue
		}
		if mark, is := strings.CutPrefix(m[4], "mark "); is {
			if mark = strings.TrimSpace(mark); mark == "end" {
				return
			}
			k.mu.Lock()
			k.marks[mark] = true
			k.mu.Unlock()
			continue
		}
		seconds, _ := strconv.ParseInt(m[1], 10, 64)
		micros, _ := strconv.ParseInt(m[2], 10, 64)
		k.event(seconds*1e9+micros*1e3+k.offset, m[3], m[4])
	}
}

func (k *tracer) event(at int64, name, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := kernelEvent{at: at, name: name}
	add := func(src, dst string) {
		if from, err := netip.ParseAddrPort(src); err == nil {
			if to, err := netip.ParseAddrPort(dst); err == nil {
				t := fourTuple{from, to}
				k.tuples[t] = append(k.tuples[t], e)
			}
		}
	}
	switch name {
	case "tcp_send_reset":
		if m := resetLine.FindStringSubmatch(text); m != nil {
			e.state, e.reason = m[3], m[4]
			add(m[1], m[2])
		}
	case "tcp_retransmit_skb", "tcp_retransmit_synack":
		if m := resentLine.FindStringSubmatch(text); m != nil && (m[6] == "" || m[6] == "0") { // with an error, nothing was sent
			e.state = m[5]
			add(m[3]+":"+m[1], m[4]+":"+m[2])
		}
	case "kfree_skb":
		if m := droppedLine.FindStringSubmatch(text); m != nil {
			e.reason = m[2]
			k.drops = append(k.drops, e)
		}
	}
}

// upToNow waits until all events so far were read: the kernel passes on a mark that was made
// after them.
func (k *tracer) upToNow() bool {
	k.mu.Lock()
	k.marked++
	mark := strconv.Itoa(k.marked)
	k.mu.Unlock()
	k.mark(mark)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		k.mu.Lock()
		came := k.marks[mark]
		k.mu.Unlock()
		if came {
			return true
		}
	}
	return false
}

// of are the events of one direction of a connection.
func (k *tracer) of(src, dst netip.AddrPort) []kernelEvent {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]kernelEvent(nil), k.tuples[fourTuple{src, dst}]...)
}

// lost reports whether events are missing.
func (k *tracer) lost() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.gaps > 0
}
