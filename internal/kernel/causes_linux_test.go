package kernel

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// causesOfResets are ways to get a RST, with the kernel's reason and the outcome of reset-cause.
// Each has a port of its own.
var causesOfResets = []struct {
	name    string
	run     func(client, server *host, port uint16)
	reason  string
	outcome string
}{
	{"nobody listens", func(client, server *host, port uint16) { client.socket(port).dial(port) }, "NO_SOCKET", "refused"},
	{"closed with unread data", func(client, server *host, port uint16) {
		c, s := connected(client, server, port)
		c.send(100)
		s.wait(pollIn)
		s.close()
	}, "TCP_ABORT_ON_CLOSE", "unread-data"},
	{"aborted", func(client, server *host, port uint16) {
		_, s := connected(client, server, port)
		s.abort()
	}, "TCP_STATE", "aborted"},
	{"data after close", func(client, server *host, port uint16) {
		c, s := connected(client, server, port)
		s.close()
		c.wait(pollIn) // its FIN
		c.send(100)
	}, "TCP_ABORT_ON_DATA", "data-after-close"},
	{"closed, without patience for the peer's FIN", func(client, server *host, port uint16) {
		_, s := connected(client, server, port)
		s.set(unix.IPPROTO_TCP, unix.TCP_LINGER2, -1)
		s.finish()
		server.awaitState(port, client.endpoint(port), "FIN_WAIT_2")
		s.close()
	}, "TCP_ABORT_ON_LINGER", "aborted"},
	{"unanswered keep-alives", func(client, server *host, port uint16) {
		_, s := connected(client, server, port)
		away := server.loses(arriving, anything)
		keepAlive(s)
		s.wait(pollIn) // its error
		away.repair()
	}, "TCP_KEEPALIVE_TIMEOUT", "aborted"},
}

const pollIn = 1 // POLLIN

// connected is a connection that both sides know.
func connected(client, server *host, port uint16) (c, s *socket) {
	l := server.socket(port).listen(1)
	c = client.socket(port).dial(port)
	s = l.accept()
	l.close()
	c.send(10)
	s.receive(10)
	s.send(10)
	c.receive(10)
	return c, s
}

// TestReasons holds causes of RSTs and retransmissions against the kernel's own reasons for
// what it sent and dropped: its tracepoints, and its counters.
func TestReasons(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root may create network namespaces, record frames and trace the kernel")
	}
	k, err := newTracer(t)
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	client, server := newHosts(t)
	tap := client.tap()
	port := uint16(43_000) // no other test has this one and the next
	var ports []uint16     // of each cause
	for n := 0; len(ports) < len(causesOfResets); port++ {
		c, untold := causesOfResets[len(ports)], k.untold()
		c.run(client, server, port)
		n++
		tap.await(n, sentBy(server).with(anyRST))
		if k.saidReset(t, c.name, server.endpoint(port), client.endpoint(port), untold) {
			ports = append(ports, port)
		}
	}

	// A segment is lost twice, and a FIN by a firewall that drops it.
	c, s := connected(client, server, port)
	server.losesFirst(2, arriving, anything)
	c.send(100)
	s.receive(100)
	before := time.Now().UnixNano()
	firewall := server.loses(arriving, anyFIN)
	c.finish()
	k.await(t, "lost FIN", client.endpoint(port), server.endpoint(port), tracepoints.Retransmitted, 3)
	firewall.repair()
	s.wait(pollIn)
	client.awaitState(port, server.endpoint(port), "FIN_WAIT_2") // nothing is sent again any more
	isFIN := func(e tracepoints.Event) bool {
		return e.At >= before && e.Reason == "NETFILTER_DROP" && reassembly.Flags(e.Flags).Has(reassembly.FIN)
	}
	if !slices.ContainsFunc(ofKind(k.of(client.endpoint(port), server.endpoint(port)), tracepoints.Dropped), isFIN) {
		t.Errorf("the kernel does not say that netfilter dropped the FIN")
	}
	events := len(ofKind(k.of(client.endpoint(port), server.endpoint(port)), tracepoints.Retransmitted))
	ofPort := func(seg *reassembly.Segment) bool { return sentBy(client).with(anyFIN)(seg) && seg.Src.Port == port }
	segments := client.counters()["RetransSegs"]
	tap.await(segments-1, ofPort) // two of them are of data

	file := filepath.Join(keepIn(t), "reasons.pcap")
	tap.write(file)
	rep, err := tcptrace.Analyze(context.Background(), tcptrace.Options{Workers: 1, AllFlows: true}, file)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range causesOfResets {
		var outcomes, reasons []string
		for _, f := range rep.Findings {
			if f.Detector == "reset-cause" && f.Flow.End[reassembly.A].Port == ports[i] {
				outcomes = append(outcomes, f.Outcome)
			}
		}
		for _, e := range ofKind(k.of(server.endpoint(ports[i]), client.endpoint(ports[i])), tracepoints.SentReset) {
			reasons = append(reasons, e.Reason)
		}
		if !slices.Equal(outcomes, []string{c.outcome}) || !slices.Equal(reasons, []string{c.reason}) {
			t.Errorf("%s: the kernel says %q, want %q; tcptrace says %q, want %q", c.name, reasons, c.reason, outcomes, c.outcome)
		}
		if !slices.Contains(reasonsFor[c.reason], c.outcome) {
			t.Errorf("%s: random cases would not accept %s for %s", c.name, c.outcome, c.reason)
		}
	}
	counted := 0
	for i := range rep.Flows {
		for side := range reassembly.Side(2) {
			if rep.Flows[i].End[side].AddrPort() == client.endpoint(port) {
				counted += int(rep.Flows[i].Rexmits[side])
			}
		}
	}
	if counted != segments || events > segments {
		t.Errorf("tcptrace counts %d retransmissions, the kernel %d events and %d segments", counted, events, segments)
	}
	if events < segments { // rare, on a busy machine: the counter has no such gaps
		t.Logf("of the kernel's %d retransmissions, its tracepoint named %d; %d events were lost, %d passed over", segments, events, k.reader.Lost(), k.reader.Missed())
	}
}

// awaitState waits until the host's socket is in a state.
func (h *host) awaitState(port uint16, foreign netip.AddrPort, state string) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if slices.ContainsFunc(h.sockets(), func(e entry) bool { return e.Local.Port() == port && e.Foreign == foreign && e.State == state }) {
			return
		}
	}
	h.t.Fatalf("%s: the socket did not come to %s within %v", h.name, state, patience)
}

// await waits until the kernel has said something n times.
func (k *tracer) await(t *testing.T, what string, src, dst netip.AddrPort, kind tracepoints.Kind, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if len(ofKind(k.of(src, dst), kind)) >= n {
			return
		}
	}
	t.Fatalf("%s: the kernel did not say it %d times within %v: %v", what, n, patience, k.of(src, dst))
}

// saidReset waits until the kernel has said why it sent a RST. It is false if more than so many events
// are not known by now, of which this may be one: the kernel runs no program for a
// timer that expires while another tracepoint's program runs on that processor, and connections of others may fill the room for events.
func (k *tracer) saidReset(t *testing.T, what string, src, dst netip.AddrPort, untold uint64) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		more := k.untold() > untold
		if len(ofKind(k.of(src, dst), tracepoints.SentReset)) > 0 {
			return true
		}
		if more { // a kernel reports before what it reports can be captured
			return false
		}
	}
	t.Fatalf("%s: the kernel did not say within %v why it sent a RST: %v", what, patience, k.of(src, dst))
	return false
}

// counters are the host's own counters of TCP: Tcp of RFC 4022, and TcpExt.
func (h *host) counters() map[string]int {
	h.t.Helper()
	all := map[string]int{}
	h.inside(func() {
		for _, file := range []string{"snmp", "netstat"} {
			text, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				h.t.Errorf("%s: %v", h.name, err)
			}
			var names []string // a line with names, and one with numbers
			for line := range strings.Lines(string(text)) {
				words := strings.Fields(line)
				switch {
				case len(words) == 0 || words[0] != "Tcp:" && words[0] != "TcpExt:":
				case names == nil:
					names = words
				default:
					for i := 1; i < min(len(names), len(words)); i++ {
						all[names[i]], _ = strconv.Atoi(words[i])
					}
					names = nil
				}
			}
		}
	})
	return all
}
