package path

import (
	"fmt"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/loopback"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is said of a peer that does not answer.

// causeAlive is the cause where the peer sends something right after the RST.
const causeAlive = "The peer is up and has the connection, and its segments arrive. What was sent to it did not: something on the path, or a filter on its host, drops these segments, or their answers were lost."

// minIdle is from when on the time in which nobody asked is told apart from silence.
const minIdle = int64(time.Minute)

// idle is how long the peer had sent nothing before the first retry, perhaps because nobody asked; 0 if it is not known.
func (v *retryRun) idle() int64 {
	if v.heard.At == 0 {
		return 0
	}
	return v.first.At - v.heard.At
}

// opening reports whether the peer's last segment is its SYN-ACK.
func (v *retryRun) opening() bool { return v.heard.Flags.Has(reassembly.SYN | reassembly.ACK) }

// proxied reports whether a device made the SYN-ACK, from the SYN, and nothing else came.
func (v *retryRun) proxied(side reassembly.Side, r *detectors.Report) bool {
	return v.opening() && r.Conn.IPHabits(side.Peer()).CopiesID && r.Conn.IPHabits(side).CountsIDs
}

// cause is the finding's own, with what to do, if it knows better than the outcome.
func (v *retryRun) cause(side reassembly.Side, icmp *detectors.ICMPErrors, r *detectors.Report) (cause, action string) {
	switch own := icmp.FromPeer(); {
	case v.alive.At != 0 && own:
		return causeAlive + " The peer's own host rejected segments by ICMP: look for a rule of its firewall.", ""
	case v.alive.At != 0:
		return causeAlive, ""
	case own:
		return "The peer's host is up: it rejects these segments itself, by ICMP. A rule of its firewall, or of what shares its address, forbids them.", ""
	case icmp == nil && v.disowned.At != 0:
		return causeDisowned, ""
	case icmp == nil && loopback.Is(r.Conn):
		return loopback.CauseSilent, loopback.ActionSilent
	case icmp == nil && v.proxied(side, r):
		return detectors.CauseProxy, ""
	}
	return "", ""
}

// closed reports whether the peer had sent its FIN.
func (v *retryRun) closed(side reassembly.Side, r *detectors.Report) bool {
	return r.Conn.Phase(side.Peer()) >= fsm.PhaseFinSent
}

// The cause and what to do where the capture point is beside the silent host: the path to there works.
const (
	causeBeside = "The peer's host was switched off, crashed, was suspended or lost its link; or it lost the connection (it restarted, or closed it), and its firewall drops segments of connections that it does not know; " +
		"or something between the capture point and it, such as a rule of its own, drops what is sent to it, or its answers. The path from the sender works up to the capture point."
	causeBesideUp = "The peer's host is up: it sent something in another connection since. It lost this connection and its firewall hides that, or never accepted it; " +
		"or something between the capture point and it, such as a rule of its own, drops segments of this connection" + detectors.DownForAWhile + "."
	causeBesideBack = "The peer's host, or what is between the capture point and it, was down for a while (a suspended host, a flapping link, a failover), or something there dropped the segments of this connection."
	actionBesideUp  = "The capture point is close to the peer: look there. Does its host still have the connection (ss -tan) and its address, was it suspended or its link down (its log), " +
		"and which rules do its firewall (nft list ruleset, iptables -S) and what is in front of it have?"
	actionBeside = "The capture point is close to the peer: look there. Is its host up (does it send anything else in this capture?), does it still have the connection (ss -tan), " +
		"and which rules do its firewall (nft list ruleset, iptables -S) and what is in front of it have?"
)

// quiet is what may have become of the peer, as far as this connection shows, and if its host speaks in others.
func (v *retryRun) quiet(side reassembly.Side, r *detectors.Report) *detectors.Quiet {
	closed, never, first := v.closed(side, r), "", "retry"
	if v.outcome(r) == deadKeepAlive {
		first = "keep-alive"
	}
	if v.disowned.At != 0 {
		return v.quietDisowned(r.Name(side), first)
	}
	if loopback.Is(r.Conn) {
		return &detectors.Quiet{Guess: loopback.SaidSilent}
	}
	if v.opening() {
		never = "or it never accepted the connection (its accept queue is full, or a device had answered in its name), "
	}
	if closed { // hosts keep a socket that no application has for a minute or so (Linux: net.ipv4.tcp_fin_timeout)
		never = "or it had closed and did not wait for this side to close as well, "
	}
	if besideTap(side.Peer(), r) {
		const between = "something between the capture point and it, such as a filter of its own, drops"
		return &detectors.Quiet{
			Since: v.first.At,
			First: first,
			Guess: " The segments reached the capture point, which is close to the peer. The peer is down, " + never + "or it lost the connection and a firewall hides that, or " + between + " what is sent to it, or its answers; this connection alone cannot tell which.",
			Or:    never + "or it lost the connection and a firewall hides that, or " + between + " segments of this connection.",
			Cause: causeBesideUp, Action: actionBesideUp,
		}
	}
	dropped := ""
	if r.Conn.LossShown(side) {
		dropped = "or something on the path drops these bytes (what follows them had arrived, as its ACKs show), "
	}
	return &detectors.Quiet{
		Since: v.first.At,
		First: first,
		Spoke: closed || r.Conn.Bytes(side.Peer()) > 0,
		Guess: " The peer is gone, " + never + dropped + "or it lost the connection and a firewall hides that, or the path is broken in one direction; this connection alone cannot tell which.",
		Or:    never + "or it lost the connection and a firewall hides that, or something on the path drops the segments of this connection.",
	}
}

func (v *retryRun) message(outcome *detectors.Outcome, side reassembly.Side, now, sent int64, icmp *detectors.ICMPErrors, r *detectors.Report) string {
	own, peer := r.Name(side), r.Name(side.Peer())
	m, before := peer+" has been silent", ""
	switch {
	case v.disowned.At != 0:
		m += fmt.Sprintf(" for %s, since frame %d", detectors.Span(v.until(now)-v.disowned.At), v.disowned.Frame)
	case outcome == deadData && v.idle() >= minIdle:
		m = peer + " does not answer"
		before = fmt.Sprintf(" Before the first retry, nothing had come from %s for %s (since frame %d).", peer, detectors.Span(v.idle()), v.heard.Frame)
	case v.heard.At != 0:
		m += fmt.Sprintf(" for %s, since frame %d", detectors.Span(v.until(now)-v.heard.At), v.heard.Frame)
	}
	from, to := &v.first, v.last()
	if outcome == deadData {
		m += fmt.Sprintf(". %s retransmitted the same data %d times", own, v.resends)
		from, to = &v.from, &v.to
	} else {
		m += fmt.Sprintf(". %s sent %d keep-alives", own, v.keepAlives)
	}
	if v.closed(side, r) {
		m = peer + " had closed (FIN), and" + strings.TrimPrefix(m, peer)
	}
	but := ""
	if v.refused.At != 0 {
		but = fmt.Sprintf(" but RSTs (last in frame %d)", v.refused.Frame)
	}
	m += fmt.Sprintf(" in %s (frames %d to %d) and got no answer%s.%s %s", detectors.Span(to.At-from.At), from.Frame, to.Frame, but, before, v.ended(side, now, sent, r))
	if v.alive.At != 0 {
		m += fmt.Sprintf(" %s after that, %s sent frame %d: it is up and has the connection.", detectors.Span(v.alive.At-v.rst.At), peer, v.alive.Frame)
	}
	if icmp != nil {
		return m + " " + icmp.Sentence(own) + " " + icmp.Meaning(own, peer)
	}
	if v.alive.At != 0 {
		return m
	}
	if v.disowned.At == 0 && v.proxied(side, r) {
		m += fmt.Sprintf(" The SYN-ACK (frame %d) has the IP ID of the SYN: a device made it in the name of %s, and nothing came from that itself.", v.heard.Frame, peer)
	} else {
		m += v.quiet(side, r).Guess
	}
	if outcome == deadData && v.onlyLarge(side, r) {
		what := "the path"
		if besideTap(side.Peer(), r) {
			what = "what is between the capture point and it"
		}
		m += fmt.Sprintf(" No segment of %d bytes or more was ever acknowledged, so %s may only drop large packets.", v.leastSize(r), what)
	}
	return m
}
