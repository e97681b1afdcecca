package kernel

import (
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Windows. Linux probes a closed one, so these cases drop its probes; and it does not
// shrink a window unless it is described to.
var windows = []testCase{
	{name: "probes never leave", run: func(s *testRun) {
		s.client.losesAfter(1, leaving, pureACK) // all but the handshake's
		s.closeWindow()
		s.await(fsm.Established, fsm.Established)
		s.keepRecording(threeRTO)
	}, set: soon, find: []finding{{"zero-window-deadlock", "stuck", clientAddr}}},

	{name: "update lost and probes never leave", run: func(s *testRun) {
		s.client.losesAfter(1, leaving, pureACK)
		_, server, shut := s.closeWindow()
		s.client.loses(arriving, anything)
		s.readAll(server)
		s.tap.await(1, func(seg *reassembly.Segment) bool { return sentBy(s.server)(seg) && seg.At > shut && seg.Window > 0 })
		s.await(fsm.Established, fsm.Established)
		s.keepRecording(threeRTO)
	}, set: soon, find: []finding{{"zero-window-deadlock", "update-lost", clientAddr}}},

	{name: "window reopened for a sender that never observed", run: func(s *testRun) {
		s.client.losesAfter(1, leaving, pureACK)
		_, server, _ := s.closeWindow()
		s.keepRecording(threeRTO)
		server.receive(pending)
		s.await(fsm.Established, fsm.Established)
	}, set: soon, find: []finding{{"zero-window-deadlock", "resumed", clientAddr}}},

	{name: "said all before a closed window", run: func(s *testRun) {
		s.fillWindow()
		s.await(fsm.Established, fsm.Established)
		s.keepRecording(threeRTO)
	}, set: soon},

	{name: "window taken back", run: func(s *testRun) {
		s.server.sysctl("net/ipv4/tcp_shrink_window", "1")
		client, server := s.connect()
		server.set(unix.SOL_SOCKET, unix.SO_RCVBUF, room)
		client.send(1000)
		s.tap.await(1, sentBy(s.server).after(s.tap.await(2, data(s.client)).At))
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"window-shrunk", "taken-back", serverAddr}}},

	{name: "buffer made smaller", run: func(s *testRun) {
		client, server := s.connect()
		server.set(unix.SOL_SOCKET, unix.SO_RCVBUF, room)
		client.send(1000)
		s.tap.await(1, sentBy(s.server).after(s.tap.await(2, data(s.client)).At))
		s.await(fsm.Established, fsm.Established)
	}},

	{name: "buffer smaller than a segment", set: []setting{{"zero-window-probe-loop", "min-probes", 1000}}, run: func(s *testRun) {
		s.record()
		listener := s.server.socket(serverPort)
		listener.set(unix.SOL_SOCKET, unix.SO_RCVBUF, 1) // the kernel makes it a little more
		listener.listen(1)
		client := s.client.socket(clientPort).dial(serverPort)
		server := listener.accept()
		listener.close()
		client.send(pending)
		for left := pending; left > 0; { // a round trip of 20 ms for each window
			s.server.hold()
			left -= server.receiveSome(left)
			time.Sleep(20 * time.Millisecond)
			s.server.release()
		}
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"small-window", "silly", serverAddr}}},

	{name: "scale lost on the way", run: func(s *testRun) {
		s.server.rewrites(leaving, synACK, scaleOption, []byte{1, 1, 1}) // NOPs
		_, server := s.connect()
		server.send(200_000)
		s.await(fsm.Established, fsm.Established)
		s.keepRecording(4 * time.Second) // it must retransmit what the client had no room for, and then wait for the window
	}, find: []finding{{"window-overrun", "dropped", serverAddr}, {"zero-window-probe-loop", "stalled", clientAddr}}},
}

// threeRTO is the minimum that tcptrace waits for a timer.
const threeRTO = 3200 * time.Millisecond

var soon = []setting{{"zero-window-deadlock", "patience", 3}}

// readAll makes the server read everything that it has acknowledged.
func (s *testRun) readAll(server *socket) {
	s.Helper()
	first := s.tap.await(1, data(s.client))
	server.receive(int(s.tap.last(s.server).Ack - first.Seq))
}

// fillWindow makes the client send exactly the server's window.
func (s *testRun) fillWindow() {
	s.Helper()
	s.record()
	listener := s.server.socket(serverPort)
	listener.set(unix.SOL_SOCKET, unix.SO_RCVBUF, room)
	listener.listen(1)
	client := s.client.socket(clientPort).dial(serverPort)
	server := listener.accept()
	listener.close()
	server.send(1)
	client.receive(1)
	for last := s.tap.last(s.server); last.Window > 0; {
		client.send(int(last.Window))
		all := last.Ack + reassembly.Seq(last.Window)
		last = s.tap.await(1, func(seg *reassembly.Segment) bool { return sentBy(s.server)(seg) && seg.Ack == all })
	}
}

// scaleOption is the offset of the window scale option in a SYN-ACK of Linux: after
// MSS, SACK-permitted, timestamps and a NOP.
const scaleOption = 20 + 4 + 2 + 10 + 1

// rewrites changes bytes in the TCP headers of the segments of a kind.
func (h *host) rewrites(at *nftables.ChainHook, k kind, offset uint32, bytes []byte) {
	h.t.Helper()
	const checksum = 16 // offset in the TCP header
	h.change(at, k,
		&expr.Immediate{Register: 1, Data: bytes},
		&expr.Payload{
			OperationType: expr.PayloadWrite, SourceRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: offset,
			Len: uint32(len(bytes)), CsumType: expr.CsumTypeInet, CsumOffset: checksum,
		})
}
