package kernel

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// How connections open.
var openings = []testCase{
	{name: "established", run: func(s *testRun) {
		s.connect()
		s.await(fsm.Established, fsm.Established)
	}},

	{name: "SYN unanswered", run: func(s *testRun) {
		s.record()
		s.server.loses(arriving, anySYN)
		s.client.socket(clientPort).dial(serverPort)
		s.await(fsm.SynSent, fsm.Closed)
		s.tap.await(3, sentBy(s.client).with(anySYN)) // after two seconds, or three
		s.keepRecording(2200 * time.Millisecond)
		s.await(fsm.SynSent, fsm.Closed)
	}, find: []finding{{"syn-unanswered", "no-answer", serverAddr}}},

	{name: "SYN lost once", run: func(s *testRun) {
		s.record()
		s.server.losesFirst(1, arriving, anySYN)
		listener := s.server.socket(serverPort).listen(1)
		s.client.socket(clientPort).dial(serverPort)
		listener.accept()
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"syn-unanswered", "answered-late", serverAddr}}},

	{name: "SYN-ACK lost", run: func(s *testRun) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		lost := s.client.loses(arriving, anySYN)
		client := s.client.socket(clientPort).dial(serverPort)
		s.await(fsm.SynSent, fsm.SynReceived)
		s.tap.await(2, sentBy(s.server).with(anySYN))
		s.await(fsm.SynSent, fsm.SynReceived)
		lost.repair()
		server := listener.accept()
		client.send(100) // so that it shows, although the server may send its SYN-ACK once more at the same time
		server.receive(100)
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"syn-ack-unanswered", "recovered", clientAddr}}},

	{name: "SYN-ACK lost and SYN forgotten", run: func(s *testRun) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		lost := s.client.loses(arriving, anySYN)
		client := s.client.socket(clientPort).dial(serverPort)
		s.await(fsm.SynSent, fsm.SynReceived)
		s.forget(s.server)
		lost.repair()
		server := listener.accept() // the next SYN is answered with another ISN
		client.send(100)
		server.receive(100)
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"syn-ack-unanswered", "recovered", clientAddr}}},

	{name: "last ACK of the handshake lost", run: func(s *testRun) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		lost := s.server.loses(arriving, pureACK)
		client := s.client.socket(clientPort).dial(serverPort)
		s.await(fsm.Established, fsm.SynReceived).
			atMost(s.server, fsm.Established, "the ACK was seen to leave, not to arrive")
		s.tap.await(2, sentBy(s.client).with(pureACK))
		s.await(fsm.Established, fsm.SynReceived).
			atMost(s.server, fsm.Established, "the ACK of the repeated SYN-ACK may have arrived")
		lost.repair()
		s.repeatsACK(s.client)
		server := listener.accept()
		server.send(100) // one that waits for data (TCP_DEFER_ACCEPT) would not speak first
		client.receive(100)
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"syn-ack-unanswered", "recovered", serverAddr}},
		slow: []finding{{"syn-ack-unanswered", "accept-queue-full", serverAddr}}}, // a third SYN-ACK, after 3 s

	{name: "last ACK of the handshake lost once", run: func(s *testRun) {
		s.record()
		s.server.socket(serverPort).listen(1)
		lost := s.server.loses(arriving, pureACK)
		s.client.socket(clientPort).dial(serverPort)
		s.await(fsm.Established, fsm.SynReceived).
			atMost(s.server, fsm.Established, "the ACK was seen to leave, not to arrive")
		lost.repair() // before the SYN-ACK comes again
		s.await(fsm.Established, fsm.Established)
	}, slow: []finding{{"syn-ack-unanswered", "recovered", serverAddr}, {"syn-ack-unanswered", "accept-queue-full", serverAddr}}}, // it has come again

	{name: "backlog full", slow: []finding{{"syn-unanswered", "no-answer", serverAddr}}, run: func(s *testRun) {
		s.record()
		s.server.socket(serverPort).listen(0) // nobody accepts
		other := s.client.socket(otherPort).dial(serverPort)
		other.wait(unix.POLLOUT)
		s.client.socket(clientPort).dial(serverPort)
		s.await(fsm.SynSent, fsm.Closed)
		s.tap.await(3, sentBy(s.client).with(anySYN))
		s.await(fsm.SynSent, fsm.Closed)
	}},

	{name: "accept queue full", run: func(s *testRun) {
		s.record()
		s.server.socket(serverPort).listen(0) // nobody accepts
		late := s.server.drop(arriving, pureACK, fromPort(clientPort)...)
		client := s.client.socket(clientPort).dial(serverPort)
		client.wait(unix.POLLOUT)
		other := s.client.socket(otherPort).dial(serverPort) // it fills the queue
		other.wait(unix.POLLOUT)
		s.tap.await(1, func(seg *reassembly.Segment) bool { return seg.Src.Port == otherPort && pureACK.has(seg) })
		late.repair()
		client.send(100)
		s.tap.await(4, sentBy(s.server).with(synACK)) // three of these, and the one for the other client
		s.await(fsm.Established, fsm.SynReceived).
			atMost(s.server, fsm.Established, "the server lets the ACKs pass as if they had not arrived")
	}, find: []finding{{"syn-ack-unanswered", "accept-queue-full", serverAddr}}},

	{name: "closed at once", set: []setting{{"no-data", "within", 10}}, run: func(s *testRun) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		client := s.client.socket(clientPort).dial(serverPort)
		listener.accept().close()
		s.await(fsm.CloseWait, fsm.FinWait2)
		client.close()
		s.await(fsm.Closed, fsm.TimeWait)
	}, find: []finding{{"no-data", "closed-at-once", serverAddr}}},

	{name: "deferred accept", run: func(s *testRun) {
		s.record()
		listener := s.server.socket(serverPort).listen(1)
		listener.set(unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 10)
		client := s.client.socket(clientPort).dial(serverPort)
		s.await(fsm.Established, fsm.SynReceived).
			atMost(s.server, fsm.Established, "the server let the ACK pass as if it had not arrived (TCP_DEFER_ACCEPT)")
		client.send(100)
		listener.accept().receive(100)
		s.await(fsm.Established, fsm.Established)
	}},

	{name: "simultaneous open", run: func(s *testRun) {
		s.record()
		s.dialEachOther()
		s.client.release()
		s.server.release()
		s.await(fsm.Established, fsm.Established)
	}},

	{name: "simultaneous open given up", run: func(s *testRun) {
		s.record()
		client, server := s.dialEachOther()
		client.close()
		server.close()
		s.server.loses(leaving, anyRST)
		s.client.release()
		s.server.release()
		s.tap.await(1, sentBy(s.client).with(anyRST))
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "handshake-reset", clientAddr}}},

	{name: "simultaneous open with lost SYN-ACKs", run: func(s *testRun) {
		s.record()
		s.dialEachOther()
		lost := []*loss{s.client.loses(arriving, anyACK), s.server.loses(arriving, anyACK)} // a SYN-ACK that comes again draws an ACK
		s.client.release()
		s.server.release()
		s.await(fsm.SynReceived, fsm.SynReceived).
			atMost(s.client, fsm.Established, "the server's SYN-ACK was seen to leave, not to arrive").
			atMost(s.server, fsm.Established, "the client's SYN-ACK was seen to leave, not to arrive")
		for _, l := range lost {
			l.repair()
		}
		s.await(fsm.Established, fsm.Established)
	}},

	{name: "tap comes late", run: func(s *testRun) {
		client, server := s.establish()
		s.record()
		client.send(100)
		server.receive(100)
		server.send(100)
		client.receive(100)
		s.await(fsm.Established, fsm.Established)
		client.finish()
		s.await(fsm.FinWait2, fsm.CloseWait)
		server.close()
		s.await(fsm.TimeWait, fsm.Closed)
	}},

	{name: "same ports again", run: func(s *testRun) {
		client, server := s.connect()
		server.finish()
		s.await(fsm.CloseWait, fsm.FinWait2)
		client.close()
		s.await(fsm.Closed, fsm.TimeWait)
		s.establish() // Linux lets a new SYN end TIME_WAIT (RFC 6191)
		s.await(fsm.Established, fsm.Established)
	}},
}

// dialEachOther makes both hosts dial the other's port at the same time, by holding
// both SYNs.
func (s *testRun) dialEachOther() (client, server *socket) {
	s.Helper()
	for _, h := range []*host{s.client, s.server} {
		h.sysctl("net/ipv4/tcp_syn_retries", "60") // those on hold count, and those of the SYN-ACK
		h.hold()
	}
	client = s.client.socket(clientPort).dial(serverPort)
	server = s.server.socket(serverPort).dial(clientPort)
	s.await(fsm.SynSent, fsm.SynSent).
		looksLike(s.client, fsm.Closed, "its SYN is still on hold").
		looksLike(s.server, fsm.Closed, "its SYN is still on hold")
	return client, server
}
