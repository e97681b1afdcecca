package kernel

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A story is one connection between two hosts and what befalls it.
type story struct {
	*testing.T
	client, server *host
	tap            *tap // at the client's interface
	truth          truth
}

// A tale is a story before it is played.
type tale struct {
	name string
	play func(*story)
	set  []setting // thresholds for what it brings about
	find []finding // what tcptrace must say of it, and nothing else
}

// The connection's ports.
const (
	clientPort = 40000
	serverPort = 5000
	otherPort  = 40001 // of a second client
)

// connect opens the connection, tapped from the start.
func (s *story) connect() (client, server *socket) {
	s.Helper()
	s.record()
	return s.establish()
}

// record begins the recording.
func (s *story) record() { s.tap = s.client.tap() }

// establish opens the connection and has both sides speak once.
func (s *story) establish() (client, server *socket) {
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

// ask waits until the kernels have the connection in the given states (CLOSED:
// no socket), and notes the moment for the judge.
func (s *story) ask(client, server fsm.State) *asked {
	s.Helper()
	want := [2]string{client.String(), server.String()}
	var got [2]string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		m := s.look()
		got = [2]string{s.seatOf(s.client, m).State, s.seatOf(s.server, m).State}
		if got == want && slices.Equal(s.look().Sockets, m.Sockets) { // not between two states
			s.truth.Moments = append(s.truth.Moments, m)
			return &asked{s, m}
		}
	}
	s.Fatalf("the kernels did not come to %v in %v, they are at %v", want, patience, got)
	return nil
}

// look asks both kernels for their sockets now.
func (s *story) look() *moment {
	s.Helper()
	m := &moment{Sockets: append(s.client.sockets(), s.server.sockets()...)}
	m.At = time.Now().UTC()
	s.seatOf(s.client, m)
	s.seatOf(s.server, m)
	return m
}

// seatOf is the seat of the connection's end at the host.
func (s *story) seatOf(h *host, m *moment) *seat {
	if h == s.client {
		return m.seat(h.endpoint(clientPort), h.peer.endpoint(serverPort))
	}
	return m.seat(h.endpoint(serverPort), h.peer.endpoint(clientPort))
}

// asked is a moment of which there is more to say.
type asked struct {
	s *story
	m *moment
}

// atMost says that the wire shows a host further than its kernel is, because an
// acknowledgment was seen that did not arrive. If tcptrace says so, it must call
// it a bound.
func (a *asked) atMost(h *host, state fsm.State, why string) *asked {
	a.s.seatOf(h, a.m).Wire = &claim{state.String(), true, why}
	return a
}

// seems says that the wire shows a host in another state than its kernel.
func (a *asked) seems(h *host, state fsm.State, why string) *asked {
	a.s.seatOf(h, a.m).Wire = &claim{state.String(), false, why}
	return a
}

// traceGoesOn lets real time pass; a datagram now and then shows that the tap
// still records.
func (s *story) traceGoesOn(d time.Duration) {
	s.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		s.client.sayHello()
	}
	s.client.sayHello()
}

// repeatsACK makes a host send what its socket would not: a pure ACK for all
// that its peer has sent.
func (s *story) repeatsACK(h *host) {
	s.Helper()
	s.forges(h, reassembly.ACK, 0, 0)
}

// forges makes a host send a segment without its socket's knowledge: so far
// behind what it has sent, and acknowledging so much more than it has got.
func (s *story) forges(h *host, flags reassembly.Flags, behind, more int) {
	s.Helper()
	own, peer := s.tap.last(h), s.tap.last(h.peer)
	seq, ack := own.End()+reassembly.Seq(behind), reassembly.Seq(0)
	if flags.Has(reassembly.ACK) {
		ack = peer.End() + reassembly.Seq(more)
	}
	h.sendRaw(unix.SOCK_RAW, unix.IPPROTO_TCP, 0, rawHeader(own.Src, own.Dst, flags, seq, ack))
}
