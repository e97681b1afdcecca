package kernel

import (
	"golang.org/x/sys/unix"

	. "github.com/tcptrace-go/tcptrace/fsm"
)

// How connections come about.
var openings = []tale{
	{name: "established", play: func(s *story) {
		s.connect()
		s.ask(Established, Established)
	}},

	{name: "SYN unanswered", play: func(s *story) {
		s.record()
		s.server.loses(arriving, anySYN)
		s.client.socket(clientPort).dial(serverPort)
		s.ask(SynSent, Closed)
		s.tap.await(2, sentBy(s.client).with(anySYN))
		s.ask(SynSent, Closed)
	}},

	{name: "SYN-ACK lost", play: func(s *story) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		lost := s.client.loses(arriving, anySYN)
		s.client.socket(clientPort).dial(serverPort)
		s.ask(SynSent, SynReceived)
		s.tap.await(2, sentBy(s.server).with(anySYN))
		s.ask(SynSent, SynReceived)
		lost.mended()
		listener.accept()
		s.ask(Established, Established)
	}},

	{name: "last ACK of the handshake lost", play: func(s *story) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		lost := s.server.loses(arriving, pureACK)
		client := s.client.socket(clientPort).dial(serverPort)
		s.ask(Established, SynReceived).
			atMost(s.server, Established, "the ACK was seen to leave, not to arrive")
		s.tap.await(2, sentBy(s.client).with(pureACK))
		s.ask(Established, SynReceived).
			atMost(s.server, Established, "the ACK of the repeated SYN-ACK may have arrived")
		lost.mended()
		client.send(100)
		listener.accept().receive(100)
		s.ask(Established, Established)
	}},

	{name: "last ACK of the handshake lost once", play: func(s *story) {
		s.record()
		s.server.socket(serverPort).listen(1)
		s.server.losesFirst(1, arriving, pureACK)
		s.client.socket(clientPort).dial(serverPort)
		s.ask(Established, SynReceived).
			atMost(s.server, Established, "the ACK was seen to leave, not to arrive")
		s.ask(Established, Established)
	}},

	{name: "backlog full", play: func(s *story) {
		s.record()
		s.server.socket(serverPort).listen(0) // nobody accepts
		other := s.client.socket(otherPort).dial(serverPort)
		other.wait(unix.POLLOUT)
		s.client.socket(clientPort).dial(serverPort)
		s.ask(SynSent, Closed)
		s.tap.await(3, sentBy(s.client).with(anySYN))
		s.ask(SynSent, Closed)
	}},

	{name: "deferred accept", play: func(s *story) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		listener.set(unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 10)
		client := s.client.socket(clientPort).dial(serverPort)
		s.ask(Established, SynReceived).
			atMost(s.server, Established, "the server let the ACK pass as if it had not arrived (TCP_DEFER_ACCEPT)")
		client.send(100)
		listener.accept().receive(100)
		s.ask(Established, Established)
	}},

	{name: "simultaneous open", play: func(s *story) {
		s.record()
		s.dialEachOther()
		s.client.release()
		s.server.release()
		s.ask(Established, Established)
	}},

	{name: "simultaneous open, SYN-ACKs lost", play: func(s *story) {
		s.record()
		s.dialEachOther()
		s.client.losesFirst(1, arriving, synACK)
		s.server.losesFirst(1, arriving, synACK)
		s.client.release()
		s.server.release()
		s.ask(SynReceived, SynReceived).
			atMost(s.client, Established, "the server's SYN-ACK was seen to leave, not to arrive").
			atMost(s.server, Established, "the client's SYN-ACK was seen to leave, not to arrive")
		s.ask(Established, Established)
	}},

	{name: "tap comes late", play: func(s *story) {
		client, server := s.establish()
		s.record()
		client.send(100)
		server.receive(100)
		server.send(100)
		client.receive(100)
		s.ask(Established, Established)
		client.finish()
		s.ask(FinWait2, CloseWait)
		server.close()
		s.ask(TimeWait, Closed)
	}},

	{name: "same ports again", play: func(s *story) {
		client, server := s.connect()
		server.finish()
		s.ask(CloseWait, FinWait2)
		client.close()
		s.ask(Closed, TimeWait)
		s.establish() // Linux lets a new SYN end TIME_WAIT (RFC 6191)
		s.ask(Established, Established)
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
	s.ask(SynSent, SynSent).
		seems(s.client, Closed, "its SYN is still on hold").
		seems(s.server, Closed, "its SYN is still on hold")
}
