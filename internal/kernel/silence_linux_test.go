package kernel

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// The server is cut off: what reaches its wire does not reach its TCP.
var silences = []testCase{
	{name: "keep-alives unanswered", run: func(s *testRun) {
		client, _ := s.connect()
		s.server.loses(arriving, anything)
		keepAlive(client)
		s.tap.await(1, sentBy(s.client).with(anyRST))
		s.await(fsm.Closed, fsm.Established).
			looksLike(s.server, fsm.Closed, "the RST was seen to leave, and nothing shows that it was lost")
	}, find: []finding{{"dead-peer", "keepalive", serverAddr}}},

	{name: "data unanswered", run: func(s *testRun) {
		client, _ := s.connect()
		s.server.loses(arriving, anything)
		client.set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 2500)
		client.send(100)
		s.await(fsm.Closed, fsm.Established).
			looksLike(s.client, fsm.Established, "it gave up without a word")
		s.keepRecording(4 * time.Second)
	}, set: []setting{{"dead-peer", "patience", 5}}, find: []finding{{"dead-peer", "data", serverAddr}}},

	{name: "server away for a moment", set: []setting{neverStalls}, run: func(s *testRun) {
		client, server := s.connect()
		away := s.server.loses(arriving, anything)
		client.send(100)
		s.tap.await(5, data(s.client)) // one was there before
		away.repair()
		server.receive(100)
		s.await(fsm.Established, fsm.Established)
		s.keepRecording(500 * time.Millisecond)
	}},
}
