package kernel

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// A FIN is lost, and its retransmissions never reach the wire: as in KB Q254930,
// whose stack did not retransmit.
var lostFINs = []testCase{
	{name: "FIN lost and peer talks on", run: func(s *testRun) {
		client, server := s.connect()
		s.loseFIN()
		server.finish()
		s.await(fsm.Established, fsm.FinWait1)
		for range 8 {
			client.send(100)
			server.receive(100)
			s.keepRecording(time.Second)
		}
		s.await(fsm.Established, fsm.FinWait1)
	}, find: []finding{{"unretransmitted-fin", "peer-unaware", serverAddr}}},

	{name: "second FIN lost and peer waits", run: func(s *testRun) {
		client, server := s.connect()
		client.finish()
		s.await(fsm.FinWait2, fsm.CloseWait)
		s.loseFIN()
		server.finish()
		s.await(fsm.FinWait2, fsm.LastAck)
		s.keepRecording(7 * time.Second)
		s.await(fsm.FinWait2, fsm.LastAck)
	}, find: []finding{{"unretransmitted-fin", "silent", serverAddr}}},

	{name: "FIN lost and trace ends", slow: []finding{{"unretransmitted-fin", "silent", serverAddr}}, run: func(s *testRun) {
		_, server := s.connect()
		s.loseFIN()
		server.finish()
		s.keepRecording(3 * time.Second)
		s.await(fsm.Established, fsm.FinWait1)
	}},

	{name: "FIN sent again and again", run: func(s *testRun) {
		_, server := s.connect()
		s.client.loses(arriving, anyFIN)
		server.finish()
		s.keepRecording(8 * time.Second)
		s.await(fsm.Established, fsm.FinWait1)
	}, find: []finding{{"fin-unanswered", "still-trying", clientAddr}}},

	{name: "FIN lost and then aborted", run: func(s *testRun) {
		client, server := s.connect()
		s.loseFIN()
		server.finish()
		s.keepRecording(7 * time.Second)
		s.await(fsm.Established, fsm.FinWait1)
		client.abort()
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "aborted", clientAddr}}},
}

// loseFIN lets one FIN of the server reach the wire, but not the client.
func (s *testRun) loseFIN() {
	s.Helper()
	s.client.loses(arriving, anyFIN)
	s.server.losesAfter(1, leaving, anyFIN)
}
