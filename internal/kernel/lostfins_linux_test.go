package kernel

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// A FIN is lost, and whatever the kernel does about it never reaches the wire:
// KB Q254930, whose stack did nothing.
var lostFINs = []tale{
	{name: "FIN lost and peer talks on", play: func(s *story) {
		client, server := s.connect()
		s.loseFINForGood()
		server.finish()
		s.ask(fsm.Established, fsm.FinWait1)
		for range 8 {
			client.send(100)
			server.receive(100)
			s.traceGoesOn(time.Second)
		}
		s.ask(fsm.Established, fsm.FinWait1)
	}, find: []finding{{"unretransmitted-fin", "peer-unaware", serverAddr}}},

	{name: "second FIN lost and peer waits", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(fsm.FinWait2, fsm.CloseWait)
		s.loseFINForGood()
		server.finish()
		s.ask(fsm.FinWait2, fsm.LastAck)
		s.traceGoesOn(7 * time.Second)
		s.ask(fsm.FinWait2, fsm.LastAck)
	}, find: []finding{{"unretransmitted-fin", "silent", serverAddr}}},

	{name: "FIN lost and trace ends", play: func(s *story) {
		_, server := s.connect()
		s.loseFINForGood()
		server.finish()
		s.traceGoesOn(3 * time.Second)
		s.ask(fsm.Established, fsm.FinWait1)
	}},

	{name: "FIN sent again and again", play: func(s *story) {
		_, server := s.connect()
		s.client.loses(arriving, anyFIN)
		server.finish()
		s.traceGoesOn(8 * time.Second)
		s.ask(fsm.Established, fsm.FinWait1)
	}, find: []finding{{"fin-unanswered", "still-trying", clientAddr}}},

	{name: "FIN lost and then aborted", play: func(s *story) {
		client, server := s.connect()
		s.loseFINForGood()
		server.finish()
		s.traceGoesOn(7 * time.Second)
		s.ask(fsm.Established, fsm.FinWait1)
		client.abort()
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "aborted", clientAddr}}},
}

// loseFINForGood lets one FIN of the server reach the wire, but not the client.
func (s *story) loseFINForGood() {
	s.Helper()
	s.client.loses(arriving, anyFIN)
	s.server.losesAfter(1, leaving, anyFIN)
}
