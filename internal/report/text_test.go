package report

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// TestText_staysOnAScreen: however many hosts and connections are in trouble,
// people get about a screen of it, and the number of the rest.
func TestText_staysOnAScreen(t *testing.T) {
	r := everything()
	r.Findings = nil
	r.Flows = make([]result.Flow, 20_000)
	for i := range r.Flows {
		server := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i % 1000 >> 8), byte(i % 1000)}), 443)
		r.Flows[i] = *flow(uint64(i+1), "192.0.2.1:40000", server.String())
		r.Findings = append(r.Findings, lastAck(&r.Flows[i]))
	}
	for name, write := range map[string]writer{"text": Text, "markdown": Markdown} {
		got := written(t, write, r, testOptions())
		if lines := bytes.Count(got, []byte("\n")); lines > 70 {
			t.Errorf("%s: %d lines, want a few screens at most", name, lines)
		}
		if want := "997 more hosts with unretransmitted-fin/peer-unaware (19,940 findings)"; !bytes.Contains(got, []byte(want)) {
			t.Errorf("%s does not say %q", name, want)
		}
	}
}

// TestText_worstFirst: if there are many findings, the worst class is printed in
// full, and some of what is only worth knowing gets a line.
func TestText_worstFirst(t *testing.T) {
	r := everything()
	r.Findings = nil
	r.Flows = make([]result.Flow, 40)
	for i := range r.Flows {
		server := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 443)
		r.Flows[i] = *flow(uint64(i+1), "192.0.2.1:40000", server.String())
		f := lastAck(&r.Flows[i])
		if i < 39 {
			f.Outcome, f.Severity = "harmless", detectors.Info
		}
		r.Findings = append(r.Findings, f)
	}
	got := string(written(t, Text, r, testOptions()))
	worst, harmless := strings.Index(got, "CRITICAL  unretransmitted-fin/peer-unaware"), strings.Index(got, "INFO  unretransmitted-fin/harmless")
	if worst != 0 || harmless < 0 || strings.Count(got, "INFO ") != 3 || strings.Count(got, "Cause:") != 1 {
		t.Errorf("want the worst first and alone in full, and three lines of the others:\n%s", got)
	}
}

func TestText_undecidedIsCountedWhenHidden(t *testing.T) {
	got := string(written(t, Text, everything(), testOptions()))
	if !strings.Contains(got, "1 undecided (--undecided shows what)") || strings.Contains(got, "UNDECIDED") {
		t.Error("want only the number of undecided findings, and how to see them")
	}
}

func TestText_noDetectorKnown(t *testing.T) {
	for name, docs := range map[string]func(string) *detectors.Detector{
		"no lookup":   nil,
		"not in list": func(string) *detectors.Detector { return nil },
	} {
		got := string(written(t, Text, everything(), Options{Docs: docs}))
		if strings.Contains(got, "Cause:") || !strings.Contains(got, "See:") {
			t.Errorf("%s: want a report without a cause:\n%s", name, got)
		}
	}
}

func TestFrames_longLoopIsCut(t *testing.T) {
	r := everything()
	f := &r.Findings[0]
	for len(f.Evidence) < 40 {
		f.Evidence = append(f.Evidence, f.Evidence[len(f.Evidence)-1])
	}
	lines := frameLines((&builder{r: r, o: &Options{}}).finding(f, listed{}).Frames)
	if want := 1 + framesHead + 1 + framesTail; len(lines) != want { // a file's name, and what was cut
		t.Errorf("%d lines, want %d", len(lines), want)
	}
	if !strings.Contains(strings.Join(lines, "\n"), "... 28 frames like these omitted") {
		t.Errorf("does not say how many are left out:\n%s", strings.Join(lines, "\n"))
	}
}

func TestDisplayFilter(t *testing.T) {
	for _, tt := range []struct {
		frames []uint64
		want   string
	}{
		{[]uint64{7}, "frame.number == 7"},
		{[]uint64{7, 7}, "frame.number == 7"},
		{[]uint64{1, 2}, "frame.number in {1, 2}"},
		{[]uint64{39, 30, 31, 33, 34, 35}, "frame.number in {30, 31, 33..35, 39}"},
		{[]uint64{4294967296, 4294967295, 4294967294}, "frame.number in {4294967294..4294967296}"},
	} {
		if got := displayFilter(tt.frames); got != tt.want {
			t.Errorf("displayFilter(%v) = %s, want %s", tt.frames, got, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		state                fsm.State
		rfc, netstat, ss, kb string
	}{
		{fsm.Closed, "CLOSED", "CLOSE", "UNCONN", "CLOSED"},
		{fsm.Listen, "LISTEN", "LISTEN", "LISTEN", "LISTEN"},
		{fsm.SynSent, "SYN_SENT", "SYN_SENT", "SYN-SENT", "SYN_SEND"},
		{fsm.SynReceived, "SYN_RECEIVED", "SYN_RECV", "SYN-RECV", "SYN_RECEIVED"},
		{fsm.Established, "ESTABLISHED", "ESTABLISHED", "ESTAB", "ESTABLISHED"},
		{fsm.FinWait1, "FIN_WAIT_1", "FIN_WAIT1", "FIN-WAIT-1", "FIN_WAIT_1"},
		{fsm.FinWait2, "FIN_WAIT_2", "FIN_WAIT2", "FIN-WAIT-2", "FIN_WAIT_2"},
		{fsm.CloseWait, "CLOSE_WAIT", "CLOSE_WAIT", "CLOSE-WAIT", "CLOSE_WAIT"},
		{fsm.Closing, "CLOSING", "CLOSING", "CLOSING", "CLOSING"},
		{fsm.LastAck, "LAST_ACK", "LAST_ACK", "LAST-ACK", "LAST_ACK"},
		{fsm.TimeWait, "TIME_WAIT", "TIME_WAIT", "TIME-WAIT", "TIMED_WAIT"},
	} {
		got := [...]string{RFC.State(tt.state), Netstat.State(tt.state), SS.State(tt.state), KB.State(tt.state)}
		if want := [...]string{tt.rfc, tt.netstat, tt.ss, tt.kb}; got != want {
			t.Errorf("%v is spelled %q, want %q", tt.state, got, want)
		}
	}
	for _, word := range []string{"rfc", "netstat", "ss", "kb"} {
		if n, err := ParseNames(word); err != nil || n.String() != word {
			t.Errorf("ParseNames(%q) = %v, %v", word, n, err)
		}
	}
	if _, err := ParseNames("solaris"); err == nil {
		t.Error("solaris is no spelling, yet it was accepted")
	}
}

func TestNames_insideASentence(t *testing.T) {
	in := "It stays in LAST_ACK, é, its peer in FIN_WAIT_1. MY_LAST_ACK is no state, CLOSED is."
	want := "It stays in LAST-ACK, é, its peer in FIN-WAIT-1. MY_LAST_ACK is no state, UNCONN is."
	if got := SS.respell(in); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestWrap(t *testing.T) {
	got := fmt.Sprintf("%q", wrap("  one two\nthree\tfour é\n\nnext averyverylongword x ", 9))
	want := `["one two" "three" "four é" "" "next" "averyverylongword" "x"]`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestMeasured: quantities have units, and codes are words.
func TestMeasured(t *testing.T) {
	got := measured([]detectors.Metric{
		{Name: "probes", Value: 1234}, {Name: "form", Value: "empty-below-una"}, {Name: "first_interval_s", Value: 0.22003}, {Name: "ending", Value: "reset"},
	})
	if want := "probes 1,234, probe type: empty segment at SND.UNA-1, first interval 220 ms, ending reset"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
