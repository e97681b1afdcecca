package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// one is the report of a single connection.
func one(f *result.Flow, findings ...result.Finding) *result.Report {
	r := &result.Report{Flows: []result.Flow{*f}, Trace: result.Span{First: began, Last: after(60), End: after(60)}}
	r.Captures = []result.Capture{{File: "x.pcap"}}
	for _, found := range findings {
		found.Flow = &r.Flows[0]
		r.Findings = append(r.Findings, found)
	}
	return r
}

func flowText(t *testing.T, r *result.Report, steps []result.Step, o Options) []string {
	t.Helper()
	var b strings.Builder
	if err := FlowText(&b, r, steps, o); err != nil {
		t.Fatal(err)
	}
	return strings.Split(b.String(), "\n")
}

// The control block of KB Q117317, as the article prints it: the server had
// received SYN and FIN, had nothing in flight, and probed a window of 0.
func TestControlBlock_ofTheArticle(t *testing.T) {
	f := flow(1, "130.202.22.58:3188", "207.46.133.140:20")
	f.Initiator = result.InitiatorB
	const client, server = reassembly.A, reassembly.B
	f.ISS = [2]reassembly.Seq{client: 0x074fff8d, server: 0x02e9a45a - 9000}
	f.State = [2]fsm.State{client: fsm.FinWait2, server: fsm.CloseWait}
	const known = fsm.KnowISS | fsm.KnowIRS | fsm.KnowSndUna | fsm.KnowSndNxt | fsm.KnowSndWnd | fsm.KnowRcvNxt |
		fsm.KnowRcvWnd | fsm.KnowSndScale | fsm.KnowRcvScale | fsm.KnowOpener
	f.TCB = &[2]fsm.TCB{
		client: {Known: known | fsm.KnowFIN | fsm.KnowMSS, ISS: 0x074fff8d, FIN: 0x074fff8e, MSS: 1460},
		server: {
			Known: known, ISS: f.ISS[server], IRS: 0x074fff8d, RcvNxt: 0x074fff8f, RcvWnd: 0x2000, SndNxt: 0x02e9a45a, SndUna: 0x02e9a45a,
			SndWnd: 0, MaxWnd: 0x0c00, Probing: true, Probes: 0x333, ActiveOpen: true, Timers: []string{"persist"},
		},
	}
	want := map[string]string{ // by netstat's name
		"tcb_state": "CLOSE_WAIT", "is_passive": "no", "ST_PROBING": "yes",
		"iniseq": fmt.Sprintf("~0 (%d)", 0x074fff8d), "rcvseq": fmt.Sprintf("2 (%d)", 0x074fff8f), "finseq": fmt.Sprintf("1 (%d)", 0x074fff8e),
		"sndseq": fmt.Sprintf("9000 (%d)", 0x02e9a45a), "lweseq": fmt.Sprintf("~9000 (%d)", 0x02e9a45a),
		"sndws": "~0", "maxsndws": "~3,072", "rcvws": "8,192", "congestws": "unknown", "ssthresh": "unknown", "srtt": "unknown",
		"state": "ST_SS ST_SR ST_SA ST_FR ST_PROBING",
	}
	p := flowPage{textWriter: newTextWriter(nil, one(f), &Options{}), f: f, sides: openerFirst(f)}
	view := p.tcbView(server)
	retries := []string{}
	for i := range tcbFields {
		field := &tcbFields[i]
		got := field.value(view)
		if w, is := want[field.netstat]; is && got != w {
			t.Errorf("%s (%s) is %s, want %s", field.netstat, field.name, got, w)
		}
		delete(want, field.netstat)
		if field.netstat == "retry" {
			retries = append(retries, got)
		}
	}
	if len(want) > 0 {
		t.Errorf("no field is named %v", want)
	}
	if !slices.Contains(retries, "819") { // 0x333
		t.Errorf("retry is %v, want 819 probes", retries)
	}
}

// Little is known about a connection whose beginning was not captured.
func TestControlBlock_unknown(t *testing.T) {
	v := tcbView{peer: &fsm.TCB{}, TCB: fsm.TCB{
		Known: fsm.KnowSndWnd | fsm.KnowRcvWnd, SndWnd: 501, RcvWnd: 0, ISS: 7, IRS: 7, SndUna: 7, SndNxt: 7, RcvNxt: 7, SRTT: 7, MSS: 7, LastAckSent: 7,
	}}
	for i := range tcbFields {
		field := &tcbFields[i]
		got := field.value(&v)
		switch field.name {
		case "SND.WND":
			if got != "~501 or more" {
				t.Errorf("SND.WND without its scale is %s", got)
			}
		case "RCV.WND":
			if got != "0" {
				t.Errorf("a closed window is %s, whatever its scale", got)
			}
		case "state", "FIN sent", "FIN received", "resent in a row", "probes in a row", "probing", "running timers", "RTO, backed off":
		case "largest SND.WND":
		default:
			if got != unknown {
				t.Errorf("%s is %s, want unknown", field.name, got)
			}
		}
	}
}

func TestClassifier(t *testing.T) {
	f := flow(1, "10.0.0.1:1", "10.0.0.2:2")
	step := func(class fsm.Class, flags reassembly.Flags, length uint32, window uint16) result.Step {
		return result.Step{Class: class, State: [2]fsm.State{fsm.Established, fsm.Established}, Seg: sent(f, reassembly.A, 1, 0, flags, 0, length, 0, window)}
	}
	const syn, rst = reassembly.SYN, reassembly.RST
	dead := step(fsm.Rst, rst, 0, 0)
	dead.State = [2]fsm.State{}
	words := classifier{}
	for _, c := range []struct {
		step result.Step
		want string
	}{
		{step(fsm.Syn, syn, 0, 500), "SYN"},
		{step(fsm.Syn, syn, 0, 500), "SYN resent"},
		{step(fsm.Syn, syn|ack, 0, 0), "SYN-ACK resent"},
		{step(fsm.NewData, ack, 10, 500), "new data"},
		{step(fsm.PureAck, ack, 0, 0), "zero window"},
		{step(fsm.PureAck, ack, 0, 0), "still zero window"},
		{step(fsm.NewData, ack, 1, 0), "new data, still zero window"},
		{step(fsm.WindowUpdate, ack, 0, 9), "window reopened"},
		{step(fsm.KeepAlive, ack, 0, 9), "keep-alive"},
		{step(fsm.OutOfWindow, ack, 0, 0), "out of window"},
		{step(fsm.DupAck, ack, 0, 9), "duplicate ACK"},
		{step(fsm.NewData, fin, 5, 9), "new data, FIN"},
		{step(fsm.NewData, fin, 0, 9), "FIN"},
		{step(fsm.Retransmission, fin, 0, 9), "FIN resent"},
		{step(fsm.Retransmission, ack, 4, 9), "retransmission"},
		{step(fsm.Rst, rst, 0, 0), "RST, in doubt"},
		{dead, "RST"},
	} {
		if got := words.words(&c.step); got != c.want {
			t.Errorf("%s is called %q, want %q", segment(f, &c.step.Seg), got, c.want)
		}
	}
}

// Whatever the numbers are, a line of the timeline fits the screen.
func TestTimeline_width(t *testing.T) {
	f := flow(1, "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:40000", "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:2]:40000")
	f.Packets = [2]uint64{2, 2}
	f.TCB = &[2]fsm.TCB{{Known: ^fsm.TCBField(0)}, {Known: ^fsm.TCBField(0)}}
	r := one(f)
	r.Captures = make([]result.Capture, 12)
	r.Trace.End = after(1e8)
	var steps []result.Step
	for n := range uint64(4) {
		side := reassembly.Side(n % 2)
		seg := sent(f, side, 4_000_000_000, 99_999_999, fin|reassembly.PSH|reassembly.URG, 4_000_000_000, 65_000, 4_000_000_000, 65535)
		seg.File = 11
		seg.Opts.NBlocks = 1
		seg.Opts.Blocks[0] = reassembly.Block{From: f.ISS[side.Peer()] + 4_000_000_000, To: f.ISS[side.Peer()] + 4_100_000_000}
		steps = append(steps, result.Step{
			N: n + 1, Side: side, Seg: seg, Class: fsm.Ambiguous,
			State: [2]fsm.State{fsm.SynReceived, fsm.State(n + 2)}, Bounded: [2]bool{true, n%2 == 0},
		})
	}
	for _, names := range []Names{RFC, SS} {
		for _, l := range flowText(t, r, steps, Options{Names: names}) {
			if len(l) > timelineWidth {
				t.Errorf("%d columns: %s", len(l), l)
			}
		}
	}
}

// The middle of a long connection is left out, but not the evidence of a finding.
func TestTimeline_long(t *testing.T) {
	f := flow(1, "10.77.1.1:60558", "10.77.1.2:5000")
	f.Packets = [2]uint64{9000, 1000}
	found := ghost(f)
	found.Evidence = found.Evidence[:1]
	found.Evidence[0].Seg.Frame = 5000
	var steps []result.Step
	for n := uint32(1); n <= 10000; n++ {
		if n > 6000 && n < 6100 {
			continue // was not kept
		}
		steps = append(steps, result.Step{N: uint64(n), Side: reassembly.A, Class: fsm.NewData, Seg: sent(f, reassembly.A, n, 1, ack, n, 1, 1, 9)})
	}
	text := strings.Join(flowText(t, one(f, found), steps, testOptions()), "\n")
	for _, want := range []string{
		"...  4,796 segments left out; --format scenario has them all\n1.000000   4997 ",
		"1.000000   5000* ",
		"1.000000   5003 ",
		"...  4,797 segments left out; --format scenario has them all\n1.000000   9801 ",
	} {
		if !strings.Contains(text, strings.ReplaceAll(want, "1.000000", " 1.000000")) {
			t.Errorf("the timeline lacks %q", want)
		}
	}
	if got := strings.Count(text, "new data"); got != 200+7+200 {
		t.Errorf("%d steps are shown, want 407", got)
	}
}
