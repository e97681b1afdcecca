package kernel

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// recordOverdueFIN goes on until the host, which has sent FIN more than once, would have sent it again
// long ago: its timer doubles (RFC 6298 5.5).
func (s *testRun) recordOverdueFIN(h *host) {
	s.Helper()
	var at []int64
	for _, seg := range s.tap.seen() {
		if sentBy(h).with(anyFIN)(&seg) {
			at = append(at, seg.At)
		}
	}
	n := len(at)
	s.keepRecording(time.Duration(6*(at[n-1]-at[n-2])) + time.Second)
}

// Sockets that one side holds in a state that the other has left, or in which it
// waits in vain: KB Q137984. Timers of a minute or two are set to a second.
var heldSockets = []testCase{
	{name: "CLOSE_WAIT leaked", run: func(s *testRun) {
		client, _ := s.connect()
		client.finish()
		s.keepRecording(1200 * time.Millisecond)
		s.await(fsm.FinWait2, fsm.CloseWait)
	}, set: []setting{{"close-wait-leak", "idle", 1}},
		find: []finding{{"close-wait-leak", "idle", serverAddr}}},

	{name: "CLOSE_WAIT left late", run: func(s *testRun) {
		client, server := s.connect()
		client.finish()
		s.keepRecording(1200 * time.Millisecond)
		server.close()
		s.await(fsm.TimeWait, fsm.Closed)
	}, set: []setting{{"close-wait-leak", "idle", 1}},
		find: []finding{{"close-wait-leak", "late", serverAddr}}},

	{name: "CLOSE_WAIT outlives FIN_WAIT_2", run: func(s *testRun) {
		s.client.sysctl("net/ipv4/tcp_fin_timeout", "1")
		client, server := s.connect()
		client.finish() // the time counts from when nobody has the socket
		s.await(fsm.FinWait2, fsm.CloseWait)
		client.close()
		s.keepRecording(1500 * time.Millisecond)
		s.await(fsm.Closed, fsm.CloseWait).
			looksLike(s.client, fsm.FinWait2, "it gave up waiting, which leaves no trace")
		server.close()
		s.await(fsm.Closed, fsm.Closed)
	}, set: []setting{{"close-wait-leak", "idle", 1}},
		find: []finding{{"close-wait-leak", "late", serverAddr}}},

	{name: "half-close in use and in silence", run: func(s *testRun) {
		client, server := s.connect()
		client.finish()
		for range 3 {
			s.keepRecording(time.Second)
			server.send(100)
			client.receive(100)
		}
		s.await(fsm.FinWait2, fsm.CloseWait)
	}, set: []setting{{"close-wait-leak", "idle", 1}, {"half-close-cut", "idle", 1}}},

	{name: "half-close forgotten", run: func(s *testRun) {
		s.client.sysctl("net/ipv4/tcp_fin_timeout", "1")
		client, server := s.connect()
		client.finish()
		s.keepRecording(1200 * time.Millisecond)
		server.send(100)
		client.receive(100)
		s.await(fsm.FinWait2, fsm.CloseWait)
		client.close()
		s.keepRecording(1500 * time.Millisecond)
		s.await(fsm.Closed, fsm.CloseWait).
			looksLike(s.client, fsm.FinWait2, "it gave up waiting, which leaves no trace")
		server.send(100)
		s.await(fsm.Closed, fsm.Closed)
	}, set: []setting{{"half-close-cut", "idle", 1}},
		find: []finding{{"half-close-cut", "reset", clientAddr}}},

	{name: "FIN in vain, given up", run: func(s *testRun) {
		s.server.sysctl("net/ipv4/tcp_orphan_retries", "100")
		_, server := s.connect()
		s.client.loses(arriving, anything)
		server.close()
		s.await(fsm.Established, fsm.FinWait1)
		s.tap.await(3, sentBy(s.server).with(anyFIN))
		s.server.sysctl("net/ipv4/tcp_orphan_retries", "2") // it gives up when the timer expires next
		s.await(fsm.Established, fsm.Closed).
			looksLike(s.server, fsm.FinWait1, "it gave up, which leaves no trace")
		s.recordOverdueFIN(s.server)
	}, set: []setting{{"fin-unanswered", "patience", 1}},
		find: []finding{{"fin-unanswered", "exhausted", clientAddr}}},

	{name: "FIN in vain in LAST_ACK", run: func(s *testRun) {
		client, server := s.connect()
		client.finish()
		s.await(fsm.FinWait2, fsm.CloseWait)
		s.client.loses(arriving, anything)
		server.close()
		s.tap.await(4, sentBy(s.server).with(anyFIN))
		s.await(fsm.FinWait2, fsm.LastAck)
	}, set: []setting{{"fin-unanswered", "patience", 0.5}},
		find: []finding{{"fin-unanswered", "still-trying", clientAddr}}},

	{name: "TIME_WAIT and a newer SYN", run: func(s *testRun) {
		client, server := s.connect()
		server.finish()
		client.close()
		s.await(fsm.Closed, fsm.TimeWait)
		s.establish()
		s.await(fsm.Established, fsm.Established)
	}},

	{name: "TIME_WAIT and a SYN that may be old", run: func(s *testRun) {
		client, server := s.connect()
		server.finish()
		client.close()
		s.await(fsm.Closed, fsm.TimeWait)
		own, peer := s.tap.last(s.client), s.tap.last(s.server)
		syn := rawHeader(own.Src, peer.Src, reassembly.SYN, own.Seq-1e6, 0, 1024)
		s.client.sendRaw(unix.SOCK_RAW, unix.IPPROTO_TCP, 0, 0, syn)
		s.keepRecording(1200 * time.Millisecond)
	}, set: []setting{{"early-reuse", "patience", 1}},
		find: []finding{{"reset-cause", "stale", serverAddr}, {"early-reuse", "refused", clientAddr}}},

	{name: "FIN that never arrives at a living peer", run: func(s *testRun) {
		client, server := s.connect()
		s.client.loses(arriving, anyFIN)
		server.finish()
		s.keepRecording(1200 * time.Millisecond)
		client.send(100)
		server.receive(100)
		s.await(fsm.Established, fsm.FinWait1)
	}, set: []setting{{"fin-unanswered", "patience", 1}},
		find: []finding{{"fin-unanswered", "peer-unaware", clientAddr}}},
}
