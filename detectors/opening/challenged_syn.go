package opening

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// ChallengedSYN reports a SYN that was answered with an ACK of something else: the
// peer still has an older connection on the same ports. RFC 9293 3.5.1, figure 9;
// RFC 5961 4.2.
var ChallengedSYN = &detectors.Detector{
	Name: "challenged-syn",
	Doc: detectors.Doc{
		Title: "a SYN was answered with an ACK of another connection",
		What: "A client sends SYN, and the other end answers with a pure ACK whose numbers belong to another connection. The client " +
			"answers that with RST, and only its next SYN can open the connection: a second later, or at once (Linux).",
		Cause: "The server still holds a connection on the same ports: the client crashed or lost it without FIN or RST, a NAT " +
			"or load balancer gave its port to another host, or the port is reused before TIME_WAIT is over. Flood protection " +
			"(out-of-sequence SYN authentication) answers the first SYN like this on purpose.",
		Action: "Find out why the old connection was not closed on both ends, and how soon ports are reused (fixed source ports, " +
			"SNAT ranges that are too small, net.ipv4.tcp_tw_reuse). Keep-alives on the server clear dead connections. If every new " +
			"client is answered like this, it is flood protection: look for it on the path.",
		NotThis: "An ACK that answers a RST or a SYN in the middle of a connection that continues. A SYN-ACK with wrong numbers: " +
			"wrong-syn-ack. If the capture holds the old connection too, its own findings say what the RST did to it.",
		Peers: "Wireshark shows \"ACKed unseen segment\", \"Port numbers reused\" and a RST, but does not connect them.",
		Refs:  []string{"RFC 5961 4.2", "RFC 9293 3.5.1", "RFC 9293 3.10.7.3", "Linux tcp_send_challenge_ack()"},
		Since: "0.2",
	},
	Outcomes:     []*detectors.Outcome{challengedConnected, challengedStuck},
	Params:       wrongAnswerParams,
	StartsOn:     fsm.On(fsm.SynChallenged),
	SubscribesTo: wrongAnswerEvents,
	YieldsTo:     []string{"early-reuse"},
	Watch: func(*detectors.Report) detectors.Watcher {
		return &wrongAnswer{kind: fsm.SynChallenged, connected: challengedConnected, stuck: challengedStuck}
	},
}

var (
	challengedConnected = &detectors.Outcome{Name: "connected", Severity: detectors.Info,
		When: "a later SYN was answered with SYN-ACK; a warning if that took 3 s or longer"}
	challengedStuck = &detectors.Outcome{Name: "stuck", Severity: detectors.Warning,
		Title: "a SYN was answered with an ACK that does not fit it, and never with SYN-ACK",
		When:  "no SYN was answered with SYN-ACK",
		Cause: "The client's RST does not arrive (a firewall that knows no connection with these numbers drops it), or the client " +
			"sends none: the server keeps the old connection. Or there is no old connection, and flood protection answers SYNs like this and lets none of this client through.",
		Action: "Capture on the server to see whether the RST arrives. Until then, close the old connection there manually (ss -K), or " +
			"connect from another port. If SYNs from other ports are answered like this, too, old connections are not the reason: look for flood protection, " +
			"or another device that answers for the server."}
)
