package opening

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// WrongSYNAck reports a SYN-ACK that does not acknowledge the SYN that was sent.
// RFC 9293 3.10.7.3.
var WrongSYNAck = &detectors.Detector{
	Name: "wrong-syn-ack",
	Doc: detectors.Doc{
		Title: "a SYN-ACK did not acknowledge the SYN",
		What: "A client sends SYN, and the SYN-ACK that comes back acknowledges something else than the SYN's number. The client " +
			"must answer that with RST and go on waiting.",
		Cause: "A second answer to an older SYN on the same ports, a delayed duplicate; two hosts that answer for one address; " +
			"a firewall or load balancer that rewrites sequence numbers in one direction only, or that forgot its offset; or a " +
			"guard against floods that tests the client so on purpose.",
		Action: "Compare TTL and link-layer address of this SYN-ACK with the server's other segments to see who sent it. Capture on both sides " +
			"of each device that rewrites sequence numbers (ISN randomization, SYN proxies).",
		NotThis: "A SYN-ACK without the data of a SYN that carried some (RFC 7413): that is allowed. A capture that lacks the SYN. A pure ACK " +
			"with other numbers: challenged-syn.",
		Peers: "Wireshark takes the numbers as they come, and at most says that an unseen segment was acknowledged.",
		Refs:  []string{"RFC 9293 3.10.7.3", "RFC 9293 3.5"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "connected", Severity: detectors.Info, When: "a SYN-ACK with the right number came as well; a warning if that took 3 s or longer"},
		{Name: "stuck", Severity: detectors.Warning, When: "none with the right number came"},
	},
	Params:       misanswerParams,
	StartsOn:     fsm.On(fsm.SynMisacked),
	SubscribesTo: misanswerEvents,
	Watch:        func(*detectors.Report) detectors.Watcher { return &misanswer{kind: fsm.SynMisacked} },
}
