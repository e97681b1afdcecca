package opening

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is said instead where the first SYN without timestamps was answered. One connection does not prove it: the path may have
// come back just then.
const (
	causeTimestamps = "The SYNs or their answers were lost, and the path came back just then. Or the server, or something on the path, drops SYNs with options that it does not like. " +
		"Linux before 4.12 with net.ipv4.tcp_tw_recycle drops SYNs whose timestamp is behind the last one from the same address: clients behind one NAT lock each other out."
	actionTimestamps = "See whether other SYNs with timestamps to the server are answered. If none is: sysctl net.ipv4.tcp_tw_recycle (must be 0) and nstat TcpExtPAWSPassive on the server. " +
		"Otherwise try net.ipv4.tcp_timestamps=0 on a client; if that helps, look for a middlebox."
)

// What is said instead where the source address is link-local.
const (
	causeLinkLocal  = "The client has no other address on the interface that it sends by (no router advertisement and no DHCP answer came), and a route all the same; or a program chose the wrong source address."
	actionLinkLocal = "Look at the addresses and routes of the client: why has the interface no address that routers forward?"
)

// What is said instead where a router refuses a SYN for its source address.
const (
	causeRefusedSource = "The SYN has a source address that the router does not take from this link: a program or the address selection of the client (RFC 6724) chose one of another interface, or one that is not valid any more since the prefix changed. " +
		"Or the router's filter (BCP 38) lacks the prefix."
	actionRefusedSource = "Compare the addresses and routes of the client (ip -6 addr, ip -6 route get) with the prefixes that the router announces and forwards."
	causeRefusedScope   = "The client had no other address on the interface that it sends by: it had just begun to configure one, or no router advertisement and no DHCP answer came. Or a program chose the wrong source address. " +
		"Neither the path nor the server is at fault: routers must not forward such packets (RFC 4007 9)."
)

// What is said instead where a router answers such a SYN by an ICMP error.
const (
	causeLinkLocalTold  = "The client has no other address on the interface that it sends by (no router advertisement and no DHCP answer came), or a program chose the wrong source address. The router may have no way to the server either, as its ICMP error says."
	actionLinkLocalTold = "Look at the addresses and routes of the client first: why has the interface no address that routers forward? Then at the routes of the router."
)

// What is said instead where the source address is a unique local one.
const (
	causeUniqueLocal = "The SYN left with an address that only the client's own network or VPN knows, and nothing translates it (its interface or its route is another's than the program chose), or what should translate it does not. " +
		"Otherwise, as usual, a firewall drops SYNs, or the server does not answer."
	actionUniqueLocal = "Look at the addresses and routes of the client: does the address belong to the interface that sends the SYN, or to a VPN? If the SYN is translated on its way, capture behind that."
)

// actionNoTimestamps is what to do about a SYN without timestamps, which no server drops because of these.
const actionNoTimestamps = "Capture at the server. If the SYN does not arrive there, follow the path and its firewalls. If it does, look at the server: nft or iptables rules, ss -ltn (Recv-Q above Send-Q: the queue is full), " +
	"nstat TcpExtListenOverflows and TcpExtListenDrops."

// What is said instead where the SYN was to expire.
const (
	causeTraced  = "A program sends SYNs with small TTLs, to see which routers are on the path (traceroute -T, nmap --traceroute). Each router where one expires says so."
	actionTraced = "None. If a host's usual SYNs expire, too, look for a routing loop."
)

// What is said instead where the answer had left long before.
const (
	causeHeldUp  = "The answer was held up on its way: the path was down, a queue was full, or a radio slept. Or the host that captured stood still. The server was not late, nor was its accept queue full."
	actionHeldUp = "Look at the path from the server at that time, and at other connections that use it."
)

// What is said instead where a RST shows that a SYN had arrived.
const (
	causeGaveUp  = "The server, or what answers for it, had received a SYN and gave that connection up with a RST: its SYN-ACK was lost, or held up, on its way to the capture point. The RST alone does not end the client's attempt (RFC 9293 3.10.7.3)."
	actionGaveUp = "Look for loss on the path from the server at that time, and at other connections that use it."
)

// What is said instead where a device on the client's link seems to answer for the server.
const (
	causeSpokenFor  = "What answers for the server connects to it first, and accepts then: the client waited for that attempt. What was lost or late there is not in this capture."
	actionSpokenFor = "Capture behind the NAT, proxy or VPN, as on the host that runs it, and look for repeated SYNs there."
)

// staysOnLink reports whether the source address of the side's SYN keeps it on its link, and the destination seems to be elsewhere.
func staysOnLink(v fsm.View, side reassembly.Side) bool {
	own, peer := v.Endpoint(side).AddrPort().Addr().Unmap(), v.Endpoint(side.Peer()).AddrPort().Addr().Unmap()
	return own.IsLinkLocalUnicast() && peer.IsGlobalUnicast() && !peer.IsPrivate()
}

// isUniqueLocal reports whether the source address of the side's SYN is a unique local one of IPv6, and the destination one of the Internet.
func isUniqueLocal(v fsm.View, side reassembly.Side) bool {
	own, peer := v.Endpoint(side).AddrPort().Addr(), v.Endpoint(side.Peer()).AddrPort().Addr()
	return own.Is6() && own.IsPrivate() && peer.Is6() && peer.IsGlobalUnicast() && !peer.IsPrivate()
}

// isOnly reports whether nothing but the last segment came in the server's name: the first may have come before
// the SYN was repeated, and nobody counted then.
func (w *synUnanswered) isOnly(r *detectors.Report) bool { return r.Conn.Packets(w.client.Peer()) == 1 }

// some is one or the other, by how many came.
func (w *synUnanswered) some(one, several string, r *detectors.Report) string {
	if w.isOnly(r) {
		return one
	}
	return several
}

// traces reports whether the SYN expired because its sender gave it a shorter life than any host's packets have by themselves.
func (w *synUnanswered) traces() bool {
	return w.icmp != nil && w.icmp.First.Expired() && w.syn.TTL > 0 && w.syn.TTL <= fsm.MostHops
}

// finding is how things stand at trace time now.
func (w *synUnanswered) finding(outcome *detectors.Outcome, at, now int64, r *detectors.Report) detectors.Finding {
	server := w.client.Peer()
	evidence := []detectors.Evidence{r.Evidence("SYN", w.client, &w.syn)}
	if w.repeats > 0 {
		evidence = append(evidence, r.Evidence("SYN, last repeat", w.client, &w.last))
	}
	culprit := server
	refusesSource := outcome == synRefusedByICMP && w.icmp.First.RefusesSource() && w.icmp.First.Reporter() != w.icmp.First.Dst.Addr
	if refusesSource {
		culprit = w.client
	}
	switch outcome {
	case synNewISN:
		culprit = w.client
		evidence = append(evidence, r.Evidence("SYN with another ISN", w.client, &w.renewed))
	case synAnsweredLate:
		evidence = append(evidence, r.Evidence("answer", server, &w.answer))
	}
	evidence = append(evidence, w.icmp.Evidence()...)
	f := r.Find(outcome, culprit, at, evidence...)
	f.States, f.End = r.StatesNow(now), now
	f.Unheard, f.Asker = outcome == synNoAnswer && w.others == 0, r.Asker(w.client)
	f.Unanswered = f.Unheard
	f.Tried = outcome == synNoAnswer || outcome == synRefusedByICMP && !w.traces()
	f.Roles = detectors.Roles("client", w.client, "server")
	f.Measure("repeats", w.repeats)
	f.Measure("waited_s", detectors.Seconds(now-w.syn.At))
	if w.repeats > 0 {
		f.Measure("last_interval_s", detectors.Seconds(w.last.At-w.before))
	}
	w.icmp.Measure(&f)
	switch {
	case outcome != synRefusedByICMP:
	case w.traces():
		f.Severity, f.Fault = detectors.Info, detectors.FaultUnknown
		f.Cause, f.Action = causeTraced, actionTraced
	case refusesSource && staysOnLink(r.Conn, w.client):
		f.Severity, f.Fault, f.Cause, f.Action = detectors.Info, detectors.FaultHost, causeRefusedScope, actionLinkLocal
	case refusesSource:
		f.Fault, f.Cause, f.Action = detectors.FaultUnknown, causeRefusedSource, actionRefusedSource
	case w.icmp.FromPeer():
		f.Fault = detectors.FaultHost // its own rule
	case w.icmp.First.Reporter() == w.icmp.First.Dst.Addr:
		f.Fault = detectors.FaultUnknown
	}
	if w.dropped {
		f.Cause, f.Action = causeTimestamps, actionTimestamps
	}
	if w.clock.held != 0 {
		f.States, f.Cause, f.Action = w.states, causeHeldUp, actionHeldUp
	}
	if w.gaveUp(outcome) {
		f.Cause, f.Action = causeGaveUp, actionGaveUp
	}
	f.Message = w.message(outcome, now, r)
	if outcome == synAnsweredLate && detectors.OneHost(r.Conn) {
		f.Cause, f.Action = causeOneHostSYN, actionOneHostSYN
		f.Message += saidOneHost
	}
	if words := r.SpokenFor(server); outcome == synAnsweredLate && words != "" && w.clock.held == 0 {
		f.Cause, f.Action = causeSpokenFor, actionSpokenFor
		f.Message += words
	}
	if outcome == synNoAnswer && w.crafted {
		f.Undecide("the SYNs have no MSS, which nearly every TCP sends, and the same IP ID: a program may have written them, and come to the same port twice, as a flood with ports at random does")
	}
	if syn, captured := r.Conn.SYNOptions(w.client); captured && syn.Has&(reassembly.HasTimestamps|reassembly.OptionsCut) != 0 {
		f.Stamped = true
	} else if outcome == synNoAnswer && captured {
		f.Action = actionNoTimestamps
	}
	if outcome == synNoAnswer && isUniqueLocal(r.Conn, w.client) {
		f.Cause, f.Action = causeUniqueLocal, actionUniqueLocal
		f.Message += fmt.Sprintf(" The source address is a unique local one (RFC 4193): unless something translates it, no answer from %s finds a way back across the Internet.", r.Name(server))
	}
	if outcome == synRefusedByICMP && f.Fault == detectors.FaultPath && staysOnLink(r.Conn, w.client) {
		f.Fault, f.Cause, f.Action = detectors.FaultUnknown, causeLinkLocalTold, actionLinkLocalTold
		f.Message += " The source address is link-local: no router forwards packets with such an address (RFC 4291 2.5.6, RFC 3927 7), whatever its routes."
	}
	if outcome == synNoAnswer && staysOnLink(r.Conn, w.client) {
		f.Cause, f.Action, f.Unheard, f.Unanswered = causeLinkLocal, actionLinkLocal, false, false
		f.Message += fmt.Sprintf(" The source address is link-local, and no router forwards packets with such an address (RFC 4291 2.5.6, RFC 3927 7): %s can answer only if it is on the same link.", r.Name(server))
	}
	return f
}

// gaveUp reports whether an answer came late, and the server had given up before what an earlier SYN began. A RST without ACK need
// not have an acknowledgment number, and by chance it has not this one.
func (w *synUnanswered) gaveUp(outcome *detectors.Outcome) bool {
	return outcome == synAnsweredLate && w.refused.At != 0 && w.clock.held == 0
}

func (w *synUnanswered) message(outcome *detectors.Outcome, now int64, r *detectors.Report) string {
	client, server := r.Name(w.client), r.Name(w.client.Peer())
	m := fmt.Sprintf("%s sent SYN to %s (frame %d)", client, server, w.syn.Frame) + again(w.repeats, &w.syn, &w.last)
	waited := detectors.Span(now - w.syn.At)
	switch outcome {
	case synNewISN:
		if m += ", and got no answer"; w.icmp != nil {
			m += " but ICMP errors. " + w.icmp.Sentence(client)
		} else {
			m += "."
		}
		return m + fmt.Sprintf(" %s after the first SYN, it sent one with another initial sequence number on the same ports (frame %d). "+
			"To any device that saw the first, this is another connection.", waited, w.renewed.Frame)
	case synAnsweredLate:
		if w.anew.At != 0 {
			m += fmt.Sprintf(". No timer waits so long as %s, after which it began anew with the same numbers (frame %d)", detectors.Span(w.anew.At-w.last.At), w.anew.Frame)
		}
		m += fmt.Sprintf(". The answer came %s after the first (frame %d).", waited, w.answer.Frame)
		if w.icmp != nil {
			m += " Before that, " + w.icmp.Sentence(client)
		}
		if w.dropped {
			m += fmt.Sprintf(" The first %s offered timestamps, and the first without them (frame %d) was answered within %s. If that is so in other connections, too, SYNs with timestamps are dropped.",
				detectors.Counted(uint32(w.bare), "SYN", "SYNs"), w.last.Frame, detectors.Span(w.answer.At-w.last.At))
		}
		if w.clock.held != 0 {
			return m + fmt.Sprintf(" But %s had sent it %s before it passed the capture point, or earlier, as its timestamp shows against that of the next segment (frame %d): the path held it up.",
				server, detectors.Span(w.clock.held), w.clock.frame)
		}
		if w.gaveUp(outcome) {
			m += fmt.Sprintf(" Before that, a RST with the address %s came (frame %d), which %s must ignore, as it has no ACK (RFC 9293 3.10.7.3). But its acknowledgment number is that of the SYN: an earlier SYN had arrived.",
				server, w.refused.Frame, client)
		}
		if w.slow {
			m += " It echoes the timestamp of an earlier SYN than the last: that one arrived, and the answer was slow, or a first SYN-ACK was lost."
		}
		return m
	}
	if outcome == synRefusedByICMP && w.traces() {
		return m + fmt.Sprintf(". %s The SYN has TTL %d: a program such as traceroute chose that, to be told so.", w.icmp.Sentence(client), w.syn.TTL)
	}
	if outcome == synRefusedByICMP {
		return m + ". " + w.icmp.Sentence(client) + " " + w.icmp.Meaning(client, server)
	}
	last := "last in "
	if w.isOnly(r) {
		last = ""
	}
	if w.others > 0 && w.resets == w.others {
		return m + fmt.Sprintf(". No answer came back in %s. %s with the address %s came (%sframe %d), without acknowledging the SYN: %s must ignore that (RFC 9293 3.10.7.3).",
			waited, w.some("A RST", "RSTs", r), server, last, w.other.Frame, client)
	}
	if w.bareACKs > 0 && w.bareACKs == w.others {
		return m + fmt.Sprintf(". No SYN-ACK came back in %s. %s with the address %s acknowledged the SYN (%sframe %d), but without a SYN: %s must ignore that (RFC 9293 3.10.7.3).",
			waited, w.some("An ACK", "ACKs", r), server, last, w.other.Frame, client)
	}
	if w.others > 0 {
		return m + fmt.Sprintf(". No answer came back in %s. %s with the address %s came (%sframe %d), but of another connection: the SYN is not acknowledged.",
			waited, w.some("A segment", "Segments", r), server, last, w.other.Frame)
	}
	m += fmt.Sprintf(". Nothing came back in %s.", waited)
	if w.next.At != 0 {
		m += fmt.Sprintf(" %s gave up, and then tried again from the same port (frame %d).", client, w.next.Frame)
	}
	return m
}
