package kernel

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	detectloss "github.com/tcptrace-go/tcptrace/detectors/loss"
	"github.com/tcptrace-go/tcptrace/internal/engine"
)

// TestSpurious has timeouts that the kernel undoes, which random cases hardly have: ACKs
// are late, so that a tail probe sends the last of three segments again and a timeout the
// first. Then the timestamp of an ACK (RFC 3522), or without timestamps the second segment, which was sent only
// once (F-RTO, RFC 5682), shows that nothing was lost. Every timeout that the kernel undid (TCPLossUndo; of
// these, TCPSpuriousRTOs by F-RTO) is a spurious retransmission for tcptrace, too.
func TestSpurious(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: the kernel's timers run in real time")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root may create network namespaces and record frames")
	}
	for name, counter := range map[string]string{"timestamps": "TCPLossUndo", "no timestamps": "TCPSpuriousRTOs"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testSpurious(t, name == "timestamps", counter)
		})
	}
}

func testSpurious(t *testing.T, timestamps bool, counter string) {
	const rounds, full = 3, 1400
	s := &testRun{T: t}
	s.client, s.server = newHosts(t)
	if !timestamps {
		s.client.sysctl("net/ipv4/tcp_timestamps", "0")
	}
	client, server := s.connect()
	s.client.sendsPackets()
	for range rounds {
		start := s.tap.last(s.client).At
		s.server.hold()
		client.send(3 * full)
		server.receive(3 * full)
		late := s.tap.await(5, data(s.client).after(start)) // three, a tail probe and a timeout
		s.server.release()
		s.tap.await(1, sentBy(s.server).after(late.At))
		client.awaitAcknowledged()
	}
	kernel := s.client.counters()
	file := filepath.Join(keepIn(t), "spurious.pcap")
	s.tap.write(file)

	settings := &detectors.Settings{TimeWait: engine.DefaultTimeWait}
	must(t, settings.Set(detectloss.Retransmissions, "min-resent", 1))
	rep, err := tcptrace.Analyze(context.Background(), tcptrace.Options{Detectors: []*detectors.Detector{detectloss.Retransmissions}, Settings: settings}, file)
	must(t, err)
	ours := map[string]int{}
	for i := range rep.Findings {
		f := &rep.Findings[i]
		t.Logf("%s: %s", f.Verdict, f.Message)
		for _, m := range f.Metrics {
			if n, is := m.Value.(int); is && f.Verdict == detectors.Seen {
				ours[m.Name] += n
			}
		}
	}
	t.Logf("the kernel: %d timeouts, %d undone, %d of these by F-RTO; %d tail probes, %d segments sent again", kernel["TCPTimeouts"], kernel["TCPLossUndo"], kernel["TCPSpuriousRTOs"], kernel["TCPLossProbes"], kernel["RetransSegs"])
	t.Logf("tcptrace: %v", ours)
	if kernel[counter] == 0 {
		t.Skipf("skipped: %s is 0, as this machine was too slow, or its kernel undoes no timeout", counter)
	}
	if ours["spurious"] < kernel["TCPLossUndo"] || ours["spurious"] > kernel["RetransSegs"] {
		t.Errorf("tcptrace has %d spurious retransmissions; the kernel undid %d timeouts, and sent %d segments again", ours["spurious"], kernel["TCPLossUndo"], kernel["RetransSegs"])
	}
}

// awaitAcknowledged waits until the kernel has nothing more to send, and everything is acknowledged.
func (s *socket) awaitAcknowledged() {
	s.h.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if n, err := unix.IoctlGetInt(s.fd, unix.SIOCOUTQ); err == nil && n == 0 {
			return
		}
	}
	s.h.t.Fatalf("not everything was acknowledged within %v", patience)
}
