package kernel

import (
	. "github.com/tcptrace-go/tcptrace/fsm"
)

// How connections end in order, and what may delay that.
var closings = []tale{
	{name: "half close", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(FinWait2, CloseWait)
		server.send(3000)
		client.receive(3000)
		s.ask(FinWait2, CloseWait)
		server.close()
		s.ask(TimeWait, Closed)
	}},

	{name: "FIN lost and sent again", play: func(s *story) {
		client, _ := s.connect()
		lost := s.server.loses(arriving, anyFIN)
		client.finish()
		s.ask(FinWait1, Established)
		s.tap.await(4, sentBy(s.client).with(anyFIN))
		s.ask(FinWait1, Established)
		lost.mended()
		s.ask(FinWait2, CloseWait)
	}},

	{name: "second FIN lost and sent again", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(FinWait2, CloseWait)
		lost := s.client.loses(arriving, anyFIN)
		server.close()
		s.ask(FinWait2, LastAck)
		s.tap.await(4, sentBy(s.server).with(anyFIN))
		s.ask(FinWait2, LastAck)
		lost.mended()
		s.ask(TimeWait, Closed)
	}},

	{name: "last ACK lost", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(FinWait2, CloseWait)
		lost := s.server.loses(arriving, pureACK)
		server.close()
		s.ask(TimeWait, LastAck).
			atMost(s.server, Closed, "the last ACK was seen to leave, not to arrive")
		s.tap.await(4, sentBy(s.server).with(anyFIN))
		s.ask(TimeWait, LastAck).
			atMost(s.server, Closed, "the ACK of the repeated FIN may have arrived")
		lost.mended()
		s.ask(TimeWait, Closed)
	}},

	{name: "last ACK never sent", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(FinWait2, CloseWait)
		s.client.loses(leaving, pureACK)
		server.close()
		s.ask(TimeWait, LastAck).
			seems(s.client, FinWait2, "nothing shows that the FIN arrived")
		s.tap.await(4, sentBy(s.server).with(anyFIN))
	}},

	{name: "one side closing", play: func(s *story) {
		client, server := s.connect()
		clientDeaf, serverDeaf := s.client.loses(arriving, anyFIN), s.server.loses(arriving, anyFIN)
		client.finish()
		server.finish()
		s.ask(FinWait1, FinWait1)
		clientDeaf.mended()
		s.ask(Closing, FinWait2)
		serverDeaf.mended()
		s.ask(TimeWait, TimeWait)
	}},

	{name: "both sides closing", play: func(s *story) {
		client, server := s.connect()
		s.client.hold()
		s.server.hold()
		client.finish()
		server.finish()
		s.ask(FinWait1, FinWait1).
			seems(s.client, Established, "its FIN is still on hold").
			seems(s.server, Established, "its FIN is still on hold")
		var faults []*loss
		for _, h := range []*host{s.client, s.server} {
			faults = append(faults, h.loses(arriving, pureACK), h.losesAfter(1, arriving, anyFIN))
		}
		s.client.release()
		s.server.release()
		s.ask(Closing, Closing).
			atMost(s.client, TimeWait, "the server's ACK was seen to leave, not to arrive").
			atMost(s.server, TimeWait, "the client's ACK was seen to leave, not to arrive")
		for _, f := range faults {
			f.mended()
		}
		s.ask(TimeWait, TimeWait)
	}},
}
