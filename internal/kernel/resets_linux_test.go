package kernel

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Abnormal ends of connections, and what looks like an end but is none.
var resets = []testCase{
	{name: "refused", run: func(s *testRun) {
		s.record()
		s.client.socket(clientPort).dial(serverPort)
		s.tap.await(1, sentBy(s.server).with(anyRST))
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "refused", serverAddr}}},

	{name: "aborted", run: func(s *testRun) {
		client, _ := s.connect()
		client.abort()
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "aborted", clientAddr}}},

	{name: "closed with unread data", run: func(s *testRun) {
		client, server := s.connect()
		client.send(100)
		s.tap.await(1, sentBy(s.server).after(s.tap.await(2, data(s.client)).At)) // it has arrived
		server.close()
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "unread-data", serverAddr}}},

	{name: "data after close", run: func(s *testRun) {
		client, server := s.connect()
		server.close()
		s.await(fsm.CloseWait, fsm.FinWait2)
		time.Sleep(time.Second) // sooner, the client might not have been told that the server had closed
		client.send(100)
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "data-after-close", clientAddr}}},

	{name: "request crosses FIN", run: func(s *testRun) {
		client, server := s.connect()
		s.server.hold()
		server.close()
		client.send(100)
		s.tap.await(2, data(s.client))
		s.server.release()
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "data-after-close", serverAddr}}},

	{name: "server restarted", run: func(s *testRun) {
		client, _ := s.connect()
		s.forget(s.server)
		client.send(100)
		s.await(fsm.Closed, fsm.Closed)
	}}, // undecided: no host restarts so soon

	{name: "one byte to a server that was restarted", run: func(s *testRun) { // at the sequence number of a keep-alive, but none
		client, _ := s.connect()
		s.forget(s.server)
		client.send(1)
		s.await(fsm.Closed, fsm.Closed)
	}}, // undecided: no host restarts so soon

	{name: "keep-alive to a server that was restarted", run: func(s *testRun) {
		client, _ := s.connect()
		keepAlive(client)
		s.forget(s.server)
		s.tap.await(1, sentBy(s.server).with(anyRST))
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "keepalive-refused", serverAddr}}},

	{name: "client does not wait for the SYN-ACK", run: func(s *testRun) {
		s.record()
		s.server.socket(serverPort).listen(1)
		s.server.hold()
		client := s.client.socket(clientPort).dial(serverPort)
		s.await(fsm.SynSent, fsm.SynReceived).
			looksLike(s.server, fsm.Closed, "its SYN-ACK is still on hold")
		client.close()
		s.server.release()
		s.tap.await(1, sentBy(s.client).with(anyRST))
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "handshake-reset", clientAddr}}},

	{name: "FIN sent again to a TIME_WAIT that is gone", run: func(s *testRun) {
		lost := s.losesLastACK()
		s.forget(s.client)
		lost.repair()
		s.tap.await(1, sentBy(s.client).with(anyRST))
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "stale", serverAddr}}},

	{name: "firewall resets a late ACK", run: func(s *testRun) { // as the node of a pod does (kubernetes#74839)
		client, server := s.connect()
		s.client.rejectsFirst(1, pureACK)
		s.forges(s.server, reassembly.ACK, 0, -50, 0) // acknowledges half of what it has acknowledged
		s.tap.await(1, sentBy(s.client).with(anyRST))
		time.Sleep(10 * time.Millisecond) // what follows immediately may have been in flight
		client.send(100)
		server.receive(100)
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"reset-cause", "late-ack", clientAddr}}},

	{name: "RST in the server's name", run: func(s *testRun) {
		_, server := s.connect()
		s.forges(s.server, reassembly.RST, 0, 0, 0)
		s.await(fsm.Closed, fsm.Established).
			looksLike(s.server, fsm.Closed, "nothing shows yet that the RST is not its own")
		time.Sleep(10 * time.Millisecond)
		server.send(100) // it has not received that, and there is no socket any more
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"reset-cause", "suspected-injection", serverAddr}}},

	{name: "RST elsewhere in the window", run: func(s *testRun) { // RFC 5961 3.2
		client, server := s.connect()
		s.forges(s.server, reassembly.RST, 1000, 0, 40) // the IP ID that the kernel gives it may happen to lie near those of the connection
		s.tap.await(1, sentBy(s.client).after(s.tap.await(1, sentBy(s.server).with(anyRST)).At))
		time.Sleep(10 * time.Millisecond)
		server.send(100)
		client.receive(100)
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"forged-reset", "ignored", serverAddr}}},

	{name: "RST lost", run: func(s *testRun) {
		client, _ := s.connect()
		s.server.loses(arriving, anyRST)
		client.abort()
		s.tap.await(1, sentBy(s.client).with(anyRST))
		s.await(fsm.Closed, fsm.Established).
			looksLike(s.server, fsm.Closed, "the RST was seen to leave, and nothing shows that it was lost")
	}, find: []finding{{"reset-cause", "aborted", clientAddr}}},

	{name: "client restarted after it had closed", run: func(s *testRun) {
		client, server := s.connect()
		client.finish()
		s.await(fsm.FinWait2, fsm.CloseWait)
		s.forget(s.client)
		silenced := s.client.loses(leaving, anyRST)
		s.client.socket(clientPort).dial(serverPort)
		s.tap.await(2, sentBy(s.server).with(pureACK).after(s.tap.await(2, sentBy(s.client).with(anySYN)).At)) // it challenges both SYNs
		s.client.loses(leaving, anySYN)                                                                        // else one more SYN, and its challenge, draw the RST first
		s.await(fsm.SynSent, fsm.CloseWait)
		silenced.repair()
		server.send(100)
		s.await(fsm.SynSent, fsm.Closed)
	}, find: []finding{{"reset-cause", "data-after-close", clientAddr}},
		slow: []finding{{"syn-unanswered", "no-answer", serverAddr}, {"challenged-syn", "stuck", serverAddr}}},

	{name: "client restarted", run: func(s *testRun) { // RFC 9293 figure 9
		s.connect()
		s.forget(s.client)
		s.await(fsm.Closed, fsm.Established).
			looksLike(s.client, fsm.Established, "it went down without a word")
		listener := s.server.socket(serverPort).listen(1)
		s.client.socket(clientPort).dial(serverPort)
		listener.accept() // the half-open connection is reset, and the SYN comes again after a second
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"reset-cause", "half-open", clientAddr}, {"challenged-syn", "connected", serverAddr}}},
}
