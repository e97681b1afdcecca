package kernel

import (
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// How connections come about.
var openings = []tale{
	{name: "established", play: func(s *story) {
		s.connect()
		s.ask(fsm.Established, fsm.Established)
	}},

	{name: "SYN unanswered", play: func(s *story) {
		s.record()
		s.server.loses(arriving, anySYN)
		s.client.socket(clientPort).dial(serverPort)
		s.ask(fsm.SynSent, fsm.Closed)
		s.tap.await(2, sentBy(s.client).with(anySYN))
		s.ask(fsm.SynSent, fsm.Closed)
	}},

	{name: "SYN-ACK lost", play: func(s *story) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		lost := s.client.loses(arriving, anySYN)
		s.client.socket(clientPort).dial(serverPort)
		s.ask(fsm.SynSent, fsm.SynReceived)
		s.tap.await(2, sentBy(s.server).with(anySYN))
		s.ask(fsm.SynSent, fsm.SynReceived)
		lost.mended()
		listener.accept()
		s.ask(fsm.Established, fsm.Established)
	}},

	{name: "last ACK of the handshake lost", play: func(s *story) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		lost := s.server.loses(arriving, pureACK)
		client := s.client.socket(clientPort).dial(serverPort)
		s.ask(fsm.Established, fsm.SynReceived).
			atMost(s.server, fsm.Established, "the ACK was seen to leave, not to arrive")
		s.tap.await(2, sentBy(s.client).with(pureACK))
		s.ask(fsm.Established, fsm.SynReceived).
			atMost(s.server, fsm.Established, "the ACK of the repeated SYN-ACK may have arrived")
		lost.mended()
		client.send(100)
		listener.accept().receive(100)
		s.ask(fsm.Established, fsm.Established)
	}},

	{name: "last ACK of the handshake lost once", play: func(s *story) {
		s.record()
		s.server.socket(serverPort).listen(1)
		s.server.losesFirst(1, arriving, pureACK)
		s.client.socket(clientPort).dial(serverPort)
		s.ask(fsm.Established, fsm.SynReceived).
			atMost(s.server, fsm.Established, "the ACK was seen to leave, not to arrive")
		s.ask(fsm.Established, fsm.Established)
	}},

	{name: "backlog full", play: func(s *story) {
		s.record()
		s.server.socket(serverPort).listen(0) // nobody accepts
		other := s.client.socket(otherPort).dial(serverPort)
		other.wait(unix.POLLOUT)
		s.client.socket(clientPort).dial(serverPort)
		s.ask(fsm.SynSent, fsm.Closed)
		s.tap.await(3, sentBy(s.client).with(anySYN))
		s.ask(fsm.SynSent, fsm.Closed)
	}},

	{name: "deferred accept", play: func(s *story) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		listener.set(unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 10)
		client := s.client.socket(clientPort).dial(serverPort)
		s.ask(fsm.Established, fsm.SynReceived).
			atMost(s.server, fsm.Established, "the server let the ACK pass as if it had not arrived (TCP_DEFER_ACCEPT)")
		client.send(100)
		listener.accept().receive(100)
		s.ask(fsm.Established, fsm.Established)
	}},

	{name: "simultaneous open", play: func(s *story) {
		s.record()
		s.dialEachOther()
		s.client.release()
		s.server.release()
		s.ask(fsm.Established, fsm.Established)
	}},

	{name: "simultaneous open with lost SYN-ACKs", play: func(s *story) {
		s.record()
		s.dialEachOther()
		s.client.losesFirst(1, arriving, synACK)
		s.server.losesFirst(1, arriving, synACK)
		s.client.release()
		s.server.release()
		s.ask(fsm.SynReceived, fsm.SynReceived).
			atMost(s.client, fsm.Established, "the server's SYN-ACK was seen to leave, not to arrive").
			atMost(s.server, fsm.Established, "the client's SYN-ACK was seen to leave, not to arrive")
		s.ask(fsm.Established, fsm.Established)
	}},

	{name: "tap comes late", play: func(s *story) {
		client, server := s.establish()
		s.record()
		client.send(100)
		server.receive(100)
		server.send(100)
		client.receive(100)
		s.ask(fsm.Established, fsm.Established)
		client.finish()
		s.ask(fsm.FinWait2, fsm.CloseWait)
		server.close()
		s.ask(fsm.TimeWait, fsm.Closed)
	}},

	{name: "same ports again", play: func(s *story) {
		client, server := s.connect()
		server.finish()
		s.ask(fsm.CloseWait, fsm.FinWait2)
		client.close()
		s.ask(fsm.Closed, fsm.TimeWait)
		s.establish() // Linux lets a new SYN end TIME_WAIT (RFC 6191)
		s.ask(fsm.Established, fsm.Established)
	}},
}

// dialEachOther has both hosts dial the other's port at the same time: both
// SYNs are on hold.
func (s *story) dialEachOther() {
	s.Helper()
	s.client.hold()
	s.server.hold()
	s.client.socket(clientPort).dial(serverPort)
	s.server.socket(serverPort).dial(clientPort)
	s.ask(fsm.SynSent, fsm.SynSent).
		seems(s.client, fsm.Closed, "its SYN is still on hold").
		seems(s.server, fsm.Closed, "its SYN is still on hold")
}
