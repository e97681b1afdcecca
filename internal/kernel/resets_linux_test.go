package kernel

import (
	"github.com/tcptrace-go/tcptrace/fsm"
)

// How connections end without order. None of it is a finding of its own.
var resets = []tale{
	{name: "refused", play: func(s *story) {
		s.record()
		s.client.socket(clientPort).dial(serverPort)
		s.tap.await(1, sentBy(s.server).with(anyRST))
		s.ask(fsm.Closed, fsm.Closed)
	}},

	{name: "aborted", play: func(s *story) {
		client, _ := s.connect()
		client.abort()
		s.ask(fsm.Closed, fsm.Closed)
	}},

	{name: "closed with unread data", play: func(s *story) {
		client, server := s.connect()
		client.send(100)
		s.tap.await(1, sentBy(s.server).after(s.tap.await(2, data(s.client)).At)) // it has arrived
		server.close()
		s.ask(fsm.Closed, fsm.Closed)
	}},

	{name: "data after close", play: func(s *story) {
		client, server := s.connect()
		server.close()
		s.ask(fsm.CloseWait, fsm.FinWait2)
		client.send(100)
		s.ask(fsm.Closed, fsm.Closed)
	}},

	{name: "RST lost", play: func(s *story) {
		client, _ := s.connect()
		s.server.loses(arriving, anyRST)
		client.abort()
		s.tap.await(1, sentBy(s.client).with(anyRST))
		s.ask(fsm.Closed, fsm.Established).
			seems(s.server, fsm.Closed, "the RST was seen to leave, and nothing shows that it was lost")
	}},

	{name: "client restarted", play: func(s *story) { // RFC 9293 figure 9
		s.connect()
		s.forget(s.client)
		s.ask(fsm.Closed, fsm.Established).
			seems(s.client, fsm.Established, "it went down without a word")
		listener := s.server.socket(serverPort).listen(1)
		s.client.socket(clientPort).dial(serverPort)
		listener.accept() // the half-open connection is reset, and the SYN comes again after a second
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"challenged-syn", "connected", serverAddr}}},
}
