package opening

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// SYNAckUnanswered reports a SYN-ACK that had to be repeated, or should have been: its
// ACK did not come, or came and was ignored. RFC 9293 3.5.
var SYNAckUnanswered = &detectors.Detector{
	Name: "syn-ack-unanswered",
	Doc: detectors.Doc{
		Title: "the handshake stalled after the SYN-ACK",
		What: "A server answers SYN with SYN-ACK, and the handshake does not complete: the SYN-ACK is sent again, or " +
			"the client repeats its SYN as if it had not been answered. The server waits in SYN_RECEIVED.",
		Cause: "The SYN-ACK or its ACK was lost on the path. Other causes depend on the outcome.",
		Action: "The outcome says which of the two did not arrive: capture on that side. On the server: ss -ltn, " +
			"nstat TcpExtListenOverflows, TcpExtTCPReqQFullDoCookies.",
		NotThis: "A SYN-ACK that comes twice at once: the network duplicated it. A second SYN-ACK that had left before the ACK could " +
			"arrive, on a path slower than the timer. A server that accepts a connection only once data arrives " +
			"(TCP_DEFER_ACCEPT) and repeats its SYN-ACK when that takes long: normal. A client that answers with RST. " +
			"Two hosts that open to each other at the same time.",
		Peers: "Wireshark marks a repeated SYN-ACK as a retransmission, and the client's ACK of it as a Dup ACK. It does not say that the ACK " +
			"was ignored.",
		Refs:  []string{"RFC 9293 3.5", "RFC 9293 3.10.7.4", "Linux tcp_check_req(), tcp_abort_on_overflow"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{synAckQueueFull, synAckLostOrIgnored, synAckSYNRepeated, synAckNotRepeated, synAckNoACK, synAckRecovered},
	Params: []detectors.Param{
		{Name: "patience", Default: 3, Min: 0.5, Max: 3600, Unit: "s", Doc: "how long to wait for an answer after the last SYN-ACK or repeated SYN"},
		{Name: "costly", Default: 3, Min: 0, Max: 3600, Unit: "s", Doc: "delay of the handshake from which the finding is a warning"},
	},
	StartsOn:     fsm.On(fsm.SynResent),
	SubscribesTo: fsm.On(fsm.SynResent, fsm.SynAcked, fsm.ResetSent, fsm.Revived, fsm.Sent, fsm.DataResent, fsm.FinResent),
	Watch: func(r *detectors.Report) detectors.Watcher {
		client, _ := r.Conn.Opener()
		if r.Conn.Phase(client.Peer()) == fsm.PhaseIdle { // syn-unanswered
			return nil
		}
		return &synAckUnanswered{client: client}
	},
}

var (
	synAckQueueFull = &detectors.Outcome{Name: "accept-queue-full", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "the SYN-ACK was repeated although its ACK had arrived (the repeats echo its timestamp, and that of data sent since, or the server is within 1 ms), and payload or the FIN of the client stays unacknowledged (undecided if it sent neither: the server may wait for data)",
		Cause: "The server's application does not accept connections as fast as they come, its accept queue is full, and its " +
			"kernel ignores the ACK (Linux with net.ipv4.tcp_abort_on_overflow=0): the client believes that it is connected.",
		Action: "On the server: ss -ltn (Recv-Q above Send-Q), nstat TcpExtListenOverflows. Find out why the application does not accept, " +
			"and raise its backlog and net.core.somaxconn. If the queue is short, a filter on the server drops the ACKs."}
	synAckLostOrIgnored = &detectors.Outcome{Name: "ack-lost-or-ignored", Severity: detectors.Warning,
		When: "the same, but nothing shows whether all that the client sent arrived, and the handshake did not complete; or the SYN-ACK came again once, after more than 4 s, as of a server that waits for data before it accepts (TCP_DEFER_ACCEPT)",
		Cause: "What the client sends is lost between the capture point and the server (a firewall, a route, a filter on the server). Or the server's accept queue is full, " +
			"and its kernel ignores the ACK (Linux with net.ipv4.tcp_abort_on_overflow=0). In both cases, the client believes that it is connected.",
		Action: "Capture on the server: do the ACKs arrive? If they do: ss -ltn (Recv-Q above Send-Q), nstat TcpExtListenOverflows."}
	synAckSYNRepeated = &detectors.Outcome{Name: "syn-repeated", Severity: detectors.Warning, Fault: detectors.FaultPath,
		When: "the client keeps repeating its SYN, though SYN-ACKs were seen",
		Cause: "The SYN-ACK does not reach the client's TCP: a firewall between the capture point and the client, a different route back, " +
			"or the client's host drops it: its own filter (iptables, rp_filter), or a wrong TCP checksum in the SYN-ACK, with which its sender is at fault.",
		Action: "Capture on the client. If the SYN-ACK arrives there, check its TCP checksum (tcpdump -v says incorrect; nstat: TcpInCsumErrors), then the client's filters; if not, follow the route back."}
	synAckNotRepeated = &detectors.Outcome{Name: "not-repeated", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "the client repeated its SYN at least twice, and the server sent its SYN-ACK only once",
		Cause: "The server neither repeats its SYN-ACK when no ACK comes (RFC 9293 3.8.1) nor answers the repeated SYN: its stack is at " +
			"fault, it went down, or something began to drop the SYNs.",
		Action: "Capture on the server: do the repeated SYNs arrive there, and what does it send?"}
	synAckNoACK = &detectors.Outcome{Name: "ack-missing", Severity: detectors.Info,
		When:  "nothing more came from the client, or more SYNs than any TCP sends",
		Cause: "A SYN with a forged source (a flood), a scan, or a client that went away or gave up; or no SYN-ACK arrives. Where the capture may lack what the client sent, the SYN-ACKs may answer SYNs that it repeated.",
		Action: "One of them is harmless. Many from one address are a scan or a broken route back. Many from many addresses are a SYN flood: " +
			"check that net.ipv4.tcp_syncookies is on."}
	synAckRecovered = &detectors.Outcome{Name: "recovered", Severity: detectors.Info,
		When: "the handshake completed in the end; a warning if that took 3 s or longer. Undecided where the ACK was captured before, unless the client had to send again what followed it, or the server speaks first",
		Cause: "A SYN-ACK or its ACK was lost, or the path is slower than the timer. After an ACK that was seen, " +
			"an accept queue that was full for a moment looks the same.",
		Action: "No action needed unless it happens often, or took long: then capture on both sides to see what is lost or held up. On the server: ss -ltn, " +
			"nstat TcpExtListenOverflows, TcpExtTCPReqQFullDoCookies."}
)
