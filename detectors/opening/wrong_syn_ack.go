package opening

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// WrongSYNAck reports a SYN-ACK that does not acknowledge the SYN. RFC 9293 3.10.7.3.
var WrongSYNAck = &detectors.Detector{
	Name: "wrong-syn-ack",
	Doc: detectors.Doc{
		Title: "a SYN-ACK did not acknowledge the SYN",
		What: "A client sends SYN, and the SYN-ACK that comes back acknowledges something other than the SYN. The client " +
			"must answer that with RST and keep waiting.",
		Cause: "A second answer to an older SYN on the same ports (a delayed duplicate); two hosts that answer for one address; " +
			"a firewall or load balancer that rewrites sequence numbers in one direction only, or that lost its offset; or " +
			"flood protection that tests the client like this on purpose.",
		Action: "Compare TTL and link-layer address of this SYN-ACK with the server's other segments to see who sent it. Capture on both sides " +
			"of each device that rewrites sequence numbers (ISN randomization, SYN proxies).",
		NotThis: "A SYN-ACK that leaves out the data of a SYN that carried some (RFC 7413): that is allowed. A capture that lacks the SYN. A pure ACK " +
			"with other numbers: challenged-syn.",
		Peers: "Wireshark accepts the numbers as they are, and at most says that an unseen segment was acknowledged.",
		Refs:  []string{"RFC 9293 3.10.7.3", "RFC 9293 3.5"},
		Since: "0.2",
	},
	Outcomes:     []*detectors.Outcome{wrongConnected, wrongStuck},
	Params:       wrongAnswerParams,
	StartsOn:     fsm.On(fsm.SynMisacked),
	SubscribesTo: wrongAnswerEvents,
	Watch: func(*detectors.Report) detectors.Watcher {
		return &wrongAnswer{kind: fsm.SynMisacked, connected: wrongConnected, stuck: wrongStuck}
	},
}

var (
	wrongConnected = &detectors.Outcome{Name: "connected", Severity: detectors.Info, Fault: detectors.FaultSuspected, Needs: fsm.Text, // an IP ID tells that one SYN-ACK was captured twice
		When: "a SYN-ACK with the right number came as well; a warning if that took 3 s or longer"}
	wrongStuck = &detectors.Outcome{Name: "stuck", Severity: detectors.Warning, Fault: detectors.FaultSuspected, When: "no SYN-ACK with the right number came"}
)
