package catalogue_test

import (
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/closing"
	"github.com/tcptrace-go/tcptrace/detectors/loss"
	"github.com/tcptrace-go/tcptrace/detectors/opening"
	"github.com/tcptrace-go/tcptrace/detectors/path"
	"github.com/tcptrace-go/tcptrace/detectors/resets"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// findingsOf are the detector's findings in the scenarios of the files.
func findingsOf(t *testing.T, d *detectors.Detector, files ...string) iter.Seq[*result.Finding] {
	return func(yield func(*result.Finding) bool) {
		for _, f := range scenariotest.Files(t, files...) {
			for _, tr := range f.Traces {
				rep := analyse(t, tr, engine.Options{})
				for i := range rep.Findings {
					if f := &rep.Findings[i]; f.Detector == d.Name && !yield(f) {
						return
					}
				}
			}
		}
	}
}

// TestRetransmissions_cause: where duplicate ACKs came back, the cause of a stall does not say
// that nothing did.
func TestRetransmissions_cause(t *testing.T) {
	with, without := 0, 0
	for f := range findingsOf(t, loss.Retransmissions, "../testdata/retransmissions-unneeded.txtar") {
		if f.Outcome != "rto-stalls" {
			continue
		}
		came := strings.Contains(f.Message, "keeps only what comes in order")
		if said := strings.HasPrefix(f.Cause, "Duplicate ACKs came back"); said != came {
			t.Errorf("%s: cause %q", f.Message, f.Cause)
		}
		if came {
			with++
		} else {
			without++
		}
	}
	if with == 0 || without == 0 {
		t.Errorf("%d stalls with duplicate ACKs, %d without", with, without)
	}
}

// TestRetransmissions_heldUp: where most of what was sent again had arrived, the cause of stalls does not say that it was lost.
func TestRetransmissions_heldUp(t *testing.T) {
	said := map[bool]int{}
	for f := range findingsOf(t, loss.Retransmissions, "../testdata/retransmissions-stalls.txtar", "../testdata/retransmissions.txtar") {
		if f.Outcome != "rto-stalls" {
			continue
		}
		n := map[string]int{}
		for _, m := range f.Metrics {
			n[m.Name], _ = m.Value.(int)
		}
		most := 2*n["spurious"] > n["resent"]
		if strings.HasPrefix(f.Cause, "Most of what was sent again had arrived") != most && n["doubtful"] == 0 {
			t.Errorf("%s: cause %q", f.Message, f.Cause)
		}
		said[most]++
	}
	if said[true] == 0 || said[false] == 0 {
		t.Errorf("stalls, by whether most had arrived: %v", said)
	}
}

// TestMTUBlackhole_cause: where somebody told the sender by ICMP, the cause does not say that nobody does.
func TestMTUBlackhole_cause(t *testing.T) {
	said := map[bool]int{}
	for f := range findingsOf(t, path.MTUBlackhole, "../testdata/mtu-blackhole.txtar", "../testdata/icmp.txtar") {
		if f.Outcome != "stuck" && f.Outcome != "fell-back" {
			continue
		}
		told := strings.Contains(f.Message, "by ICMP: ")
		if said[told]++; strings.Contains(f.Cause, "A router said so") != told {
			t.Errorf("%s: cause %q", f.Message, f.Cause)
		}
	}
	if len(said) != 2 {
		t.Errorf("not all causes were given: %v", said)
	}
}

// TestFINUnanswered_cause: where a RST has another TTL, the cause does not say for sure that the peer sent it; where the peer was seen
// between its FINs, the cause does not say that it was down.
func TestFINUnanswered_cause(t *testing.T) {
	said, down := map[bool]int{}, map[bool]int{}
	for f := range findingsOf(t, closing.FINUnanswered, "../testdata/fin-unanswered.txtar") {
		if other := strings.Contains(f.Message, "Its TTL is"); strings.Contains(f.Cause, "answers in its place") != other {
			t.Errorf("%s: cause %q", f.Message, f.Cause)
		} else if strings.Contains(f.Message, "ended the connection with RST") {
			said[other]++
		}
		if f.Outcome == "reset" && strings.Contains(f.Message, "another connection (frame 4): its host was up then") {
			between := f.Evidence[1].Seg.At-f.Evidence[0].Seg.At == 5*int64(time.Second) // the answer came a second after the first FIN
			if down[between]++; strings.Contains(f.Cause, detectors.DownForAWhile) == between {
				t.Errorf("%s: cause %q", f.Message, f.Cause)
			}
		}
	}
	if len(said) != 2 || len(down) != 2 {
		t.Errorf("not all causes were given: %v, %v", said, down)
	}
}

// TestDeadPeer_cause: where the peer shows that it is up, no cause says that it may be gone.
func TestDeadPeer_cause(t *testing.T) {
	said := map[string]int{}
	for f := range findingsOf(t, path.DeadPeer, "../testdata/dead-peer.txtar", "../testdata/icmp.txtar") {
		if f.Outcome == "recovered" {
			continue
		}
		want := ""
		switch {
		case strings.Contains(f.Message, "it is up and has the connection"):
			want = "The peer is up and has the connection"
		case strings.Contains(f.Message, "is up, and refuses"):
			want = "The peer's host is up: it rejects"
		case strings.Contains(f.Message, "is a RST without ACK"):
			want = "The peer's host did not have the connection"
		case strings.Contains(f.Message, "its host is up by then"):
			want = "The peer's host was down or cut off, and came back later"
		case strings.Contains(f.Message, "its host was up then"):
			want = "The peer's host was up at that time"
		case strings.Contains(f.Message, "its host is up"):
			want = "The peer's host is up: it sent"
		case strings.Contains(f.Message, "a device made it"):
			want = "A device on the path"
		case strings.Contains(f.Message, "which is close to the peer"):
			want = "The peer's host was switched off"
		}
		if said[want]++; !strings.HasPrefix(f.Cause, want) || want == "" && f.Cause != "" {
			t.Errorf("%s: cause %q", f.Message, f.Cause)
		}
	}
	if len(said) != 9 {
		t.Errorf("not all causes were given: %v", said)
	}
}

// TestHandshakeReset_late: a client that was answered late is not at fault.
func TestHandshakeReset_late(t *testing.T) {
	late := 0
	for f := range findingsOf(t, resets.ResetCause, "../testdata/reset-cause.txtar") {
		if strings.Contains(f.Message, "The SYN-ACK came only ") {
			if late++; f.Fault != detectors.FaultUnknown {
				t.Errorf("fault %d: %s", f.Fault, f.Message)
			}
		}
	}
	if late != 2 {
		t.Errorf("%d SYN-ACKs came late, not 2", late)
	}
}

// TestResetCause_cause: what a server says first, and only, is the answer to its client, and no goodbye. So is a segment that is not
// full, ends what the server wrote, and acknowledges all that its client had sent. A request that a server does not read
// met the end of an idle connection only if nothing else was under way.
func TestResetCause_cause(t *testing.T) {
	said := 0
	for f := range findingsOf(t, resets.ResetCause, "../testdata/reset-cause-answers.txtar") {
		for _, x := range []struct{ message, cause string }{
			{"(frame 6) when data from 10.0.0.2:443 had just arrived: 31 bytes", "What came last"},
			{"(frame 8) when data from 10.0.0.2:443 had just arrived: 31 bytes", "Either the socket was closed before"},
			{"(frame 6) when data from 10.0.0.1:40000 had just arrived: 6 bytes", "Either the socket was closed before"},
			{"(frame 6) when data from 10.0.0.2:443 had just arrived: 32 bytes", "What came last"},
			{"(frame 6) when data from 10.0.0.2:443 had just arrived: 1419 bytes", "What came last"},
			{"(frame 6) when data from 10.0.0.2:443 had just arrived: 1420 bytes", "Either the socket was closed before"},
			{"(frame 6) when data from 10.0.0.2:443 had just arrived: 33 bytes", "Either the socket was closed before"},
			{"(frame 7) when data from 10.0.0.2:443 had just arrived: 34 bytes", "Either the socket was closed before"},
			{"it answered 31 bytes from 10.0.0.2:443 with a RST (frame 4)", "The sender of the RST had closed its socket completely, and nobody reads the few bytes"},
			{"it answered 301 bytes", ""}, // as declared: to an idle connection
			{"it answered 302 bytes", "The server closed its socket completely while its client was sending"},
			{"it answered 303 bytes", "The server closed its socket completely while its client was sending"},
			{"it answered 14599 bytes", ""},
			{"it answered 14600 bytes", "The server closed its socket completely while its client was sending"},
		} {
			if !strings.Contains(f.Message, x.message) {
				continue
			}
			if said++; !strings.HasPrefix(f.Cause, x.cause) || x.cause == "" && f.Cause != "" {
				t.Errorf("%s: cause %q", f.Message, f.Cause)
			}
		}
	}
	if said != 14 {
		t.Errorf("%d of 14", said)
	}
}

// TestFINUnanswered_few: loss explains a few FINs that nobody acknowledges, and not many.
func TestFINUnanswered_few(t *testing.T) {
	said := map[string]int{}
	for f := range findingsOf(t, closing.FINUnanswered, "../testdata/fin-unanswered.txtar") {
		for _, sent := range []string{"4 times in 7.0 s", "5 times in 29.3 s"} {
			if f.Outcome == "still-trying" && strings.Contains(f.Message, sent) && strings.HasPrefix(f.Cause, "The FINs or their ACKs were lost") {
				said[sent]++
			}
		}
	}
	if said["4 times in 7.0 s"] == 0 || len(said) != 1 {
		t.Errorf("loss was suspected of %v", said)
	}
}

// TestCauses_follow: where a message shows more than its outcome, the cause and what to do heed that.
func TestCauses_follow(t *testing.T) {
	for _, x := range []struct {
		of                  *detectors.Detector
		outcome             string
		shown, cause, never string // what the message, the cause and what to do have; the last: not
	}{
		{closing.FINUnanswered, "reset", "acknowledges only what came before the FIN.", "had not received that", "Linux net.ipv4"},
		{closing.UnretransmittedFIN, "silent", "sent something in another connection since", "though its host sent something", "the host disappeared"},
		{closing.FINOverHole, "abandoned", "its host is up by then", "was gone for a while at most", "lose power"},
		{opening.SYNAckUnanswered, "ack-lost-or-ignored", "An ACK had arrived", "An ACK of the client arrived", "do the ACKs arrive"},
	} {
		said := map[bool]int{}
		for f := range findingsOf(t, x.of, "../testdata/"+x.of.Name+".txtar", "../testdata/options.txtar") {
			if f.Outcome != x.outcome {
				continue
			}
			shown, says := strings.Contains(f.Message, x.shown), strings.Contains(f.Cause, x.cause)
			if said[shown]++; shown != says || shown && strings.Contains(f.Action, x.never) {
				t.Errorf("%s/%s: %s\n%s\n%s", x.of.Name, x.outcome, f.Message, f.Cause, f.Action)
			}
		}
		if said[true] == 0 || said[false] == 0 {
			t.Errorf("%s/%s: %v", x.of.Name, x.outcome, said)
		}
	}
}

// TestAckDelay_answers: small segments may be an answer each if as many requests came together.
func TestAckDelay_answers(t *testing.T) {
	n := 0
	for f := range findingsOf(t, path.AckDelay, "../testdata/ack-delay.txtar") {
		if strings.HasPrefix(f.Cause, "The sending application writes several small messages") {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d findings, not those of requests at once and 20 ms apart", n)
	}
}
