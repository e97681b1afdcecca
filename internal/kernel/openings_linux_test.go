package kernel

import (
	"time"

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
		s.tap.await(3, sentBy(s.client).with(anySYN)) // after two seconds, or three
		s.traceGoesOn(2200 * time.Millisecond)
		s.ask(fsm.SynSent, fsm.Closed)
	}, find: []finding{{"syn-unanswered", "no-answer", serverAddr}}},

	{name: "SYN lost once", play: func(s *story) {
		s.record()
		s.server.losesFirst(1, arriving, anySYN)
		listener := s.server.socket(serverPort).listen(1)
		s.client.socket(clientPort).dial(serverPort)
		listener.accept()
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"syn-unanswered", "answered-late", serverAddr}}},

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
	}, find: []finding{{"syn-ack-unanswered", "recovered", clientAddr}}},

	{name: "SYN-ACK lost and SYN forgotten", play: func(s *story) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		lost := s.client.loses(arriving, anySYN)
		client := s.client.socket(clientPort).dial(serverPort)
		s.ask(fsm.SynSent, fsm.SynReceived)
		s.forget(s.server)
		lost.mended()
		server := listener.accept() // the next SYN is answered with another ISN
		client.send(100)
		server.receive(100)
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"syn-ack-unanswered", "recovered", clientAddr}}},

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
	}, find: []finding{{"syn-ack-unanswered", "recovered", serverAddr}}},

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

	{name: "accept queue full", play: func(s *story) {
		s.record()
		s.server.socket(serverPort).listen(0) // nobody accepts
		late := s.server.losesFirst(1, arriving, pureACK)
		client := s.client.socket(clientPort).dial(serverPort)
		client.wait(unix.POLLOUT)
		late.mended()
		other := s.client.socket(otherPort).dial(serverPort) // it takes the only place
		other.wait(unix.POLLOUT)
		client.send(100)
		s.tap.await(4, sentBy(s.server).with(synACK)) // three of these, and what the other got
		s.ask(fsm.Established, fsm.SynReceived).
			atMost(s.server, fsm.Established, "the server lets the ACKs pass as if they had not arrived")
	}, find: []finding{{"syn-ack-unanswered", "accept-queue-full", serverAddr}}},

	{name: "closed at once", play: func(s *story) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		client := s.client.socket(clientPort).dial(serverPort)
		listener.accept().close()
		s.ask(fsm.CloseWait, fsm.FinWait2)
		client.close()
		s.ask(fsm.Closed, fsm.TimeWait)
	}, find: []finding{{"no-data", "closed-at-once", serverAddr}}},

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

	{name: "simultaneous open given up", play: func(s *story) {
		s.record()
		client, server := s.dialEachOther()
		client.close()
		server.close()
		s.server.loses(leaving, anyRST)
		s.client.release()
		s.server.release()
		s.tap.await(1, sentBy(s.client).with(anyRST))
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "handshake-reset", clientAddr}}},

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
func (s *story) dialEachOther() (client, server *socket) {
	s.Helper()
	s.client.hold()
	s.server.hold()
	client = s.client.socket(clientPort).dial(serverPort)
	server = s.server.socket(serverPort).dial(clientPort)
	s.ask(fsm.SynSent, fsm.SynSent).
		seems(s.client, fsm.Closed, "its SYN is still on hold").
		seems(s.server, fsm.Closed, "its SYN is still on hold")
	return client, server
}
