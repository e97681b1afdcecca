package kernel

import (
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// Requests in two pieces: Nagle delays the second until the first is acknowledged,
// and the server, which waits for it, delays that ACK by 40 ms.
var stalls = []testCase{
	{name: "requests in two writes", run: func(s *testRun) {
		client, server := s.connect()
		s.askInTwo(client, server)
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"ack-delay", "nagle", clientAddr}}},

	{name: "requests in two writes without Nagle", run: func(s *testRun) {
		client, server := s.connect()
		client.set(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		s.askInTwo(client, server)
		s.await(fsm.Established, fsm.Established)
	}},
}

// askInTwo does a dozen requests and responses. The first ACKs of a connection are
// not delayed.
func (s *testRun) askInTwo(client, server *socket) {
	s.Helper()
	for range 12 {
		client.send(50)
		client.send(50)
		server.receive(100)
		server.send(20)
		client.receive(20)
	}
}
