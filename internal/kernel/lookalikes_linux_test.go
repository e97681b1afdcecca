package kernel

import (
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// What looks like a fault but is none, or is another one.
var lookAlikes = []testCase{
	{name: "keep-alives answered", run: func(s *testRun) {
		client, _ := s.connect()
		keepAlive(client)
		s.tap.await(4, sentBy(s.server).after(s.tap.last(s.client).At))
		s.await(fsm.Established, fsm.Established)
	}},
}

// keepAlive makes a socket send a keep-alive every second, and end the connection
// after four without answer.
func keepAlive(s *socket) {
	s.h.t.Helper()
	s.set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 1)
	s.set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 1)
	s.set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 4)
	s.set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
}
