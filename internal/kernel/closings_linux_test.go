package kernel

import (
	"github.com/tcptrace-go/tcptrace/fsm"
)

// How connections end in order, and what may delay that.
var closings = []tale{
	{name: "half close", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(fsm.FinWait2, fsm.CloseWait)
		server.send(3000)
		client.receive(3000)
		s.ask(fsm.FinWait2, fsm.CloseWait)
		server.close()
		s.ask(fsm.TimeWait, fsm.Closed)
	}},

	{name: "FIN lost and sent again", play: func(s *story) {
		client, _ := s.connect()
		lost := s.server.loses(arriving, anyFIN)
		client.finish()
		s.ask(fsm.FinWait1, fsm.Established)
		s.tap.await(4, sentBy(s.client).with(anyFIN))
		s.ask(fsm.FinWait1, fsm.Established)
		lost.mended()
		s.ask(fsm.FinWait2, fsm.CloseWait)
	}},

	{name: "second FIN lost and sent again", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(fsm.FinWait2, fsm.CloseWait)
		lost := s.client.loses(arriving, anyFIN)
		server.close()
		s.ask(fsm.FinWait2, fsm.LastAck)
		s.tap.await(4, sentBy(s.server).with(anyFIN))
		s.ask(fsm.FinWait2, fsm.LastAck)
		lost.mended()
		s.ask(fsm.TimeWait, fsm.Closed)
	}},

	{name: "last ACK lost", play: func(s *story) {
		lost := s.losesLastACK()
		s.tap.await(4, sentBy(s.server).with(anyFIN))
		s.ask(fsm.TimeWait, fsm.LastAck).
			atMost(s.server, fsm.Closed, "the ACK of the repeated FIN may have arrived")
		lost.mended()
		s.ask(fsm.TimeWait, fsm.Closed)
	}},

	{name: "last ACK never sent", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(fsm.FinWait2, fsm.CloseWait)
		s.client.loses(leaving, pureACK)
		server.close()
		s.ask(fsm.TimeWait, fsm.LastAck).
			seems(s.client, fsm.FinWait2, "nothing shows that the FIN arrived")
		s.tap.await(4, sentBy(s.server).with(anyFIN))
	}},

	{name: "one side closing", play: func(s *story) {
		client, server := s.connect()
		clientDeaf, serverDeaf := s.client.loses(arriving, anyFIN), s.server.loses(arriving, anyFIN)
		client.finish()
		server.finish()
		s.ask(fsm.FinWait1, fsm.FinWait1)
		clientDeaf.mended()
		s.ask(fsm.Closing, fsm.FinWait2)
		serverDeaf.mended()
		s.ask(fsm.TimeWait, fsm.TimeWait)
	}},

	{name: "both sides closing", play: func(s *story) {
		client, server := s.connect()
		s.client.hold()
		s.server.hold()
		client.finish()
		server.finish()
		s.ask(fsm.FinWait1, fsm.FinWait1).
			seems(s.client, fsm.Established, "its FIN is still on hold").
			seems(s.server, fsm.Established, "its FIN is still on hold")
		var faults []*loss
		for _, h := range []*host{s.client, s.server} {
			faults = append(faults, h.loses(arriving, pureACK), h.losesAfter(1, arriving, anyFIN))
		}
		s.client.release()
		s.server.release()
		s.ask(fsm.Closing, fsm.Closing).
			atMost(s.client, fsm.TimeWait, "the server's ACK was seen to leave, not to arrive").
			atMost(s.server, fsm.TimeWait, "the client's ACK was seen to leave, not to arrive")
		for _, f := range faults {
			f.mended()
		}
		s.ask(fsm.TimeWait, fsm.TimeWait)
	}},
}

// losesLastACK closes both sides, the client first, whose last ACK is lost.
func (s *story) losesLastACK() *loss {
	s.Helper()
	client, server := s.connect()
	client.finish()
	s.ask(fsm.FinWait2, fsm.CloseWait)
	lost := s.server.loses(arriving, pureACK)
	server.close()
	s.ask(fsm.TimeWait, fsm.LastAck).
		atMost(s.server, fsm.Closed, "the last ACK was seen to leave, not to arrive")
	return lost
}
