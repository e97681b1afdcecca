package kernel

import (
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a case waits for an event.
const patience = time.Minute

// A socket is one TCP socket of a host. Its calls do not block for longer than
// patience.
type socket struct {
	h    *host
	fd   int
	open bool
}

// socket opens a TCP socket on the given local port.
func (h *host) socket(port uint16) *socket {
	h.t.Helper()
	s := &socket{h: h, open: true}
	var err error
	h.inside(func() {
		s.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	})
	must(h.t, err)
	h.t.Cleanup(s.close)
	s.set(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	must(h.t, unix.Bind(s.fd, &unix.SockaddrInet4{Port: int(port), Addr: h.addr.As4()}))
	return s
}

// set changes a socket option.
func (s *socket) set(level, option, value int) {
	s.h.t.Helper()
	must(s.h.t, unix.SetsockoptInt(s.fd, level, option, value))
}

// listen listens with room for backlog+1 connections.
func (s *socket) listen(backlog int) *socket {
	s.h.t.Helper()
	must(s.h.t, unix.Listen(s.fd, backlog))
	return s
}

// dial sends a SYN to the peer's port and does not wait for the answer.
func (s *socket) dial(port uint16) *socket {
	s.h.t.Helper()
	if err := unix.Connect(s.fd, &unix.SockaddrInet4{Port: int(port), Addr: s.h.peer.addr.As4()}); err != unix.EINPROGRESS {
		must(s.h.t, err)
	}
	return s
}

// accept waits for a connection.
func (s *socket) accept() *socket {
	s.h.t.Helper()
	s.wait(unix.POLLIN)
	fd, _, err := unix.Accept4(s.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	must(s.h.t, err)
	a := &socket{h: s.h, fd: fd, open: true}
	s.h.t.Cleanup(a.close)
	return a
}

// send sends n bytes.
func (s *socket) send(n int) {
	s.h.t.Helper()
	for n > 0 {
		s.wait(unix.POLLOUT)
		sent, err := unix.Write(s.fd, make([]byte, n))
		must(s.h.t, err)
		n -= sent
	}
}

// receive reads n bytes.
func (s *socket) receive(n int) {
	s.h.t.Helper()
	for n > 0 {
		n -= s.receiveSome(n)
	}
}

// receiveSome reads what there is, n bytes at most.
func (s *socket) receiveSome(n int) int {
	s.h.t.Helper()
	s.wait(unix.POLLIN)
	got, err := unix.Read(s.fd, make([]byte, n))
	must(s.h.t, err)
	if got == 0 {
		s.h.t.Fatalf("%s: end of stream, %d bytes early", s.h.name, n)
	}
	return got
}

// wait waits until the socket is readable or writable. A socket with an error is
// both, and the next call on it returns the error.
func (s *socket) wait(events int16) {
	s.h.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: events}}, 1000)
		if n > 0 {
			return
		}
		if err != nil && err != unix.EINTR {
			must(s.h.t, err)
		}
	}
	s.h.t.Fatalf("%s: the socket was not ready within %v", s.h.name, patience)
}

// finish sends FIN and continues to receive.
func (s *socket) finish() {
	s.h.t.Helper()
	must(s.h.t, unix.Shutdown(s.fd, unix.SHUT_WR))
}

// close closes the socket, as the end of a process does: FIN, or RST if there is
// unread data (RFC 2525 2.17).
func (s *socket) close() {
	if s.open {
		s.open = false
		unix.Close(s.fd)
	}
}

// abort closes with RST.
func (s *socket) abort() {
	s.h.t.Helper()
	must(s.h.t, unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 0}))
	s.close()
}

// sendDatagram sends a datagram that is ignored.
func (h *host) sendDatagram() {
	h.t.Helper()
	const discard = 9 // RFC 863
	h.sendRaw(unix.SOCK_DGRAM, 0, discard, 0, []byte("hello"))
}

// sendRaw sends one packet to the peer without a connection, with that TTL if it is not 0.
func (h *host) sendRaw(kind, protocol, port, ttl int, packet []byte) {
	h.t.Helper()
	var fd int
	var err error
	h.inside(func() { fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, protocol) })
	must(h.t, err)
	defer unix.Close(fd)
	if ttl != 0 {
		must(h.t, unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, ttl))
	}
	must(h.t, unix.Sendto(fd, packet, 0, &unix.SockaddrInet4{Port: port, Addr: h.peer.addr.As4()}))
}
