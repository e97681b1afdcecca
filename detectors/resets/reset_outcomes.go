package resets

import (
	"github.com/tcptrace-go/tcptrace/detectors"
)

// resetOutcomes are what a RST may mean.
var resetOutcomes = []*detectors.Outcome{
	{
		Name: "refused", Severity: detectors.Warning,
		When:   "a SYN was answered with RST; info if the SYN that came again was taken, or if it was no SYN, but what a port scan sends (FIN, NULL, Xmas)",
		Cause:  "Nobody listens on that address and port, or a firewall rejects the connection with RST (RFC 9293 3.10.7.1).",
		Action: "See whether the service runs and listens on that address (`ss -ltn`), and whether the client has the right port; then look for a rule that rejects.",
	},
	{
		Name: "aborted", Severity: detectors.Info,
		When: "its socket ended the connection by RST, with nothing of the peer's left unread for all that can be seen; a warning if it gave up " +
			"on a peer that does not answer, or if a server threw data of its own away",
		Cause: "The application closed with SO_LINGER 0 or was killed in a way that does so, or its TCP gave up after a timeout. " +
			"Behind an orderly exchange, or behind its own FIN, it is a quick way to close, and nothing is lost.",
		Action: "If the peer reports errors, look for SO_LINGER and for timeouts in the application that sent the RST; data that was not acknowledged is lost (lost_bytes).",
	},
	{
		Name: "unread-data", Severity: detectors.Warning,
		When: "its socket was closed while data of the peer had not been read; info if the closer is the client, or the peer had closed too",
		Cause: "A close with unread data sends RST in place of FIN (RFC 2525 2.17, RFC 9293 3.10.4): the application answered, or gave up, before it " +
			"had read all that was sent to it; a process that dies does the same. What it had sent itself may be lost with it.",
		Action: "Let the application read to the end, or shut down its sending side and drain, before it closes. Look at its log for why it stopped reading.",
	},
	{
		Name: "data-after-close", Severity: detectors.Warning,
		When: "data met a side that had closed already; info if a client closed and did not want the rest",
		Cause: "The sender of the RST had sent FIN and given the socket up; data that comes after that is answered with RST and lost. A request that " +
			"crosses the FIN of an idle keep-alive connection is the usual case (a 502 or 503 in the log of a proxy).",
		Action: "Let the client's side close idle connections sooner than the server's does (a shorter keep-alive timeout on the client or proxy), and let it " +
			"repeat what is safe to repeat. If the sender knew of the FIN, it has to look for end of file before it reuses a connection.",
	},
	{
		Name: "half-open", Severity: detectors.Warning,
		When: "a host that has not closed answered a segment as one that does not know the connection",
		Cause: "It has lost the connection: it or its process was restarted, the address moved to another host, or packets now take another way to another " +
			"one (RFC 9293 3.5.1). Behind a handshake just completed: a full accept queue that resets, or a load balancer without a backend.",
		Action: "Look for a restart, a failover or a change of routes before the time of the RST. The application on the other side has to connect again.",
	},
	{
		Name: "keepalive-refused", Severity: detectors.Warning,
		When:   "a keep-alive, or a probe of a closed window, was answered with RST",
		Cause:  "The host that answers is up and does not know the connection: it was restarted while nothing was sent, or it had closed and forgotten it, or something in between did (RFC 9293 3.8.4).",
		Action: "Nothing to mend here: the keep-alive did its work. Look for when and why the peer lost the connection, before this time.",
	},
	{
		Name: "stale", Severity: detectors.Info,
		When:   "the RST answers what is out of date: something sent after both sides had closed, or an old duplicate; a warning if the connection was still open",
		Cause:  "A FIN, an ACK or a keep-alive that came when the other side had forgotten the connection, or a segment that the network delivered late (RFC 1337, RFC 9293 3.10.7).",
		Action: "None, unless it happens often: then look at what repeats or delays segments.",
	},
	{
		Name: "handshake-reset", Severity: detectors.Info,
		When: "the side that sent the SYN answered the SYN-ACK with RST",
		Cause: "The client does not want the connection any more (happy eyeballs, a connect timeout shorter than the round trip), never had it (a port scan, a " +
			"forged source address), or its host does not find it (address translation).",
		Action: "None for a scan or a race of two addresses. If a user was waiting, compare the client's connect timeout with the round trip, and look for NAT between the two.",
	},
	{
		Name: "late-ack", Severity: detectors.Warning,
		When: "a late, repeated or out-of-window ACK was answered with RST, and the side in whose name it came goes on",
		Cause: "Something in front of that side does not recognise the ACK and answers it as a closed port would: a NAT node whose conntrack calls it INVALID " +
			"and hands it to the node's own TCP (kubernetes#74839), or a firewall that rejects with RST.",
		Action: "On the node that translates, drop INVALID packets in FORWARD and INPUT, or set net.netfilter.nf_conntrack_tcp_be_liberal=1; look at `conntrack -S` (invalid).",
	},
	{
		Name: "idle-drop", Severity: detectors.Warning,
		When: "the first segment after a long silence was answered with RST, or the silence ended with one",
		Cause: "A middlebox (load balancer, NAT, firewall) forgot the connection while nothing was sent: its idle timeout is shorter than the silence. " +
			"A host that was restarted meanwhile looks the same.",
		Action: "Send keep-alives more often than the shortest idle timeout on the way (SO_KEEPALIVE, TCP_KEEPIDLE), or close idle connections before it.",
	},
	{
		Name: "suspected-injection", Severity: detectors.Warning,
		When: "the RST seems not to be of the side whose address it bears: it answers nothing, its TTL or IP ID breaks with that side's, or that side goes on after it",
		Cause: "A middlebox on the path sent it: an intrusion prevention system, a filter, a firewall that ends connections, a load balancer that fails over; or somebody " +
			"who wants the connection to end.",
		Action: "Capture at the side whose address it bears: if the RST does not leave there, it was made on the way. Its TTL tells how many hops away.",
	},
	{
		Name: "unexplained", Severity: detectors.Warning,
		When:   "none of the others; also where the capture does not show enough",
		Cause:  "Not known. What the RST answers was not captured, or it answers nothing and is not made as a socket would.",
		Action: "Capture on the host that sent the RST, from before the connection opens.",
	},
}
