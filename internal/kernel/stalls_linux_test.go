package kernel

import (
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// Requests in two pieces: Nagle holds the second back until the first is
// acknowledged, and the server, which waits for it, delays that by 40 ms.
var stalls = []tale{
	{name: "requests in two writes", play: func(s *story) {
		client, server := s.connect()
		s.askInTwo(client, server)
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"ack-delay", "nagle", clientAddr}}},

	{name: "requests in two writes without Nagle", play: func(s *story) {
		client, server := s.connect()
		client.set(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		s.askInTwo(client, server)
		s.ask(fsm.Established, fsm.Established)
	}},
}

// askInTwo plays a dozen requests and answers. The first ACKs of a connection
// are not delayed.
func (s *story) askInTwo(client, server *socket) {
	s.Helper()
	for range 12 {
		client.send(50)
		client.send(50)
		server.receive(100)
		server.send(20)
		client.receive(20)
	}
}
