// Package loopback knows connections of a host with itself, and what is said of these instead: no path can be at fault.
package loopback

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Is reports whether both ends are on one host, by their loopback addresses: no path lies between them, and what the capture has of
// either has arrived (RFC 1122 3.2.1.3 g: such an address never leaves the host).
func Is(v fsm.View) bool {
	a, b := v.Endpoint(reassembly.A), v.Endpoint(reassembly.B)
	return a.AddrPort().Addr().Unmap().IsLoopback() && b.AddrPort().Addr().Unmap().IsLoopback()
}

// What messages say besides, why a finding is undecided, and causes and actions.
const (
	Said             = " Both ends are on one host: no path lost or delayed what was captured."
	SaidLoss         = " Both ends are on one host: no link or router lies between them."
	SaidSilent       = " Both ends are on one host, which is up: a filter of its own drops the segments or the answers, or its TCP finds the segments unacceptable, as it does after forged ones."
	DoubtUnprocessed = "both ends are on one host: its packet filter may drop the segments, or its TCP may find them unacceptable, as it does after forged ones"

	// A SYN-ACK came again.
	CauseACK  = "The client was busy or suspended, or a program makes its segments itself; or a filter or queue of the host dropped the SYN-ACK or its ACK."
	ActionACK = "Look at the client's program and at the host's load at that time, then at its packet filters (nft list ruleset, iptables -S) and queues (tc -s qdisc show dev lo)."
	// A SYN was answered late.
	CauseSYN  = "The server's accept queue was full, and its kernel dropped the SYN (Linux); or the host stood still; or a filter or queue of the host dropped the SYN or its SYN-ACK."
	ActionSYN = "Look at the server's queue: ss -ltn, nstat TcpExtListenOverflows, TcpExtListenDrops. Then look at the host's packet filters (nft list ruleset, iptables -S) and queues (tc -s qdisc show dev lo)."
	// The handshake was slow.
	CauseSlow  = "The host was busy or stood still at that moment; or a queue or filter of its own (tc netem and other tests) delayed or dropped what came first, and it came again."
	ActionSlow = "Look at the host's load at that time, and at its queues (tc -s qdisc show dev lo) and packet filters (nft list ruleset, iptables -S)."
	// Much was retransmitted.
	CauseLoss  = "A queue of the host itself dropped or delayed segments or their ACKs (tc netem and other tests of loss), or a packet filter did, or the host stood still."
	ActionLoss = "Look at the queues of the loopback interface (tc -s qdisc show dev lo), at the host's packet filters (nft list ruleset, iptables -S) and at its load at that time."
	// One end does not answer.
	CauseSilent  = "Both ends are on one host, and no path lies between them: its packet filter drops the segments or the answers (netfilter also what conntrack calls INVALID); or the TCP of the peer finds them unacceptable, because they acknowledge what it never sent, as after somebody forged segments with its address."
	ActionSilent = "On that host: its packet filter (nft list ruleset, iptables -S, conntrack -S), nstat for TcpExtTCPAckSkipped and TcpInErrs, and ss -tnoi for both sockets: do they agree about the sequence numbers?"
)
