package kernel

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// How connections end without order, and what is taken for an end and is none.
var resets = []tale{
	{name: "refused", play: func(s *story) {
		s.record()
		s.client.socket(clientPort).dial(serverPort)
		s.tap.await(1, sentBy(s.server).with(anyRST))
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "refused", serverAddr}}},

	{name: "aborted", play: func(s *story) {
		client, _ := s.connect()
		client.abort()
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "aborted", clientAddr}}},

	{name: "closed with unread data", play: func(s *story) {
		client, server := s.connect()
		client.send(100)
		s.tap.await(1, sentBy(s.server).after(s.tap.await(2, data(s.client)).At)) // it has arrived
		server.close()
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "unread-data", serverAddr}}},

	{name: "data after close", play: func(s *story) {
		client, server := s.connect()
		server.close()
		s.ask(fsm.CloseWait, fsm.FinWait2)
		client.send(100)
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "data-after-close", clientAddr}}},

	{name: "request crosses FIN", play: func(s *story) {
		client, server := s.connect()
		s.server.hold()
		server.close()
		client.send(100)
		s.tap.await(2, data(s.client))
		s.server.release()
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "data-after-close", serverAddr}}},

	{name: "server restarted", play: func(s *story) {
		client, _ := s.connect()
		s.forget(s.server)
		client.send(100)
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "half-open", serverAddr}}},

	{name: "one byte to a server that was restarted", play: func(s *story) { // where keep-alives are, but none
		client, _ := s.connect()
		s.forget(s.server)
		client.send(1)
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "half-open", serverAddr}}},

	{name: "keep-alive to a server that was restarted", play: func(s *story) {
		client, _ := s.connect()
		keepAlive(client)
		s.forget(s.server)
		s.tap.await(1, sentBy(s.server).with(anyRST))
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "keepalive-refused", serverAddr}}},

	{name: "client does not wait for the SYN-ACK", play: func(s *story) {
		s.record()
		s.server.socket(serverPort).listen(1)
		s.server.hold()
		client := s.client.socket(clientPort).dial(serverPort)
		s.ask(fsm.SynSent, fsm.SynReceived).
			seems(s.server, fsm.Closed, "its SYN-ACK is still on hold")
		client.close()
		s.server.release()
		s.tap.await(1, sentBy(s.client).with(anyRST))
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "handshake-reset", clientAddr}}},

	{name: "FIN sent again to a TIME_WAIT that is gone", play: func(s *story) {
		lost := s.losesLastACK()
		s.forget(s.client)
		lost.mended()
		s.tap.await(1, sentBy(s.client).with(anyRST))
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "stale", serverAddr}}},

	{name: "firewall resets a late ACK", play: func(s *story) { // as the node before a pod does (kubernetes#74839)
		client, server := s.connect()
		s.client.rejectsFirst(1, pureACK)
		s.forges(s.server, reassembly.ACK, 0, -50) // acknowledges half of what it has acknowledged
		s.tap.await(1, sentBy(s.client).with(anyRST))
		time.Sleep(10 * time.Millisecond) // what follows at once may have been on its way
		client.send(100)
		server.receive(100)
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"reset-cause", "late-ack", clientAddr}}},

	{name: "RST in the server's name", play: func(s *story) {
		_, server := s.connect()
		s.forges(s.server, reassembly.RST, 0, 0)
		s.ask(fsm.Closed, fsm.Established).
			seems(s.server, fsm.Closed, "nothing shows yet that the RST is not its own")
		time.Sleep(10 * time.Millisecond)
		server.send(100) // it knows nothing of it, and meets no socket any more
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "suspected-injection", serverAddr}}},

	{name: "RST elsewhere in the window", play: func(s *story) { // RFC 5961 3.2
		client, server := s.connect()
		s.forges(s.server, reassembly.RST, 1000, 0)
		s.tap.await(1, sentBy(s.client).after(s.tap.await(1, sentBy(s.server).with(anyRST)).At))
		time.Sleep(10 * time.Millisecond)
		server.send(100)
		client.receive(100)
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"forged-reset", "ignored", serverAddr}}},

	{name: "RST lost", play: func(s *story) {
		client, _ := s.connect()
		s.server.loses(arriving, anyRST)
		client.abort()
		s.tap.await(1, sentBy(s.client).with(anyRST))
		s.ask(fsm.Closed, fsm.Established).
			seems(s.server, fsm.Closed, "the RST was seen to leave, and nothing shows that it was lost")
	}, find: []finding{{"reset-cause", "aborted", clientAddr}}},

	{name: "client restarted after it had closed", play: func(s *story) {
		client, server := s.connect()
		client.finish()
		s.ask(fsm.FinWait2, fsm.CloseWait)
		s.forget(s.client)
		silenced := s.client.loses(leaving, anyRST)
		s.client.socket(clientPort).dial(serverPort)
		s.tap.await(2, sentBy(s.server).with(pureACK).after(s.tap.await(2, sentBy(s.client).with(anySYN)).At)) // it challenges both SYNs
		s.ask(fsm.SynSent, fsm.CloseWait)
		silenced.mended()
		server.send(100)
		s.ask(fsm.SynSent, fsm.Closed)
	}, find: []finding{{"reset-cause", "data-after-close", serverAddr}}},

	{name: "client restarted", play: func(s *story) { // RFC 9293 figure 9
		s.connect()
		s.forget(s.client)
		s.ask(fsm.Closed, fsm.Established).
			seems(s.client, fsm.Established, "it went down without a word")
		listener := s.server.socket(serverPort).listen(1)
		s.client.socket(clientPort).dial(serverPort)
		listener.accept() // the half-open connection is reset, and the SYN comes again after a second
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"reset-cause", "half-open", clientAddr}, {"challenged-syn", "connected", serverAddr}}},
}
