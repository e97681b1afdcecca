package kernel

import (
	"time"

	"golang.org/x/sys/unix"
)

// What an application does in a random case. Calls may fail; the case continues.

// An app is the application of one side.
type app struct {
	h            *host
	port         uint16
	fd, listener int // -1 = none
	room         int // SO_RCVBUF; 0 = as usual
	nodelay      bool
}

func newApp(h *host) *app { return &app{h: h, fd: -1, listener: -1} }

// open opens a socket on the application's port. It returns -1 if that fails.
func (s *app) open() int {
	fd := -1
	s.h.inside(func() {
		var err error
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
			fd = -1
		}
	})
	if fd < 0 {
		return -1
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if s.room > 0 {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, s.room)
	}
	if s.nodelay {
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if unix.Bind(fd, &unix.SockaddrInet4{Port: int(s.port), Addr: s.h.addr.As4()}) != nil {
		unix.Close(fd)
		return -1
	}
	return fd
}

func (p *randomCase) listen(s *app) int {
	fd := s.open()
	if fd >= 0 {
		backlog := pick(p, 0, 5, 5)
		if p.chance(5) {
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 3)
			p.did(1, "defer accept", "")
		}
		err := unix.Listen(fd, backlog)
		p.did(1, "listen", "%d %v", backlog, err)
	}
	return fd
}

func (p *randomCase) dial(side int) {
	s := p.sides[side]
	if s.fd >= 0 {
		return
	}
	if s.fd = s.open(); s.fd < 0 {
		p.did(side, "bind failed", "")
		return
	}
	err := unix.Connect(s.fd, &unix.SockaddrInet4{Port: int(p.sides[1-side].port), Addr: s.h.peer.addr.As4()})
	p.did(side, "connect", "%v", err)
	if err != nil && err != unix.EINPROGRESS {
		unix.Close(s.fd)
		s.fd = -1
	}
}

// accept accepts a connection, if there is one within the given time.
func (p *randomCase) accept(side int, within time.Duration) {
	s := p.sides[side]
	if s.listener < 0 || s.fd >= 0 {
		return
	}
	unix.Poll([]unix.PollFd{{Fd: int32(s.listener), Events: unix.POLLIN}}, int(within.Milliseconds()))
	fd, _, err := unix.Accept4(s.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err == nil {
		s.fd = fd
		p.did(side, "accept", "")
	}
}

func (p *randomCase) send(side, n int) {
	if fd := p.sides[side].fd; fd >= 0 {
		sent, err := unix.Write(fd, make([]byte, n))
		p.did(side, "send", "%d of %d: %v", sent, n, err)
	}
}

func (p *randomCase) receive(side, n int) {
	if fd := p.sides[side].fd; fd >= 0 {
		got, err := unix.Read(fd, make([]byte, n))
		p.did(side, "receive", "%d of %d: %v", got, n, err)
	}
}

func (p *randomCase) finish(side int) {
	if fd := p.sides[side].fd; fd >= 0 {
		p.did(side, "finish", "%v", unix.Shutdown(fd, unix.SHUT_WR))
	}
}

func (p *randomCase) close(side int) {
	s := p.sides[side]
	if s.fd < 0 {
		return
	}
	what := "close"
	if n, err := unix.IoctlGetInt(s.fd, unix.TIOCINQ); err == nil && n > 0 {
		what = "close unread"
	}
	p.did(side, what, "")
	unix.Close(s.fd)
	s.fd = -1
}

func (p *randomCase) abort(side int) {
	s := p.sides[side]
	if s.fd < 0 {
		return
	}
	unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 0})
	n, _ := unix.IoctlGetInt(s.fd, unix.TIOCINQ)
	p.did(side, "abort", "%d unread", n)
	unix.Close(s.fd)
	s.fd = -1
}

func (p *randomCase) closeListener() {
	if s := p.sides[1]; s.listener >= 0 {
		p.did(1, "close listener", "")
		unix.Close(s.listener)
		s.listener = -1
	}
}

func (p *randomCase) set(side int, what string, level, option, value int) {
	if fd := p.sides[side].fd; fd >= 0 {
		err := unix.SetsockoptInt(fd, level, option, value)
		if what != "" {
			p.did(side, what, "%d %v", value, err)
		}
	}
}
