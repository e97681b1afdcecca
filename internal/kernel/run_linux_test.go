package kernel

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A testRun is one connection between two hosts, and what happens to it.
type testRun struct {
	*testing.T
	client, server *host
	tap            *tap // at the client's interface
	truth          truth
	slow           []finding // also right
}

// A testCase describes a testRun.
type testCase struct {
	name string
	run  func(*testRun)
	set  []setting // thresholds
	find []finding // what tcptrace must find, and nothing else
	slow []finding // what it may find, too or instead, if the machine was slow
}

// The connection's ports.
const (
	clientPort = 40000
	serverPort = 5000
	otherPort  = 40001 // of a second client
)

// connect opens the connection, which is recorded from the start.
func (s *testRun) connect() (client, server *socket) {
	s.Helper()
	s.record()
	return s.establish()
}

// record begins the recording.
func (s *testRun) record() { s.tap = s.client.tap() }

// establish opens the connection and makes both sides send once.
func (s *testRun) establish() (client, server *socket) {
	s.Helper()
	listener := s.server.socket(serverPort).listen(1)
	client = s.client.socket(clientPort).dial(serverPort)
	server = listener.accept()
	listener.close()
	client.send(100)
	server.receive(100)
	server.send(300)
	client.receive(300)
	return client, server
}

// await waits until the kernels have the connection in the given states (CLOSED: no
// socket), and notes the moment.
func (s *testRun) await(client, server fsm.State) *observed {
	s.Helper()
	want := [2]string{client.String(), server.String()}
	var got [2]string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		m := s.look()
		got = [2]string{s.entryOf(s.client, m).State, s.entryOf(s.server, m).State}
		if got == want && slices.Equal(s.look().Sockets, m.Sockets) { // not between two states
			s.truth.Moments = append(s.truth.Moments, m)
			return &observed{s, m}
		}
	}
	s.Fatalf("the kernels did not come to %v in %v, they are at %v", want, patience, got)
	return nil
}

// look asks both kernels for their sockets now.
func (s *testRun) look() *moment {
	s.Helper()
	m := &moment{Sockets: append(s.client.sockets(), s.server.sockets()...)}
	m.At = time.Now().UTC()
	s.entryOf(s.client, m)
	s.entryOf(s.server, m)
	return m
}

// entryOf is the host's socket of the connection.
func (s *testRun) entryOf(h *host, m *moment) *entry {
	if h == s.client {
		return m.entry(h.endpoint(clientPort), h.peer.endpoint(serverPort))
	}
	return m.entry(h.endpoint(serverPort), h.peer.endpoint(clientPort))
}

// observed is a moment, for further remarks.
type observed struct {
	s *testRun
	m *moment
}

// atMost says that the wire shows a host in a later state than its kernel, because
// an acknowledgment was captured that did not arrive. If tcptrace has that state, it
// must be a bound.
func (a *observed) atMost(h *host, state fsm.State, why string) *observed {
	a.s.entryOf(h, a.m).Wire = &claim{state.String(), true, why}
	return a
}

// looksLike says that the wire shows a host in another state than its kernel.
func (a *observed) looksLike(h *host, state fsm.State, why string) *observed {
	a.s.entryOf(h, a.m).Wire = &claim{state.String(), false, why}
	return a
}

// keepRecording waits in real time. Datagrams show that the tap still records.
func (s *testRun) keepRecording(d time.Duration) {
	s.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		s.client.sendDatagram()
	}
	s.client.sendDatagram()
}

// recordOverdue goes on until an answer to what the host sent last would be overdue. The recording
// ends with that: the next timer may expire before a busy machine has ended the case.
func (s *testRun) recordOverdue(h *host) {
	s.Helper()
	const overdue = 1200 * time.Millisecond // a second at least (RFC 6298 2.4)
	for {
		last := s.tap.last(h).At
		if s.keepRecording(overdue); s.tap.last(h).At == last {
			s.tap.ended = true
			return
		}
	}
}

// repeatsACK makes a host send a pure ACK for everything that its peer has sent,
// which its socket would not send.
func (s *testRun) repeatsACK(h *host) {
	s.Helper()
	s.forges(h, reassembly.ACK, 0, 0, 0)
}

// forges makes a host send a segment that is not its socket's. Its sequence number
// is ahead bytes after what was sent, and it acknowledges more bytes than were
// received. It has that TTL, or that of the host if ttl is 0.
func (s *testRun) forges(h *host, flags reassembly.Flags, ahead, more, ttl int) {
	s.Helper()
	own, peer := s.tap.last(h), s.tap.last(h.peer)
	seq, ack := own.End()+reassembly.Seq(ahead), reassembly.Seq(0)
	if flags.Has(reassembly.ACK) {
		ack = peer.End() + reassembly.Seq(more)
	}
	h.sendRaw(unix.SOCK_RAW, unix.IPPROTO_TCP, 0, ttl, rawHeader(own.Src, own.Dst, flags, seq, ack, own.Window))
}
