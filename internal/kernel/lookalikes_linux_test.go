package kernel

import (
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// What resembles a fault and is none, or another.
var lookAlikes = []tale{
	{name: "keep-alives answered", play: func(s *story) {
		client, _ := s.connect()
		keepAlive(client)
		s.tap.await(4, sentBy(s.server).after(s.tap.last(s.client).At))
		s.ask(fsm.Established, fsm.Established)
	}},
}

// keepAlive has a socket ask each second whether its peer is there, and end the
// connection after the fourth time in vain.
func keepAlive(s *socket) {
	s.h.t.Helper()
	s.set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 1)
	s.set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 1)
	s.set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 4)
	s.set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
}
