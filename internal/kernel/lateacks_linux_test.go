package kernel

import (
	"time"

	. "github.com/tcptrace-go/tcptrace/fsm"
)

// ACKs that come when all is over: KB Q152474.
var lateACKs = []tale{
	{name: "redundant ACK draws RST", play: func(s *story) {
		s.closeInOrder()
		s.repeatsACK(s.client)
		s.tap.await(1, sentBy(s.server).with(anyRST))
		s.ask(Closed, Closed) // a RST ends TIME_WAIT (RFC 1337; net.ipv4.tcp_rfc1337 is off)
	}, find: []finding{{"post-fin-ack-rst", "redundant-ack", clientAddr}}},

	{name: "TIME_WAIT swallows an ACK", play: func(s *story) {
		s.closeInOrder()
		s.repeatsACK(s.server)
		s.traceGoesOn(500 * time.Millisecond)
		s.ask(TimeWait, Closed)
	}},

	{name: "server forgets", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(FinWait2, CloseWait)
		late := s.client.loses(leaving, pureACK)
		server.finish()
		s.ask(TimeWait, LastAck).
			seems(s.client, FinWait2, "its ACK is late")
		s.forget(s.server)
		late.mended()
		s.repeatsACK(s.client)
		s.tap.await(1, sentBy(s.server).with(anyRST))
		s.ask(Closed, Closed)
	}, find: []finding{{"post-fin-ack-rst", "forgotten", serverAddr}}},
}

// closeInOrder opens the connection and closes it, the client first.
func (s *story) closeInOrder() {
	s.Helper()
	client, server := s.connect()
	client.finish()
	s.ask(FinWait2, CloseWait)
	server.close()
	s.ask(TimeWait, Closed)
}
