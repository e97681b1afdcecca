package kernel

import (
	"github.com/tcptrace-go/tcptrace/fsm"
)

// Normal ends of connections, and what may delay them.
var closings = []testCase{
	{name: "half close", run: func(s *testRun) {
		client, server := s.connect()
		client.finish()
		s.await(fsm.FinWait2, fsm.CloseWait)
		server.send(3000)
		client.receive(3000)
		s.await(fsm.FinWait2, fsm.CloseWait)
		server.close()
		s.await(fsm.TimeWait, fsm.Closed)
	}},

	{name: "FIN lost and sent again", run: func(s *testRun) {
		client, _ := s.connect()
		lost := s.server.loses(arriving, anyFIN)
		client.finish()
		s.await(fsm.FinWait1, fsm.Established)
		s.tap.await(4, sentBy(s.client).with(anyFIN))
		s.await(fsm.FinWait1, fsm.Established)
		lost.repair()
		s.await(fsm.FinWait2, fsm.CloseWait)
	}},

	{name: "second FIN lost and sent again", run: func(s *testRun) {
		client, server := s.connect()
		client.finish()
		s.await(fsm.FinWait2, fsm.CloseWait)
		lost := s.client.loses(arriving, anyFIN)
		server.close()
		s.await(fsm.FinWait2, fsm.LastAck)
		s.tap.await(4, sentBy(s.server).with(anyFIN))
		s.await(fsm.FinWait2, fsm.LastAck)
		lost.repair()
		s.await(fsm.TimeWait, fsm.Closed)
	}},

	{name: "last ACK lost", run: func(s *testRun) {
		lost := s.losesLastACK()
		s.tap.await(4, sentBy(s.server).with(anyFIN))
		s.await(fsm.TimeWait, fsm.LastAck).
			atMost(s.server, fsm.Closed, "the ACK of the repeated FIN may have arrived")
		lost.repair()
		s.await(fsm.TimeWait, fsm.Closed)
	}},

	{name: "last ACK never sent", set: []setting{{"fin-unanswered", "patience", 3600}}, run: func(s *testRun) {
		client, server := s.connect()
		client.finish()
		s.await(fsm.FinWait2, fsm.CloseWait)
		s.client.loses(leaving, pureACK)
		server.close()
		s.await(fsm.TimeWait, fsm.LastAck).
			looksLike(s.client, fsm.FinWait2, "nothing shows that the FIN arrived")
		s.tap.await(4, sentBy(s.server).with(anyFIN))
	}},

	{name: "one side closing", set: []setting{{"fin-unanswered", "patience", 3600}}, run: func(s *testRun) {
		client, server := s.connect()
		clientDeaf, serverDeaf := s.client.loses(arriving, anyFIN), s.server.loses(arriving, anyFIN)
		client.finish()
		server.finish()
		s.await(fsm.FinWait1, fsm.FinWait1)
		clientDeaf.repair()
		s.await(fsm.Closing, fsm.FinWait2)
		serverDeaf.repair()
		s.await(fsm.TimeWait, fsm.TimeWait)
	}},

	{name: "both sides closing", run: func(s *testRun) {
		client, server := s.connect()
		s.client.hold()
		s.server.hold()
		client.finish()
		server.finish()
		s.await(fsm.FinWait1, fsm.FinWait1).
			looksLike(s.client, fsm.Established, "its FIN is still on hold").
			looksLike(s.server, fsm.Established, "its FIN is still on hold")
		var faults []*loss
		for _, h := range []*host{s.client, s.server} {
			faults = append(faults, h.loses(arriving, pureACK), h.losesAfter(1, arriving, anyFIN))
		}
		s.client.release()
		s.server.release()
		s.await(fsm.Closing, fsm.Closing).
			atMost(s.client, fsm.TimeWait, "the server's ACK was seen to leave, not to arrive").
			atMost(s.server, fsm.TimeWait, "the client's ACK was seen to leave, not to arrive")
		for _, f := range faults {
			f.repair()
		}
		s.await(fsm.TimeWait, fsm.TimeWait)
	}},
}

// losesLastACK closes both sides, the client first, whose last ACK is lost.
func (s *testRun) losesLastACK() *loss {
	s.Helper()
	client, server := s.connect()
	client.finish()
	s.await(fsm.FinWait2, fsm.CloseWait)
	lost := s.server.loses(arriving, pureACK)
	server.close()
	s.await(fsm.TimeWait, fsm.LastAck).
		atMost(s.server, fsm.Closed, "the last ACK was seen to leave, not to arrive")
	return lost
}
