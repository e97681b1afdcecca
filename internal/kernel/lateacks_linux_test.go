package kernel

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// ACKs after the end of the connection: KB Q152474.
var lateACKs = []testCase{
	{name: "redundant ACK draws RST", run: func(s *testRun) {
		s.closeInOrder()
		s.provokeRST()
		s.await(fsm.Closed, fsm.Closed) // a RST ends TIME_WAIT (RFC 1337; net.ipv4.tcp_rfc1337 is off)
	}, find: []finding{{"post-fin-ack-rst", "redundant-ack", clientAddr}}, slow: lateRST},

	{name: "TIME_WAIT swallows an ACK", run: func(s *testRun) {
		s.closeInOrder()
		s.repeatsACK(s.server)
		s.keepRecording(500 * time.Millisecond)
		s.await(fsm.TimeWait, fsm.Closed)
	}},

	{name: "server forgets", run: func(s *testRun) {
		client, server := s.connect()
		client.finish()
		s.await(fsm.FinWait2, fsm.CloseWait)
		late := s.client.loses(leaving, pureACK)
		server.finish()
		s.await(fsm.TimeWait, fsm.LastAck).
			looksLike(s.client, fsm.FinWait2, "its ACK is late")
		s.forget(s.server)
		late.repair()
		s.provokeRST()
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"post-fin-ack-rst", "forgotten", serverAddr}}, slow: lateRST},
}

// lateRST is what becomes of an ACK whose RST comes later than a second: an answer no more.
var lateRST = []finding{{"reset-cause", "stale", clientAddr}}

// closeInOrder opens the connection and closes it, the client first.
func (s *testRun) closeInOrder() {
	s.Helper()
	client, server := s.connect()
	client.finish()
	s.await(fsm.FinWait2, fsm.CloseWait)
	server.close()
	s.await(fsm.TimeWait, fsm.Closed)
}

// provokeRST makes the client send a redundant ACK, and the server answer after a
// while. An answer that comes sooner than a quarter of the handshake's round trip
// counts as sent before, and on this short wire it might.
func (s *testRun) provokeRST() {
	s.Helper()
	s.server.hold()
	s.repeatsACK(s.client)
	time.Sleep(20 * time.Millisecond)
	s.server.release()
	s.tap.await(1, sentBy(s.server).with(anyRST))
}
