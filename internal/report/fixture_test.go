package report

import (
	"net/netip"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The fixtures are written by hand, so that the formats are tested against what
// a report may hold and not against what the detectors happen to find today.

var began = time.Date(2026, 11, 21, 7, 42, 39, 106361000, time.UTC).UnixNano()

// after is a time since the trace began.
func after(seconds float64) int64 { return began + int64(seconds*1e9) }

func endpoint(s string) reassembly.Endpoint {
	return reassembly.EndpointFrom(netip.MustParseAddrPort(s))
}

// sent is a segment of one side, with numbers relative to the initial ones.
func sent(f *result.Flow, from reassembly.Side, frame uint32, seconds float64, flags reassembly.Flags, seq, length, ack uint32, win uint16) reassembly.Segment {
	return reassembly.Segment{
		At: after(seconds), Frame: frame, Flags: flags, Len: length, Window: win,
		Seq: f.ISS[from] + reassembly.Seq(seq), Ack: f.ISS[from.Peer()] + reassembly.Seq(ack),
		Src: f.End[from], Dst: f.End[from.Peer()],
		Opts: reassembly.Options{Has: reassembly.HasTimestamps, TSVal: 2469078894, TSEcr: 699559305},
	}
}

const (
	fin = reassembly.FIN | reassembly.ACK
	ack = reassembly.ACK
)

func flow(id uint64, a, b string) *result.Flow {
	return &result.Flow{
		ID: id, End: [2]reassembly.Endpoint{endpoint(a), endpoint(b)}, Initiator: result.InitiatorA,
		State:  [2]fsm.State{fsm.Established, fsm.Established},
		Ending: "open", First: began, Last: after(60), ISS: [2]reassembly.Seq{4294967000, 1000},
		Packets: [2]uint64{14, 26}, Bytes: [2]uint64{900, 16684}, Rexmits: [2]uint64{0, 1},
		RTT: 20000, History: "ShADad",
	}
}

// ghost is a probe loop, over IPv4, with a range of frames.
func ghost(f *result.Flow) result.Finding {
	shut := detectors.Evidence{Role: "window closed", Seg: sent(f, reassembly.A, 30, 0.290270, ack, 901, 0, 16685, 0)}
	found := result.Finding{ID: "9f2c11aa03de5b70", Flow: f, Revision: 1, Final: true, Finding: &detectors.Finding{
		Detector: "zero-window-probe-loop", Outcome: "ghosted", Severity: detectors.Critical,
		Subject: reassembly.A, Fault: detectors.FaultHost,
		Roles:  []detectors.Role{{Name: "prober", Side: reassembly.B}, {Name: "receiver", Side: reassembly.A}},
		States: [2]fsm.State{fsm.Established, fsm.Established},
		Start:  shut.Seg.At, End: after(55.3), At: after(55.3),
		Title: "10.77.1.2:5000 probes a closed window and nobody answers",
		Message: "10.77.1.1:60558 closed its receive window and fell silent: of 9 zero-window probes that 10.77.1.2:5000 " +
			"sent in 55 s the last 5 met no segment at all, and it still probed when the trace ended. " +
			"Both ends are ESTABLISHED for all the wire tells.",
		Metrics: []detectors.Metric{
			{Name: "probes", Value: 9}, {Name: "answered", Value: 2}, {Name: "unanswered", Value: 7},
			{Name: "form", Value: "empty segment below una (Linux)"}, {Name: "first_interval_s", Value: 0.22003},
			{Name: "last_interval_s", Value: 14.08002}, {Name: "backoff", Value: 1.98}, {Name: "silence_s", Value: 53.4339},
		},
		Evidence: []detectors.Evidence{shut},
	}}
	for i, at := range []float64{0.51, 0.97, 1.866296, 3.62628, 7.306335, 14.474366, 28.554386} {
		frame := uint32(33 + i)
		if i == 0 {
			frame = 31
		}
		found.Evidence = append(found.Evidence, detectors.Evidence{
			Role: "probe", Seg: sent(f, reassembly.B, frame, at, ack, 16684, 0, 901, 83),
		})
	}
	return found
}

// lastAck is a FIN that was never repeated, over IPv6 and two files, its
// connection captured from the middle.
func lastAck(f *result.Flow) result.Finding {
	closed := sent(f, reassembly.B, 6, 61.25, fin, 101, 0, 1, 509)
	late := sent(f, reassembly.A, 2, 66.25, ack, 1, 0, 101, 502)
	late.File = 1
	return result.Finding{ID: "0a1b2c3d4e5f6071", Flow: f, Revision: 1, Final: true, Finding: &detectors.Finding{
		Detector: "unretransmitted-fin", Outcome: "peer-unaware", Severity: detectors.Critical,
		Subject: reassembly.B, Fault: detectors.FaultSuspected, Roles: []detectors.Role{{Name: "closer", Side: reassembly.B}},
		States: [2]fsm.State{fsm.CloseWait, fsm.LastAck},
		Start:  closed.At, End: after(71.25), At: after(67.25),
		Title:   "a FIN was neither acknowledged nor sent again",
		Message: "The FIN of [2001:db8::2]:443 was neither acknowledged nor sent again in 10 s, although its peer was still there.",
		Limits:  fsm.Midstream | fsm.ScaleUnknown,
		Metrics: []detectors.Metric{{Name: "waited_s", Value: 10.0}},
		Evidence: []detectors.Evidence{
			{Role: "FIN, never acknowledged", Seg: closed},
			{Role: "acknowledges only what came before", Seg: late},
		},
	}}
}

// unsure is a finding that the trace ended too soon for.
func unsure(f *result.Flow) result.Finding {
	found := lastAck(f)
	found.ID = "77777777aaaaaaaa"
	found.Verdict, found.Outcome, found.Severity = detectors.Undecided, "silent", detectors.Warning
	found.Reason = "the trace ended 2.1 s after the FIN, before a resend was due (6 s)"
	found.Fault = detectors.FaultPath
	found.Evidence = found.Evidence[:1]
	return found
}

// everything is a report with everything in it.
func everything() *result.Report {
	v4 := flow(1, "10.77.1.1:60558", "10.77.1.2:5000")
	v6 := flow(2, "[2001:db8::1]:40000", "[2001:db8::2]:443")
	v6.Initiator, v6.RTT, v6.Limits = result.InitiatorUnknown, 0, fsm.Midstream|fsm.ScaleUnknown
	v6.State, v6.Bounded, v6.Ending = [2]fsm.State{fsm.CloseWait, fsm.LastAck}, [2]bool{false, true}, "half-closed"
	v6.TCB = &[2]fsm.TCB{{}, {Known: fsm.KnowISS | fsm.KnowSndUna | fsm.KnowRTT | fsm.KnowOpener, ISS: 1000, SndUna: 1101, RTO: 1e9, SRTT: 10_000_000, ActiveOpen: true, Timers: []string{"retransmit"}}}
	r := &result.Report{
		Options: result.Options{TimeWait: 60e9, Detectors: []string{"zero-window-probe-loop", "unretransmitted-fin", "post-fin-ack-rst"}},
		Captures: []result.Capture{
			{File: "x.pcap", Format: "pcap", LinkTypes: []string{"ETHERNET"}, Packets: 40, Bytes: 21000, Span: result.Span{First: began, Last: after(62), End: after(62)}},
			{File: "x2.pcapng.zst", Format: "pcapng", Compression: "zstd", LinkTypes: []string{"ETHERNET", "LINUX_SLL2"}, Packets: 2, Bytes: 148,
				Span: result.Span{First: after(62.5), Last: after(66.25), End: after(75)}, Drops: 3, Warnings: []string{"cut short in the middle of packet 3"}},
		},
		Trace: result.Span{First: began, Last: after(66.25), End: after(75)},
		Notes: []result.Note{{Name: "one-sided", Message: "1 of 2 connections were captured in one direction only."}},
		Totals: result.Totals{
			Packets: 1042, TCPSegments: 1038, Duplicates: 4, Flows: 2, EvictedFlows: 1,
			Skipped: []result.Count{{Name: "arp", N: 3}, {Name: "ipv4-fragment", N: 1}},
			Groups: []result.Group{
				{Detector: "zero-window-probe-loop", Outcome: "ghosted", Severity: detectors.Critical, N: 1, Listed: 1},
				{Detector: "unretransmitted-fin", Outcome: "peer-unaware", Severity: detectors.Critical, N: 1, Listed: 1},
				{Detector: "unretransmitted-fin", Outcome: "silent", Verdict: detectors.Undecided, Severity: detectors.Warning, N: 1, Listed: 1},
			},
		},
	}
	v4.Sockets = []result.Socket{
		{Side: reassembly.A, At: after(10), Until: after(60), State: fsm.Established, Recv: 1448, Processes: []result.Process{{Name: "java", PID: 812, FD: 97}}, Inode: 77, UID: 1000, User: "shop", Cgroup: "/system.slice/shop.service", Unit: "shop.service", Ours: fsm.Established, Agrees: result.Agree},
		{Side: reassembly.B, At: after(10), Until: after(10), State: fsm.SynReceived, UID: -1, Timer: "on", Retries: 3, Ours: fsm.Established, Bounded: true, Agrees: result.Disagree, Gone: true},
	}
	r.Flows = []result.Flow{*v4, *v6}
	r.Findings = []result.Finding{ghost(&r.Flows[0]), lastAck(&r.Flows[1]), unsure(&r.Flows[1])}
	r.Findings[0].Sockets = v4.Sockets
	r.Findings[0].KernelEvents = []result.KernelEvent{
		{What: result.Dropped, From: reassembly.A, Reason: "NETFILTER_DROP", Count: 4, At: after(0.3), Seg: &r.Findings[0].Evidence[0].Seg},
		{What: result.SentReset, From: reassembly.B, Reason: "TCP_ABORT_ON_CLOSE", Count: 1, At: after(55)},
		{What: result.SentAgain, From: reassembly.B, Count: 3, At: after(1)},
	}
	return r
}

// crowded is one server that never gets rid of 14 connections, and a probe loop.
func crowded() *result.Report {
	r := everything()
	r.Captures, r.Totals.Flows = r.Captures[:1], 15
	r.Totals.Groups = []result.Group{{Detector: "unretransmitted-fin", Outcome: "peer-unaware", Severity: detectors.Critical, N: 12359, Listed: 14}}
	r.Flows = make([]result.Flow, 15)
	r.Flows[0] = *flow(1, "10.77.1.1:60558", "10.77.1.2:5000")
	r.Findings = []result.Finding{ghost(&r.Flows[0])}
	for i := 1; i < len(r.Flows); i++ {
		client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), uint16(40000+i*97))
		r.Flows[i] = *flow(uint64(i+1), client.String(), "10.0.0.5:443")
		found := lastAck(&r.Flows[i])
		found.Start += int64(i) * 1e9
		found.Evidence = found.Evidence[:1]
		found.Message = "The FIN of 10.0.0.5:443 was neither acknowledged nor sent again in 10 s: it stays in LAST_ACK, its peer in CLOSE_WAIT."
		r.Findings = append(r.Findings, found)
	}
	return r
}

// nothing is a report of an empty capture.
func nothing() *result.Report {
	return &result.Report{
		Options:  result.Options{TimeWait: 60e9, Detectors: []string{"zero-window-probe-loop"}},
		Captures: []result.Capture{{File: "empty.pcap", Format: "pcap"}},
	}
}

// hostile is a report whose every string from outside wants to be more than text.
func hostile() *result.Report {
	r := everything()
	r.Captures[0].File = "\x1b[31m|`</details><script>alert(1)</script> @root #123 https://evil.example \u202egnp.\xff\r\n| x |\n```\n=cmd.pcap"
	r.Captures[1].File = "=HYPERLINK(\"http://evil\")"
	r.Captures[1].Warnings = []string{"\x9b2Jdamaged\u0085 ![x](//evil) @all `code` | cell <img src=x onerror=y>"}
	r.Totals.Skipped[0].Name = "\a\"<b>"
	r.Findings[0].Evidence[0].Role = "```\n</details>\x07"
	r.Findings[0].Title = "=1+1 <b>|\n# heading"
	r.Findings[0].Message = "\t@SUM(A1) [x](javascript:alert(1)) \x1b]0;owned\a"
	s := &r.Findings[0].Sockets[0] // of any program on the host
	s.Processes[0].Name, s.User, s.Unit, s.Cgroup = "\x1b[2J<b>|`", "=cmd", "[x](javascript:1)\u202e", "\xff\x00"
	r.Findings[0].KernelEvents[0].Reason = "=\x1b[2J<b>"
	r.Findings[0].Metrics[3].Value = "+\x00\u2066"
	return r
}

var probeLoop = &detectors.Detector{
	Name: "zero-window-probe-loop",
	Doc: detectors.Doc{
		Title:   "a sender probes a closed receive window over and over",
		What:    "The receiver advertises window 0, and the sender probes it with segments of no or one byte.\n\nThe probes may be answered, or not.",
		Cause:   "The receiving application has stopped reading, or its host vanished (power, network, crash) while its window was closed.",
		Action:  "See on the receiver whether the process still runs and reads. If the host is gone, restart the sender's side of the connection.",
		NotThis: "Keep-alives look the same but for the window: it is not 0 there.",
		Peers:   "Wireshark calls Linux's probes Keep-Alive, because it does not look at the peer's window.",
		Refs:    []string{"KB Q117317", "RFC 9293 3.8.6.1"},
		Since:   "1.0",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "ghosted", Severity: detectors.Critical, When: "the last probes met no segment of the receiver at all, for at least three seconds or the last interval, and the sender still probed when the trace ended"},
		{Name: "recovered", Severity: detectors.Info, When: "the window opened again"},
	},
	Params: []detectors.Param{
		{Name: "min-probes", Default: 3, Min: 2, Max: 1000, Doc: "probes that make a loop"},
		{Name: "min-silence", Default: 2.5, Unit: "s", Doc: "silence after which the peer is gone"},
	},
}

var lostFIN = &detectors.Detector{
	Name: "unretransmitted-fin",
	Doc: detectors.Doc{
		Title:  "a FIN went unacknowledged and no resend was seen",
		Cause:  "The FIN or its resends were lost before they reached the capture point, or the stack gave the connection up.",
		Action: "Find which host sent the FIN and check its stack; check that no middlebox drops bare FINs.",
		Refs:   []string{"KB Q254930", "RFC 9293 3.8.1"},
	},
	Outcomes: []*detectors.Outcome{{Name: "silent", Severity: detectors.Warning, When: "nothing came from the peer"}},
}

func testDocs(slug string) *detectors.Detector {
	for _, d := range []*detectors.Detector{probeLoop, lostFIN} {
		if d.Name == slug {
			return d
		}
	}
	return nil
}

func testOptions() Options { return Options{Version: "1.2.3", Docs: testDocs} }

var sockets = []Endpoint{
	{Flow: 1, Local: endpoint("10.77.1.1:60558"), Foreign: endpoint("10.77.1.2:5000"), State: fsm.Established, Since: after(0.1)},
	{Flow: 1, Local: endpoint("10.77.1.2:5000"), Foreign: endpoint("10.77.1.1:60558"), State: fsm.FinWait2, Since: after(2), Bounded: true},
	{Flow: 2, Local: endpoint("[2001:db8::1]:40000"), Foreign: endpoint("[2001:db8::2]:443"), State: fsm.SynReceived, Since: after(3)},
}
