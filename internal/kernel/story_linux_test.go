package kernel

import (
	"fmt"
	"net/netip"
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
	moments        []*moment
}

// The connection's ports.
const (
	clientPort = 40000
	serverPort = 5000
	otherPort  = 40001 // of a second client
)

// A tale is a story before it is played.
type tale struct {
	name string
	play func(*story)
	find []finding // what tcptrace must say of it, and nothing else
}

// A finding is what tcptrace says went wrong, and whose fault it says it was.
type finding struct {
	detector, outcome string
	culprit           netip.Addr
}

// A moment is a time at which both kernels were asked.
type moment struct {
	at     int64 // nanoseconds since 1970
	kernel table // of both hosts
	wire   map[pair]claim
}

// A claim is what the wire shows of a socket where the kernel knows better.
type claim struct {
	state   fsm.State
	bounded bool
	why     string
}

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

func (s *story) pair(h *host) pair {
	if h == s.client {
		return pair{h.endpoint(clientPort), h.peer.endpoint(serverPort)}
	}
	return pair{h.endpoint(serverPort), h.peer.endpoint(clientPort)}
}

// ask waits until the kernels have the connection in the given states (CLOSED:
// no socket), and notes the moment for the judge.
func (s *story) ask(client, server fsm.State) *asked {
	s.Helper()
	want := [2]fsm.State{client, server}
	var got [2]fsm.State
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		m := s.look()
		got = [2]fsm.State{m.kernel[s.pair(s.client)], m.kernel[s.pair(s.server)]}
		if got == want && sameTable(m.kernel, s.look().kernel) { // not between two states
			s.moments = append(s.moments, m)
			return &asked{s, m}
		}
	}
	s.Fatalf("the kernels did not come to %v in %v, they are at %v", want, patience, got)
	return nil
}

// look asks both kernels for their sockets now.
func (s *story) look() *moment {
	s.Helper()
	m := &moment{kernel: s.client.sockets(), wire: map[pair]claim{}}
	for p, state := range s.server.sockets() {
		m.kernel[p] = state
	}
	m.at = time.Now().UnixNano()
	return m
}

// asked is a moment of which there is more to say.
type asked struct {
	s *story
	m *moment
}

// atMost says that the wire shows a host further than its kernel is, because an
// acknowledgment was seen that did not arrive. tcptrace must call it a bound.
func (a *asked) atMost(h *host, state fsm.State, why string) *asked {
	a.m.wire[a.s.pair(h)] = claim{state, true, why}
	return a
}

// seems says that the wire shows a host in another state than its kernel.
func (a *asked) seems(h *host, state fsm.State, why string) *asked {
	a.m.wire[a.s.pair(h)] = claim{state, false, why}
	return a
}

// traceGoesOn lets real time pass; a datagram now and then shows that the tap
// still records.
func (s *story) traceGoesOn(d time.Duration) {
	s.Helper()
	var fd int
	var err error
	s.client.inside(func() { fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0) })
	must(s.T, err)
	defer unix.Close(fd)
	const discard = 9 // RFC 863
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		must(s.T, unix.Sendto(fd, []byte("still here"), 0, &unix.SockaddrInet4{Port: discard, Addr: s.server.addr.As4()}))
	}
}

// repeatsACK makes a host send what its socket would not: a pure ACK for all
// that its peer has sent.
func (s *story) repeatsACK(h *host) {
	s.Helper()
	own, peer := s.tap.last(h), s.tap.last(h.peer)
	var fd int
	var err error
	h.inside(func() { fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP) })
	must(s.T, err)
	defer unix.Close(fd)
	ack := rawACK(own.Src, own.Dst, own.Seq+reassembly.Seq(own.SeqLen()), peer.Seq+reassembly.Seq(peer.SeqLen()))
	must(s.T, unix.Sendto(fd, ack, 0, &unix.SockaddrInet4{Addr: h.peer.addr.As4()}))
}

func sameTable(a, b table) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
