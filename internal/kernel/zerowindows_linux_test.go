package kernel

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The client sends, the server does not read: KB Q117317. Linux sends the first
// probe 0.2 s after the window has closed, and doubles the interval for each further
// one.
var zeroWindows = []testCase{
	{name: "window stays shut", run: func(s *testRun) {
		_, _, shut := s.closeWindow()
		s.tap.await(4, probes(s, shut))
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"zero-window-probe-loop", "stalled", serverAddr}}},

	{name: "closed while the window is closed", run: func(s *testRun) {
		client, _, shut := s.closeWindow()
		client.finish()
		s.await(fsm.FinWait1, fsm.Established).
			looksLike(s.client, fsm.Established, "its FIN waits for data that does not fit into the window")
		s.tap.await(4, probes(s, shut))
	}, find: []finding{{"zero-window-probe-loop", "stalled", serverAddr}}},

	{name: "reader vanishes", run: func(s *testRun) {
		s.client.boundRTO()
		_, _, shut := s.closeWindow()
		s.tap.await(1, probes(s, shut))
		s.server.loses(arriving, anything)
		s.tap.await(4, probes(s, shut).after(time.Now().UnixNano()))
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"zero-window-probe-loop", "ghosted", serverAddr}}},

	{name: "reader wakes up", run: func(s *testRun) {
		_, server, shut := s.closeWindow()
		s.tap.await(3, probes(s, shut))
		server.receive(pending)
		s.await(fsm.Established, fsm.Established)
		s.keepRecording(500 * time.Millisecond)
	}, find: []finding{{"zero-window-probe-loop", "recovered", serverAddr}}},

	{name: "reader killed", run: func(s *testRun) {
		_, server, shut := s.closeWindow()
		s.tap.await(3, probes(s, shut))
		s.await(fsm.Established, fsm.Established)
		server.close()
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"zero-window-probe-loop", "aborted", serverAddr}}},

	{name: "reader restarted", run: func(s *testRun) {
		_, server, shut := s.closeWindow()
		s.tap.await(3, probes(s, shut))
		silenced := s.server.loses(leaving, anyRST)
		server.close()
		s.await(fsm.Established, fsm.Closed).
			looksLike(s.server, fsm.Established, "it went down without a word")
		silenced.repair()
		s.tap.await(1, sentBy(s.server).with(anyRST))
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"zero-window-probe-loop", "reset", serverAddr}}},

	{name: "sender aborts", run: func(s *testRun) {
		client, _, shut := s.closeWindow()
		s.tap.await(3, probes(s, shut))
		client.abort()
		s.await(fsm.Closed, fsm.Closed)
	}, find: []finding{{"zero-window-probe-loop", "gave-up", serverAddr}}},

	{name: "sender gives up", run: func(s *testRun) {
		client, _, _ := s.closeWindow()
		client.set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 2000)
		s.await(fsm.Closed, fsm.Established).
			looksLike(s.client, fsm.Established, "it gave up without a word")
		s.keepRecording(5 * time.Second)
	}, find: []finding{{"zero-window-probe-loop", "gave-up", serverAddr}}},

	{name: "window shut for a moment", run: func(s *testRun) {
		s.client.losesAfter(2, leaving, pureACK) // of the handshake, and one probe, even if this machine is slow
		_, server, shut := s.closeWindow()
		s.tap.await(1, probes(s, shut))
		server.receive(pending)
		s.await(fsm.Established, fsm.Established)
	}},
}

const (
	// pending is how much the client wants to send, more than the server's buffer.
	// Both are small, to keep the recordings small.
	pending = 24_000
	room    = 4_000
)

// closeWindow connects and makes the client send until the server's window is
// closed. It returns the time of that.
func (s *testRun) closeWindow() (client, server *socket, shut int64) {
	s.Helper()
	s.record()
	listener := s.server.socket(serverPort)
	listener.set(unix.SOL_SOCKET, unix.SO_RCVBUF, room)
	listener.listen(1)
	client = s.client.socket(clientPort)
	client.set(unix.SOL_SOCKET, unix.SO_SNDBUF, 2*pending)
	client.dial(serverPort)
	server = listener.accept()
	listener.close()
	client.send(pending)
	shut = s.tap.await(1, match(func(seg *reassembly.Segment) bool {
		return sentBy(s.server)(seg) && seg.Window == 0
	})).At
	return client, server, shut
}

// probes matches what the client sends after the window was closed. What was in
// flight then arrives immediately, and the first probe not before the minimum RTO.
func probes(s *testRun, shut int64) match {
	const minRTO = 200 * time.Millisecond // Linux, TCP_RTO_MIN
	return sentBy(s.client).after(shut + int64(minRTO/2))
}
