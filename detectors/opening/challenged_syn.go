package opening

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// ChallengedSYN reports a SYN that was answered by an ACK of something else: the
// peer still has an older connection on the same ports. RFC 9293 3.5.1, figure
// 9; RFC 5961 4.2.
var ChallengedSYN = &detectors.Detector{
	Name: "challenged-syn",
	Doc: detectors.Doc{
		Title: "a SYN met an ACK of an older connection",
		What: "A client sends SYN, and the other end answers with a pure ACK whose numbers are another connection's. The client " +
			"answers that with RST, and only its next SYN can open the connection: a second later, or at once (Linux).",
		Cause: "The server still holds a connection with the same ports: the client went down or forgot it without a word, a NAT " +
			"or load balancer gave its port to somebody else, or the port is used again before TIME_WAIT is over. Guards against " +
			"floods (out-of-sequence SYN authentication) answer the first SYN so on purpose.",
		Action: "See why the old connection was not closed on both ends, and how soon ports are used again (fixed source ports, " +
			"SNAT ranges that are too small, net.ipv4.tcp_tw_reuse). Keep-alives on the server clear what is dead. If each new " +
			"client is greeted so, it is a guard: look for it on the way.",
		NotThis: "An ACK that answers a RST or a SYN in the middle of a connection that goes on. A SYN-ACK with wrong numbers: " +
			"wrong-syn-ack. Where the old connection is in the capture too, what the RST did to it is told of that.",
		Peers: "Wireshark shows \"ACKed unseen segment\", \"Port numbers reused\" and a RST, and does not connect them.",
		Refs:  []string{"RFC 5961 4.2", "RFC 9293 3.5.1", "RFC 9293 3.10.7.3", "Linux tcp_send_challenge_ack()"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "connected", Severity: detectors.Info, When: "a later SYN was answered with SYN-ACK; a warning if that took 3 s or longer"},
		{Name: "stuck", Severity: detectors.Warning, When: "no SYN was answered with SYN-ACK: the old connection stays",
			Cause: "The client's RST does not arrive: a firewall drops it, for it knows of no connection with these numbers, or the client " +
				"sends none. So the server keeps the old connection and goes on answering for it.",
			Action: "Capture on the server to see whether the RST arrives. Until then, close the old connection there by hand (ss -K), or " +
				"connect from another port.",
		},
	},
	Params:       misanswerParams,
	StartsOn:     fsm.On(fsm.SynChallenged),
	SubscribesTo: misanswerEvents,
	YieldsTo:     []string{"early-reuse"},
	Watch:        func(*detectors.Report) detectors.Watcher { return &misanswer{kind: fsm.SynChallenged} },
}
