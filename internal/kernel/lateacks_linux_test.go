package kernel

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// ACKs that come when all is over: KB Q152474.
var lateACKs = []tale{
	{name: "redundant ACK draws RST", play: func(s *story) {
		s.closeInOrder()
		s.drawRST()
		s.ask(fsm.Closed, fsm.Closed) // a RST ends TIME_WAIT (RFC 1337; net.ipv4.tcp_rfc1337 is off)
	}, find: []finding{{"post-fin-ack-rst", "redundant-ack", clientAddr}}},

	{name: "TIME_WAIT swallows an ACK", play: func(s *story) {
		s.closeInOrder()
		s.repeatsACK(s.server)
		s.traceGoesOn(500 * time.Millisecond)
		s.ask(fsm.TimeWait, fsm.Closed)
	}},

	{name: "server forgets", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(fsm.FinWait2, fsm.CloseWait)
		late := s.client.loses(leaving, pureACK)
		server.finish()
		s.ask(fsm.TimeWait, fsm.LastAck).
			seems(s.client, fsm.FinWait2, "its ACK is late")
		s.forget(s.server)
		late.mended()
		s.drawRST()
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"post-fin-ack-rst", "forgotten", serverAddr}}},
}

// closeInOrder opens the connection and closes it, the client first.
func (s *story) closeInOrder() {
	s.Helper()
	client, server := s.connect()
	client.finish()
	s.ask(fsm.FinWait2, fsm.CloseWait)
	server.close()
	s.ask(fsm.TimeWait, fsm.Closed)
}

// drawRST has the client acknowledge all once more, and the server answer after
// a while: what comes sooner than a quarter of the time that the server took to
// answer the SYN counts as sent before, and this wire is so short that it might.
func (s *story) drawRST() {
	s.Helper()
	s.server.hold()
	s.repeatsACK(s.client)
	time.Sleep(20 * time.Millisecond)
	s.server.release()
	s.tap.await(1, sentBy(s.server).with(anyRST))
}
