package resets

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What a RST may mean that a device on the path may have sent.

var lateAck = &outcome{
	Outcome: detectors.Outcome{
		Name: "late-ack", Severity: detectors.Warning, Fault: detectors.FaultSuspected, Needs: segmentOrigin,
		When: "a late, repeated or out-of-window ACK was answered with a RST, and its apparent sender continues",
		Cause: "Something in front of that side does not recognise the ACK and answers it as a closed port would: a NAT node whose conntrack calls it INVALID " +
			"and hands it to the node's own TCP (kubernetes#74839), or a firewall that rejects with RST.",
		Action: "On the node that translates addresses, drop INVALID packets in FORWARD and INPUT, or set net.netfilter.nf_conntrack_tcp_be_liberal=1; check `conntrack -S` (invalid).",
	},
	measure:  (*resetCase).measureTTL,
	sentence: (*resetCase).lateAckSentence,
}

var outOfWindow = &outcome{
	Outcome: detectors.Outcome{
		Name: "out-of-window", Severity: detectors.Warning, Fault: detectors.FaultSuspected, Needs: segmentOrigin,
		When: "data beyond the offered window was answered with a RST without ACK, as from a host without the connection",
		Cause: "A stateful firewall that follows windows called the segment invalid: it rejected it with a RST, or, on a node that translates addresses, " +
			"handed it untranslated to the node's own TCP, which does not know the connection (Linux conntrack: INVALID, out of window). " +
			"The segment exceeds what the capture shows as offered: the firewall missed a window scale option or a window update, or the sender ignores the window.",
		Action: "On the firewall or node, set net.netfilter.nf_conntrack_tcp_be_liberal=1, or drop INVALID packets instead of rejecting them; check `conntrack -S` " +
			"(invalid) and net.netfilter.nf_conntrack_log_invalid. Then find out why the sender exceeds the window (window-overrun).",
	},
	peerAtFault: func(*resetCase) bool { return true }, // it exceeded the window
	doubts:      []doubt{finUnseen},                    // then it may have had no socket
	absence: func(c *resetCase, f *detectors.Finding, r *detectors.Report) { // of a window update
		r.Absence(f, c.peer.last.At)
	},
	measure:  func(c *resetCase, f *detectors.Finding) { f.Measure("beyond", int(c.excess())) },
	sentence: (*resetCase).outOfWindowSentence,
}

var idleDrop = &outcome{
	Outcome: detectors.Outcome{
		Name: "idle-drop", Severity: detectors.Warning, Fault: detectors.FaultSuspected, Needs: segmentOrigin,
		When: "the first segment after a long silence was answered with a RST, or a RST ended the silence; info if that segment was a FIN, and nothing is lost",
		Cause: "A middlebox (load balancer, NAT, firewall) forgot the connection while nothing was sent: its idle timeout is shorter than the silence. " +
			"A host that was restarted meanwhile looks the same.",
		Action: "Send keep-alives more often than the shortest idle timeout on the path (SO_KEEPALIVE, TCP_KEEPIDLE), or close idle connections before it.",
	},
	exceptions: []exception{{detectors.Info, func(c *resetCase) bool { // the peer closed what neither used any more
		return !c.brokeSilence() && c.peer.last.Flags.Has(reassembly.FIN) && c.lost() == 0 && c.missing == 0
	}}},
	doubts: []doubt{
		{onlyAcks.reason, func(c *resetCase) bool { return !c.otherTTL() && c.onlyAcks() }},
		{finUnseen.reason, func(c *resetCase) bool { return !c.otherTTL() && c.finMissed() }},
	},
	fault: func(c *resetCase) detectors.Fault {
		if c.otherTTL() || c.otherDevice() {
			return detectors.FaultPath
		}
		return detectors.FaultSuspected
	},
	absence: func(_ *resetCase, f *detectors.Finding, _ *detectors.Report) {
		f.Absence = detectors.AnyAbsence // of anything in the silence; a hole would have shown it
		f.Doubt()
	},
	measure:  (*resetCase).measureIdle,
	sentence: (*resetCase).idleDropSentence,
	advice: func(c *resetCase) (cause, action string) {
		const device, ended = "A middlebox (load balancer, NAT, firewall)", " ended the connection while nothing was sent: its idle timeout is shorter than the silence."
		switch { // a host that was restarted only answers
		case c.brokeSilence() && (c.otherTTL() || c.otherDevice()):
			return device + ended, ""
		case c.brokeSilence():
			return device + ", or a timer of the host itself," + ended, ""
		case c.otherTTL():
			return device + " forgot the connection while nothing was sent: its idle timeout is shorter than the silence. Or another host answers at that address now.", ""
		case c.itsOwn():
			return "What accepts connections in the place of that host, or a timer of the host itself, ended the connection while nothing was sent, without a FIN or RST that was captured.", ""
		}
		return "", ""
	},
}

var suspectedInjection = &outcome{
	Outcome: detectors.Outcome{
		Name: "suspected-injection", Severity: detectors.Warning, Fault: detectors.FaultPath, Needs: segmentOrigin,
		When: "the RST seems not to come from the side whose address it has: it answers nothing, its TTL or IP ID differs from that side's, or that side continues; info if a side had closed, and nothing is lost",
		Cause: "A middlebox on the path sent it (an intrusion prevention system, a filter, a firewall that ends connections, a load balancer that fails over), or an attacker " +
			"who wants the connection to end. Or a front end of the service that no longer has the connection: its members may differ in TTL.",
		Action: "Capture at the side whose address it has: if the RST does not leave there, it was made on the path. Its TTL says how many hops away.",
	},
	exceptions: []exception{{detectors.Info, (*resetCase).over}},
	fault: func(c *resetCase) detectors.Fault {
		if c.over() {
			return detectors.FaultUnknown
		}
		return detectors.FaultPath
	},
	doubts: []doubt{{"what continues looks like a new connection: a server that uses SYN cookies may have reset the first one, and accepted another from a later segment",
		func(c *resetCase) bool { return c.restarts() && !c.otherTTL() && !c.otherID() }},
		{"nothing was in flight, and the RST has just the numbers of the connection: a front end of the service (a load balancer, a proxy) may have sent it, with a TTL of its own, when an idle timer expired", (*resetCase).timedOut},
		{"nothing but its number speaks against the RST: it may answer a segment that was not captured", func(c *resetCase) bool {
			return c.continued.At == 0 && !c.otherTTL() && !c.otherID() && !c.copiesID() && !c.noID() && c.belowNxt() && c.guess.At == 0
		}},
		{"nothing but its IP ID speaks against the RST: a host without the connection may number it by another count, and may have answered a segment that the path held up", (*resetCase).onlyID},
		{"nothing but its IP ID of 0 speaks against the RST: it has the number that an ACK of the data in flight has, and that ACK may not have been captured", (*resetCase).answersUnseen},
		{"midstream: from the sender, only ACKs of keep-alives were captured before, which a device in front of it may have sent: the TTL of the RST may be its own",
			func(c *resetCase) bool { return c.otherTTL() && c.onlyAcks() && c.peer.bytes == 0 }}},
	absence: func(c *resetCase, f *detectors.Finding, r *detectors.Report) { // of a segment that it answers
		if !c.otherTTL() && !c.otherID() && !c.copiesID() {
			r.Absence(f, c.rst.At)
		}
	},
	advice: func(c *resetCase) (cause, action string) {
		if !c.sharedAddress() {
			return "", ""
		}
		return "Two devices on this link use the address: an address conflict (a static address in the range of DHCP, a copied machine), so that what its peer sends goes to the one or the other, as ARP says, " +
				"and the one without the connection answers with RST. Or a device on the link (ARP spoofing, a filter) sent it in the name of the host.",
			"Compare the source MAC addresses of these frames, and see which of them answer ARP for the address (arping -D, ip neigh). Give one of the two devices another address."
	},
	measure:  (*resetCase).measureTTL,
	sentence: (*resetCase).suspectedInjectionSentence,
	lost: func(c *resetCase) uint32 { // what the RST acknowledges, its sender may never have received
		if c.survived {
			return 0
		}
		return c.lost() + c.missing
	},
}

var unexplained = &outcome{
	Outcome: detectors.Outcome{
		Name: "unexplained", Severity: detectors.Warning, Needs: segmentOrigin,
		When:   "no other outcome fits, or the capture does not show enough",
		Cause:  "Unknown. What the RST answers was not captured, or it answers nothing and no socket would send it in this form.",
		Action: "Capture on the host that sent the RST, from before the connection opens.",
	},
	exceptions: []exception{{detectors.Info, func(c *resetCase) bool { return c.peer.finSent() }}},
	doubts: []doubt{{"one-sided: one of the RSTs has a number beyond the SYN: its sender had sent data and completed the handshake, and that and what the RSTs answer was not captured; " +
		"or a device on the path made both, and guessed the number", func(c *resetCase) bool { return c.beyondSYN.At != 0 }},
		{"midstream: the capture begins with the RST, and shows nothing that its sender sent before", (*resetCase).halfCaptured}},
	sentence: (*resetCase).unexplainedSentence,
}
