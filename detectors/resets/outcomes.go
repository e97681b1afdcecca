package resets

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What a RST may mean.

var refused = &outcome{
	Outcome: detectors.Outcome{
		Name: "refused", Severity: detectors.Warning, Handshake: true, Fault: detectors.FaultHost,
		When:   "a SYN was answered with a RST; info if the SYN was sent again and accepted, or has no MSS, as port scanners and floods write it, or if it is part of a port scan: of SYNs to many ports of one host (or to several, with one ISN), or to a port of many hosts, or of segments that begin no connection (FIN, NULL, Xmas)",
		Cause:  "Nothing listens on that address and port, or a firewall rejects the connection with a RST (RFC 9293 3.10.7.1).",
		Action: "Check that the service runs and listens on that address (`ss -ltn`), and that the client uses the right port; then look for a firewall rule that rejects.",
	},
	exceptions: []exception{
		{detectors.Info, (*resetCase).scanned},
		{detectors.Info, (*resetCase).craftedSYN},
		{detectors.Info, (*resetCase).acceptedLater},
	},
	fault: func(c *resetCase) detectors.Fault {
		if c.scanned() || c.craftedSYN() { // a closed port has to answer so
			return detectors.FaultUnknown
		}
		return detectors.FaultHost
	},
	advice: func(c *resetCase) (cause, action string) {
		if !c.craftedSYN() {
			return "", ""
		}
		return "A port scanner, a flood or a test sends SYNs that it writes itself, and nothing listens on that port. A closed port answers a SYN with a RST (RFC 9293 3.10.7.1).",
			"Nothing is known to be wrong with the host that refuses. If a client of yours sends SYNs without an MSS, check that the service runs (`ss -ltn`)."
	},
	sentence: (*resetCase).refusedSentence,
}

// minLost is how much payload must be lost to count where its sender knew that nobody
// reads: a TLS close_notify is less, and nobody misses it.
const minLost = fsm.ShortPayload

var aborted = &outcome{
	Outcome: detectors.Outcome{
		Name: "aborted", Severity: detectors.Info, Fault: detectors.FaultHost, Needs: segmentOrigin,
		When: "a socket ended the connection with a RST, apparently without unread data from its peer; warning if it gave up on a peer that " +
			"does not answer, if a server discarded data of its own, or if it never acknowledged what its client kept sending, or had just sent when the RST left",
		Cause: "The application closed with SO_LINGER 0, or was killed in a way that has the same effect, or closed with data that it had not read, or its TCP gave up after a timeout, or an idle timer expired. " +
			"After a complete exchange, or after its own FIN, this is a quick way to close.",
		Action: "If the peer reports errors, look for SO_LINGER and for timeouts in the application that sent the RST. Data that was not acknowledged may be lost (lost_bytes).",
	},
	exceptions: []exception{
		{detectors.Warning, (*resetCase).gaveUp},
		{detectors.Warning, func(c *resetCase) bool {
			return c.fromServer() && c.missing > 0 && (c.missing >= minLost || !c.peer.finSent())
		}},
		{detectors.Warning, func(c *resetCase) bool { return c.untaken() && !c.seemsClient() && !c.peer.finSent() }},
		{detectors.Warning, (*resetCase).crossedDataLost},
	},
	advice: (*resetCase).abortedAdvice,
	fault: func(c *resetCase) detectors.Fault {
		if c.untaken() || c.owed() { // who lost it is not known; the other side owed something
			return detectors.FaultUnknown
		}
		return detectors.FaultHost
	},
	doubts: []doubt{
		{"midstream: only ACKs from the peer were captured before, so it may have closed, too, and then its ACK only came too late", (*resetCase).mayBeClosed},
		{"holes: the sender of the RST numbers its packets, and the RST has neither ACK nor IP ID, so that no socket sent it: it answers a segment that was not captured",
			func(c *resetCase) bool { return c.afterFIN() && c.noID() && !c.unlikeLast() }},
		{"holes: the RST has no ACK, as none has with which a closed socket answers, and the capture lacks segments of the peer: it may answer one of these",
			func(c *resetCase) bool { return c.afterFIN() && c.peer.stream.Holes() }},
		overrunUnknown,
	},
	absence: func(c *resetCase, f *detectors.Finding, _ *detectors.Report) {
		if c.unansweredData() {
			f.Absence = detectors.NoDataAnswer
			f.Doubt()
		}
	},
	sentence: (*resetCase).abortedSentence,
}

var unreadData = &outcome{
	Outcome: detectors.Outcome{
		Name: "unread-data", Severity: detectors.Warning, Fault: detectors.FaultHost, Needs: segmentOrigin,
		When: "a socket was closed with unread data from its peer; info if the client closed it, or who seems to be by the ports, if the peer had closed too, or at the end of an LDAP session, after what may be the unbind request, or if so few bytes were left after an exchange that they may only say goodbye (31 at most, or a GOAWAY of HTTP/2 once the closer has closed); nobody's fault then, nor if the peer closed with so few, or they are a server's only answer, or a client resets right after a short segment that acknowledges all that it had sent; undecided if it acknowledges data in less than a tenth of the time that its sender takes to answer",
		Cause: "Closing a socket with unread data sends a RST instead of a FIN (RFC 2525 2.17, RFC 9293 3.6.1): the application answered, or gave up, " +
			"before it had read everything; a process that dies, or aborts the connection (SO_LINGER 0), has the same effect. What it had sent itself may be lost too.",
		Action: "Let the application read to the end, or shut down its sending side and drain, before it closes. Check its log for why it stopped reading.",
	},
	exceptions: []exception{ // it did not want the rest
		{detectors.Info, (*resetCase).seemsClient},
		{detectors.Info, func(c *resetCase) bool { return c.peer.finSent() }},
		{detectors.Info, (*resetCase).unbound},
		{detectors.Info, (*resetCase).goodbye},
	},
	doubts: []doubt{{"the RST acknowledges data in less than a tenth of the time that its apparent sender takes to answer: a device nearer to the capture point (a filter, a firewall, a proxy) may have sent it", (*resetCase).fromNearer},
		finUnseen}, // then its socket had closed before
	fault: func(c *resetCase) detectors.Fault {
		if c.few() || c.unbound() || c.hasAnswer() || c.hungUp() { // which nobody has to read, or which asks to close, or is read at once
			return detectors.FaultUnknown
		}
		return detectors.FaultHost
	},
	advice:   (*resetCase).unreadDataAdvice,
	sentence: (*resetCase).unreadDataSentence,
	lost: func(c *resetCase) uint32 { // what was acknowledged counts where the window shows that it was unread
		if c.windowFell() {
			return c.unreadBytes() + c.missing
		}
		return c.inFlight()
	},
}

var dataAfterClose = &outcome{
	Outcome: detectors.Outcome{
		Name: "data-after-close", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "data reached a side that had already closed; info if a client closed, or who seems to be by the ports, and did not want the rest, or if little came after the FIN and something had been exchanged before, or if the client has the answer with which the server closed before it had read everything; no host's fault if the path had lost the data before the FIN, or if the data goes beyond a FIN with its sender's address that the side had acknowledged",
		Cause: "The sender of the RST had sent FIN and released its socket; data that arrives after that is answered with a RST and lost. Often a request " +
			"crosses the FIN of an idle keep-alive connection (a 502 or 503 in the log of a proxy).",
		Action: "Let the client close idle connections sooner than the server does (a shorter keep-alive timeout on the client or proxy), and let it " +
			"repeat requests that are safe to repeat.",
	},
	exceptions: []exception{
		{detectors.Info, (*resetCase).seemsClient},
		{detectors.Info, func(c *resetCase) bool { return c.lateData() == farewell }},
		{detectors.Info, (*resetCase).repliedFirst},
		{detectors.Info, func(c *resetCase) bool { return !c.clientKnown && (c.lateData() != crossing || !c.request()) }},
	},
	peerAtFault: func(c *resetCase) bool { return c.lateData() == reuse },
	fault:       (*resetCase).dataAfterCloseFault,
	advice:      (*resetCase).dataAfterCloseAdvice,
	measure: func(c *resetCase, f *detectors.Finding) {
		switch knew, known := c.knewFIN(); {
		case c.sender.fin.Lost:
		case knew:
			f.Measure("raced_fin", 0)
		case known:
			f.Measure("raced_fin", 1)
		}
	},
	sentence: (*resetCase).dataAfterCloseSentence,
	lost:     func(c *resetCase) uint32 { return c.lost() + c.later }, // acknowledged or not, nobody reads it
}

var halfOpen = &outcome{
	Outcome: detectors.Outcome{
		Name: "half-open", Severity: detectors.Warning, Fault: detectors.FaultHost, Needs: segmentOrigin,
		When: "a host of which no FIN was captured answered a segment as if it did not know the connection: right after its SYN-ACK, or a challenge ACK, or after a silence in which it may have been restarted; info if the host had closed, or answered a FIN, and nothing is lost",
		Cause: "It has lost the connection: it or its process was restarted, the address moved to another host, or packets now take another path to " +
			"another host (RFC 9293 3.5.1). Right after the handshake: a full accept queue that resets, or a load balancer without a backend.",
		Action: "Look for a restart, a failover or a route change before the time of the RST. The application on the other side has to connect again.",
	},
	exceptions: []exception{{detectors.Info, (*resetCase).parted}}, // nobody misses it
	advice: func(c *resetCase) (cause, action string) {
		if c.synAckAgain.At != 0 {
			return "The ACK and what followed it did not get to the host that answered the SYN, but to another host or device: behind an anycast address or a load balancer, when a route changes, or where equal " +
					"paths are chosen by more than addresses and ports (the IPv6 flow label may change after the SYN); or a firewall on the path answers in that host's place.",
				"Look at what chooses a host for this address: load balancers, equal-cost routes, anycast. No host needs to have been restarted. The application on the other side has to connect again."
		}
		if !c.parted() {
			return "", ""
		}
		return "The host, or a load balancer or front end in its place, no longer had the connection: after a restart, a failover or a route change, or because it forgets early what is over.",
			"No action needed: a side had closed, and nothing is lost."
	},
	doubts: []doubt{
		{"midstream: nothing that the sender of the RST sent before was captured, so it may have closed", func(c *resetCase) bool { return c.sender.last.At == 0 }},
		{"the sender of the RST may have closed: its FIN may have had to wait for the peer's window, or behind data that waited for ACKs", (*resetCase).finHeld},
		onlyAcks, finUnseen, overrunUnknown,
		{"Multipath TCP: the sender of the RST may have closed what this connection was a part of, or refused another part (RFC 8684 3.6)", func(c *resetCase) bool { return c.multipath }},
		{"the IP ID of the RST follows those of its sender, so that host was not restarted: it aborted the connection, or had closed it with a FIN or RST that was not captured",
			func(c *resetCase) bool { return c.bare() && c.goesOn() && !c.justAccepted() && !c.challenging }},
		{"the sender of the RST had the connection only seconds before, in which no host restarts: it may have closed or aborted it, by a FIN or RST that was not captured, or a device on the path may answer for it", (*resetCase).hadItJust},
		{"the sender of the RST had answered nothing before, not even retransmissions: its FIN or RST may have been lost like these, or a device on the path, which drops its segments, may have sent the RST", (*resetCase).unheard},
		{"the RST answers the first data, but not the ACK before that: a device on the path that looks at data (a filter) may have sent it",
			func(c *resetCase) bool { return c.onlyData() && c.synAckAgain.At == 0 }},
	},
	absence: func(c *resetCase, f *detectors.Finding, r *detectors.Report) { r.Absence(f, c.peer.last.At) }, // its FIN
	lost:    func(c *resetCase) uint32 { return c.lost() + c.missing },                                      // what its RST acknowledges, no socket has
	fault: func(c *resetCase) detectors.Fault {
		switch {
		case c.unheard() || c.strangeWindow() || c.parted():
			return detectors.FaultUnknown
		case c.synAckAgain.At != 0:
			return detectors.FaultPath
		}
		return detectors.FaultHost
	},
	sentence: (*resetCase).halfOpenSentence,
}

var keepaliveRefused = &outcome{
	Outcome: detectors.Outcome{
		Name: "keepalive-refused", Severity: detectors.Warning, Fault: detectors.FaultSuspected, Needs: segmentOrigin,
		When: "a keep-alive, or a zero-window probe, was answered with a RST; info if a side had closed, and nothing is lost",
		Cause: "The host that answers is up but does not know the connection: it was restarted while nothing was sent, or it, or something in between, " +
			"had closed and forgotten the connection (RFC 9293 3.8.4).",
		Action: "Nothing to fix here: the keep-alive did its job. Look for when and why the peer lost the connection, before this time.",
	},
	exceptions: []exception{{detectors.Info, (*resetCase).closedOnly}}, // its peer knew that it had closed, or had closed itself
	fault:      (*resetCase).keepaliveFault,
	doubts:     []doubt{onlyAcks, finUnseen},
	sentence:   (*resetCase).keepaliveRefusedSentence,
}

var stale = &outcome{
	Outcome: detectors.Outcome{
		Name: "stale", Severity: detectors.Info, Fault: detectors.FaultHost, Needs: segmentOrigin,
		When:   "the RST answers something out of date: a segment sent after both sides had closed, the FIN of a side whose peer had closed before and kept nothing, an ACK that its own FIN has overtaken, an old duplicate, a FIN with the sequence number of the SYN, or the end of a handshake that came when the SYN-ACK was not repeated any more; or it answers nothing, as both sides had closed and its sender had acknowledged everything; warning if the connection was still open",
		Cause:  "A FIN, an ACK or a keep-alive arrived when the other side had forgotten the connection, or the network delivered a segment late (RFC 1337, RFC 9293 3.10.7).",
		Action: "No action needed unless it happens often: then look for what repeats or delays segments.",
	},
	exceptions: []exception{{detectors.Warning, func(c *resetCase) bool { return c.stillOpen() && !(c.misacks() && !c.peer.synSeen) }}}, // nobody asked for what such a SYN-ACK opens
	doubts: []doubt{{"the RST has ACK, so that the socket itself may have sent it, before the FIN of its peer came", func(c *resetCase) bool {
		return !c.closed() && c.behindFIN() && !c.bare()
	}}, {"holes: what the peer had acknowledged before was not captured, so the sender of the RST may never have sent it",
		func(c *resetCase) bool { return c.stillOpen() && c.ackUnseen() && !c.misacks() }}},
	peerAtFault: func(*resetCase) bool { return true }, // it sent what is out of date
	fault:       (*resetCase).staleFault,
	advice:      (*resetCase).staleAdvice,
	sentence:    (*resetCase).staleSentence,
}

var handshakeReset = &outcome{
	Outcome: detectors.Outcome{
		Name: "handshake-reset", Severity: detectors.Info, Fault: detectors.FaultHost,
		When: "the side that sent the SYN answered the SYN-ACK with a RST; a warning, and no host's fault, if the same SYN was captured on its way to another address; nor if the SYN has no MSS, as floods and scans write it, or the SYN-ACK came more than a second after the first SYN",
		Cause: "The client no longer wants the connection (happy eyeballs, a connect timeout shorter than the round trip), only asked whether the port is open (a health check, a port scan), " +
			"never asked for it (a forged source address), or its host cannot find it (address translation).",
		Action: "No action needed for a health check, a port scan or a race of two addresses. If a user was waiting, compare the client's connect timeout with the round trip, and look for NAT on the path: " +
			"if the SYN went to another address first, the answer must pass the device that translated it (masquerade or SNAT the client, or route the answer back).",
	},
	fault: func(c *resetCase) detectors.Fault {
		if !c.sender.synSeen || c.sender.noMSS || c.lateSYNACK() > 0 { // it may have asked for nothing, or waited long enough
			return detectors.FaultUnknown
		}
		return detectors.FaultHost
	},
	advice: func(c *resetCase) (cause, action string) {
		switch {
		case !c.sender.synSeen && c.peer.last.Flags.Has(reassembly.SYN):
			return "The client did not ask for the connection: somebody sent a SYN with its address, or something on the path sent it the answer to another host's SYN. Or its SYN was not captured.", ""
		case !c.unsent:
			return "", ""
		}
		return "No sound TCP acknowledges what was never sent: a program that makes its own packets did (a scanner, a test), something on the path changes sequence numbers " +
				"in one direction only, or the ACK belongs to another connection of these ports. The server answers such an ACK with RST (RFC 9293 3.10.7.4), or ignores it.",
			"Capture on the client to see whether it sends the ACK like this; if not, look for a device between that rewrites sequence numbers."
	},
	doubts: []doubt{{"one-sided: the SYN-ACK that it may answer was not captured",
		func(c *resetCase) bool { return !c.peer.last.Flags.Has(reassembly.SYN) }}},
	sentence: (*resetCase).handshakeResetSentence,
}
