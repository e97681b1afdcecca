package kernel

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The client sends, the server does not read: KB Q117317. Linux probes 0.2 s
// after the window shut, and then after twice the time, again and again.
var zeroWindows = []tale{
	{name: "window stays shut", play: func(s *story) {
		_, _, shut := s.shutWindow()
		s.tap.await(4, probes(s, shut))
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"zero-window-probe-loop", "stalled", serverAddr}}},

	{name: "closed behind a shut window", play: func(s *story) {
		client, _, shut := s.shutWindow()
		client.finish()
		s.ask(fsm.FinWait1, fsm.Established).
			seems(s.client, fsm.Established, "its FIN waits behind data that the window keeps back")
		s.tap.await(4, probes(s, shut))
	}, find: []finding{{"zero-window-probe-loop", "stalled", serverAddr}}},

	{name: "reader vanishes", play: func(s *story) {
		_, _, shut := s.shutWindow()
		s.tap.await(1, probes(s, shut))
		s.server.loses(arriving, anything)
		s.tap.await(5, probes(s, shut))
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"zero-window-probe-loop", "ghosted", serverAddr}}},

	{name: "reader wakes up", play: func(s *story) {
		_, server, shut := s.shutWindow()
		s.tap.await(3, probes(s, shut))
		server.receive(pending)
		s.ask(fsm.Established, fsm.Established)
		s.traceGoesOn(500 * time.Millisecond)
	}, find: []finding{{"zero-window-probe-loop", "recovered", serverAddr}}},

	{name: "reader killed", play: func(s *story) {
		_, server, shut := s.shutWindow()
		s.tap.await(3, probes(s, shut))
		s.ask(fsm.Established, fsm.Established)
		server.close()
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"zero-window-probe-loop", "aborted", serverAddr}}},

	{name: "reader restarted", play: func(s *story) {
		_, server, shut := s.shutWindow()
		s.tap.await(3, probes(s, shut))
		silenced := s.server.loses(leaving, anyRST)
		server.close()
		s.ask(fsm.Established, fsm.Closed).
			seems(s.server, fsm.Established, "it went down without a word")
		silenced.mended()
		s.tap.await(1, sentBy(s.server).with(anyRST))
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"zero-window-probe-loop", "reset", serverAddr}}},

	{name: "sender aborts", play: func(s *story) {
		client, _, shut := s.shutWindow()
		s.tap.await(3, probes(s, shut))
		client.abort()
		s.ask(fsm.Closed, fsm.Closed)
	}, find: []finding{{"zero-window-probe-loop", "gave-up", serverAddr}}},

	{name: "sender gives up", play: func(s *story) {
		client, _, _ := s.shutWindow()
		client.set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 2000)
		s.ask(fsm.Closed, fsm.Established).
			seems(s.client, fsm.Established, "it gave up without a word")
		s.traceGoesOn(5 * time.Second)
	}, find: []finding{{"zero-window-probe-loop", "gave-up", serverAddr}}},

	{name: "window shut for a moment", play: func(s *story) {
		s.client.losesAfter(2, leaving, pureACK) // the handshake's, and one probe, however slow this machine is
		_, server, shut := s.shutWindow()
		s.tap.await(1, probes(s, shut))
		server.receive(pending)
		s.ask(fsm.Established, fsm.Established)
	}},
}

const (
	// pending is how much the client wants to send, more than the server has
	// room for. Neither is much, to keep the recordings small.
	pending = 24_000
	room    = 4_000
)

// shutWindow connects and has the client send until the server's window is
// shut, at the moment that is returned.
func (s *story) shutWindow() (client, server *socket, shut int64) {
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
	shut = s.tap.await(1, sight(func(seg *reassembly.Segment) bool {
		return sentBy(s.server)(seg) && seg.Window == 0
	})).At
	return client, server, shut
}

// probes sees what the client sends after the window was shut. What was on its
// way by then comes at once, and the first probe not before the smallest RTO.
func probes(s *story, shut int64) sight {
	const minRTO = 200 * time.Millisecond // Linux, TCP_RTO_MIN
	return sentBy(s.client).after(shut + int64(minRTO/2))
}
