package opening

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/loopback"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A synRow says what is known better of an unanswered SYN where a condition holds.
type synRow struct {
	outcome       *detectors.Outcome
	holds         func(*synUnanswered, *detectors.Report) bool
	severity      detectors.Severity
	fault         detectors.Fault
	cause, action string // in place of the outcome's, if not empty
	said          string // what the message says besides; %s is the server
}

// synRows are tried in order: the first that holds decides. Where none does, the outcome stands as declared.
var synRows = []synRow{
	// REFUSED BY ICMP: what is wrong with the SYN itself goes before what a router or the server may have against it.
	// Its TTL: a program wanted that answer.
	{synRefusedByICMP, (*synUnanswered).traces, detectors.Info, detectors.FaultUnknown,
		"A program sends SYNs with small TTLs, to see which routers are on the path (traceroute -T, nmap --traceroute). Each router where one expires says so.",
		"None. If a host's usual SYNs expire, too, look for a routing loop.", ""},
	// Its source address, which the router names as the reason and must not forward.
	{synRefusedByICMP, func(w *synUnanswered, r *detectors.Report) bool { return w.refusesSource() && w.staysOnLink(r) }, detectors.Info, detectors.FaultHost,
		"The client had no other address on the interface that it sends by: it had just begun to configure one, or no router advertisement with a prefix and no DHCP answer reached it. Or a program chose the wrong source address. " +
			"Neither the path nor the server is at fault: routers must not forward such packets (RFC 4007 9).",
		actionLinkLocal, ""},
	// Its source address, which the router could forward: the client or the router may have the wrong prefix.
	{synRefusedByICMP, func(w *synUnanswered, _ *detectors.Report) bool { return w.refusesSource() }, detectors.Warning, detectors.FaultUnknown,
		"The SYN has a source address that the router does not take from this link: a program or the address selection of the client (RFC 6724) chose one of another interface, or one that is not valid any more since the prefix changed. " +
			"Or the router's filter (BCP 38) lacks the prefix.",
		"Compare the addresses and routes of the client (ip -6 addr, ip -6 route get) with the prefixes that the router announces and forwards.", ""},
	// The server's address says so, but what refuses by a rule does so at once.
	{synRefusedByICMP, (*synUnanswered).refusedLate, detectors.Warning, detectors.FaultUnknown,
		"A rule or a kernel refuses a SYN at once. What has the server's address waited before it sent the ICMP error: a gateway, NAT or tunnel does so for a host behind it that does not answer. Or the path held the SYN or the error up.",
		"", ""},
	// The server's host says so: its own rule.
	{synRefusedByICMP, func(w *synUnanswered, _ *detectors.Report) bool { return w.icmp.FromPeer() }, detectors.Warning, detectors.FaultHost, "", "", ""},
	// The server's address says so, as a NAT or router there does, too.
	{synRefusedByICMP, func(w *synUnanswered, _ *detectors.Report) bool { return w.fromServer() }, detectors.Warning, detectors.FaultUnknown, "", "", ""},
	// A router names another reason, and would not have forwarded the SYN either.
	{synRefusedByICMP, (*synUnanswered).staysOnLink, detectors.Warning, detectors.FaultUnknown,
		"The client has no other address on the interface that it sends by (perhaps no router announced a prefix, and no DHCP server answered), or a program chose the wrong source address. The router may have no way to the server either, as its ICMP error says.",
		"Look at the addresses and routes of the client: why has the interface no address that routers forward? And at the router: does it announce a prefix, and has it a route to the Internet?",
		" The source address is link-local: no router forwards packets with such an address (RFC 4291 2.5.6, RFC 3927 7), whatever its routes."},

	// ANSWERED LATE: who answered, and on which path, goes before what the segments show of the delay. finish makes some a warning.
	// A device on the client's link that answered the last SYN at once: it waited for nobody then.
	{synAnsweredLate, func(w *synUnanswered, r *detectors.Report) bool {
		return w.clock.held == 0 && w.atOnce() && r.SpokenFor(w.client.Peer()) != ""
	}, detectors.Info, detectors.FaultUnknown,
		"What answers for the server is on the client's link, and answered the last SYN at once. It dropped those before (its accept queue was full, or it was not ready), or they or its answers were lost on the link. Or it connects to the server first, and had just done so.",
		"Look at the NAT, proxy or VPN: is its accept queue full (nstat TcpExtListenOverflows and TcpExtListenDrops), as when many connections begin at once?",
		" The answer came within 1 ms of the last SYN: what answered did not wait for %s then."},
	// A device on the client's link: what was late is behind it, unless the answer was held up on this side.
	{synAnsweredLate, func(w *synUnanswered, r *detectors.Report) bool {
		return w.clock.held == 0 && r.SpokenFor(w.client.Peer()) != ""
	}, detectors.Info, detectors.FaultUnknown,
		"What answers for the server connects to it first, and accepts then: the client waited for that attempt. What was lost or late there is not in this capture.",
		"Capture behind the NAT, proxy or VPN, as on the host that runs it, and look for repeated SYNs there.", ""},
	// No path lies between the two.
	{synAnsweredLate, func(_ *synUnanswered, r *detectors.Report) bool { return loopback.Is(r.Conn) }, detectors.Info, detectors.FaultUnknown,
		loopback.CauseSYN, loopback.ActionSYN, loopback.Said},
	// The answer had left long before.
	{synAnsweredLate, func(w *synUnanswered, _ *detectors.Report) bool { return w.clock.held != 0 }, detectors.Info, detectors.FaultUnknown,
		"The answer was held up on its way: the path was down, a queue was full, or a radio slept. Or the host that captured stood still. The server was not late, nor was its accept queue full.",
		"Look at the path from the server at that time, and at other connections that use it.", ""},
	// A RST shows that a SYN had arrived.
	{synAnsweredLate, (*synUnanswered).gaveUp, detectors.Info, detectors.FaultUnknown,
		"The server, or what answers for it, had received a SYN and gave that connection up with a RST: its SYN-ACK was lost, or held up, on its way to the capture point. The RST alone does not end the client's attempt (RFC 9293 3.10.7.3).",
		"Look for loss on the path from the server at that time, and at other connections that use it.", ""},
	// The first SYN without timestamps was answered. One connection does not prove it: the path may have come back just then.
	{synAnsweredLate, func(w *synUnanswered, _ *detectors.Report) bool { return w.dropped }, detectors.Info, detectors.FaultUnknown,
		"The SYNs or their answers were lost, and the path came back just then. Or the server, or something on the path, drops SYNs with options that it does not like. " +
			"Linux before 4.12 with net.ipv4.tcp_tw_recycle drops SYNs whose timestamp is behind the last one from the same address: clients behind one NAT lock each other out.",
		"See whether other SYNs with timestamps to the server are answered. If none is: sysctl net.ipv4.tcp_tw_recycle (must be 0) and nstat TcpExtPAWSPassive on the server. " +
			"Otherwise try net.ipv4.tcp_timestamps=0 on a client; if that helps, look for a middlebox.", ""},

	// NO ANSWER: an address to which none finds back goes before what may have become of the SYN.
	// No router takes an answer there.
	{synNoAnswer, (*synUnanswered).staysOnLink, detectors.Warning, detectors.FaultUnknown,
		"The client has no other address on the interface that it sends by (perhaps no router announced a prefix, and no DHCP server answered), and a route all the same; or a program chose the wrong source address.",
		actionLinkLocal,
		" The source address is link-local, and no router forwards packets with such an address (RFC 4291 2.5.6, RFC 3927 7): %s can answer only if it is on the same link."},
	// No router on the Internet takes an answer there.
	{synNoAnswer, (*synUnanswered).isUniqueLocal, detectors.Warning, detectors.FaultUnknown,
		"The SYN left with an address that only the client's own network or VPN knows, and nothing translates it (its interface or its route is another's than the program chose), or what should translate it does not. " +
			"Otherwise, as usual, a firewall drops SYNs, or the server does not answer.",
		"Look at the addresses and routes of the client: does the address belong to the interface that sends the SYN, or to a VPN? If the SYN is translated on its way, capture behind that.",
		" The source address is a unique local one (RFC 4193): unless something translates it, no answer from %s finds a way back across the Internet."},
	// Without timestamps: no server drops the SYN because of these.
	{synNoAnswer, (*synUnanswered).unstamped, detectors.Warning, detectors.FaultUnknown, "",
		"Capture at the server. If the SYN does not arrive there, follow the path and its firewalls. If it does, look at the server: nft or iptables rules, ss -ltn (Recv-Q above Send-Q: the queue is full), " +
			"nstat TcpExtListenOverflows and TcpExtListenDrops.", ""},
}

const actionLinkLocal = "Look at the addresses and routes of the client: why has the interface no address that routers forward?"

// staysOnLink reports whether the source address of the SYN keeps it on its link, and the destination seems to be elsewhere.
func (w *synUnanswered) staysOnLink(r *detectors.Report) bool {
	own, peer := r.Conn.Endpoint(w.client).AddrPort().Addr().Unmap(), r.Conn.Endpoint(w.client.Peer()).AddrPort().Addr().Unmap()
	return own.IsLinkLocalUnicast() && peer.IsGlobalUnicast() && !peer.IsPrivate()
}

// isUniqueLocal reports whether the source address of the SYN is a unique local one of IPv6, and the destination one of the Internet.
func (w *synUnanswered) isUniqueLocal(r *detectors.Report) bool {
	own, peer := r.Conn.Endpoint(w.client).AddrPort().Addr(), r.Conn.Endpoint(w.client.Peer()).AddrPort().Addr()
	return own.Is6() && own.IsPrivate() && peer.Is6() && peer.IsGlobalUnicast() && !peer.IsPrivate()
}

// mayBeStamped is what a SYN has that may have timestamps.
const mayBeStamped = reassembly.HasTimestamps | reassembly.OptionsCut

// unstamped reports whether the SYN has no timestamps.
func (w *synUnanswered) unstamped(r *detectors.Report) bool {
	syn, captured := r.Conn.SYNOptions(w.client)
	return captured && syn.Has&mayBeStamped == 0
}

// fromServer reports whether the first ICMP error has the server's address.
func (w *synUnanswered) fromServer() bool { return w.icmp.First.Reporter() == w.icmp.First.Dst.Addr }

// refusedLate reports whether the server's address refused a SYN so long after that as what waits for a host behind it does: three seconds
// (Linux: mcast_solicit of the neighbour times retrans_time_ms). A slow path takes less.
func (w *synUnanswered) refusedLate(*detectors.Report) bool {
	return w.icmp.FromPeer() && w.lag > int64(3*time.Second)
}

// refusesSource reports whether a router refuses the SYN for its source address.
func (w *synUnanswered) refusesSource() bool { return w.icmp.First.RefusesSource() && !w.fromServer() }

// traces reports whether the SYN expired because its sender gave it a shorter life than any host's packets have by themselves.
func (w *synUnanswered) traces(*detectors.Report) bool {
	return w.icmp != nil && w.icmp.First.Expired() && w.syn.TTL > 0 && w.syn.TTL <= fsm.MostHops
}

// atOnce reports whether the answer came as soon after the last SYN as on one link, and is not known to answer another.
func (w *synUnanswered) atOnce() bool {
	return !w.slow && w.last.At != 0 && w.answer.At-w.last.At < int64(time.Millisecond)
}

// gaveUp reports whether the server had given up what an earlier SYN began before its answer came late. A RST without ACK need
// not have an acknowledgment number, and by chance it has not this one.
func (w *synUnanswered) gaveUp(*detectors.Report) bool { return w.refused.At != 0 && w.clock.held == 0 }
