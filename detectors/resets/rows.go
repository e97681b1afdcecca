package resets

import (
	"github.com/tcptrace-go/tcptrace/detectors/middlebox"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A row says what a RST means where a condition holds, and on whose authority.
type row struct {
	outcome   *outcome
	authority string
	holds     func(*resetCase) bool
}

// rows are tried in order: the first that holds decides. Where none does, the RST is
// unexplained. A new cause is an outcome, a row, and two samples: a test wants each row to
// be needed.
var rows = []row{
	// HANDSHAKE: no connection yet.
	{refused, "RFC 9293 3.10.7.1, 3.10.7.3", func(c *resetCase) bool { return c.refusal() && !c.continues() }},
	{refused, "RFC 9293 3.10.7.1: what a closed port answers to a FIN, NULL or Xmas scan", (*resetCase).scanned},
	{unexplained, "RFC 9293 3.10.7.1: one of the RSTs answers an ACK of data", func(c *resetCase) bool { return c.beyondSYN.At != 0 }},
	{handshakeReset, "RFC 9293 3.10.7.3", func(c *resetCase) bool {
		return c.states[c.side] == fsm.SynSent && !c.goesOnElsewhere() || c.askedAgain() || c.silentSince()
	}},
	{refused, "RFC 9293 3.10.7.1: the SYN-ACK was lost, and its sender is gone", func(c *resetCase) bool {
		return c.states[c.side.Peer()] == fsm.SynSent && c.answers() && c.peer.last.Flags.Has(reassembly.SYN) && !c.continues()
	}},

	// BEYOND THE WINDOW: a firewall that tracks windows answers, in the receiver's name.
	// Nobody has closed, and the receiver may continue.
	{outOfWindow, "netfilter nf_conntrack_proto_tcp.c, tcp_in_window; kubernetes#74839", (*resetCase).overran},

	// IN SYN-RECEIVED: an ACK of something else than the SYN-ACK. The connection continues.
	{stale, "RFC 9293 3.10.7.4: <SEQ=SEG.ACK><CTL=RST>", (*resetCase).misacks},

	// CONTINUES: the side that continues has not sent the RST (RFC 9293 3.10.5: ABORT
	// deletes the TCB). A host on the path that does not know the connection did, or
	// somebody who wants it to end.
	{lateAck, "kubernetes#74839: a NAT node hands to its own TCP what its conntrack calls INVALID", func(c *resetCase) bool {
		return c.continues() && c.bare() && c.answers() && c.peer.last.SeqLen() == 0 && c.late()
	}},
	{suspectedInjection, "RFC 9293 3.10.5", (*resetCase).continues},

	// CLOSED: both FINs, or the sender's. Its own socket may have aborted before it knew.
	{aborted, "RFC 9293 3.10.5: CLOSING, LAST-ACK", func(c *resetCase) bool {
		return c.closed() && !c.bare() && c.inPlace() && c.crossedACK() && !c.madeFromLast()
	}},
	{stale, "RFC 9293 3.10.7.1; RFC 1337", (*resetCase).closed},
	{stale, "RFC 9293 3.10.7.1: an ACK that its own FIN has overtaken", (*resetCase).behindFIN},
	{dataAfterClose, "RFC 9293 3.6.1: Linux answers without ACK, Windows with ACK and window 0", func(c *resetCase) bool {
		return c.sender.finSent() && c.lost() > 0 && (c.bare() || c.beyond() > 0 && !c.inPlace() || c.rst.Window == 0)
	}},

	// CHALLENGE ACK: the peer asked.
	{aborted, "RFC 5961 3.2: who meant the first RST answers the challenge ACK with another", func(c *resetCase) bool { return c.confirms.At != 0 }},
	{halfOpen, "RFC 9293 3.5.1, figure 9", func(c *resetCase) bool { return c.challenging && c.answers() && !c.deviceWindow() }},

	// NOT THE SENDER'S: it is not marked as the sender marks its packets.
	{idleDrop, "the vendors' idle timeouts (package middlebox)", func(c *resetCase) bool {
		return (c.otherTTL() || c.otherID() || c.otherDevice()) && c.wasIdle()
	}},
	{stale, "RFC 9293 3.10.7.1; RFC 1700: stacks begin with 64, 128 or 255", (*resetCase).forgotAsFarAway},
	{suspectedInjection, "Weaver et al., Detecting Forged TCP Reset Packets (NDSS 2009)", (*resetCase).foreign},
	{suspectedInjection, "Weaver et al.: an injector guesses where the sender will be by then", func(c *resetCase) bool { return c.guess.At != 0 && !c.sender.finSent() }},

	// KEEP-ALIVE: from a host without the connection; with ACK, too, if nothing was in it.
	{keepaliveRefused, "RFC 9293 3.8.4, 3.10.7.1", func(c *resetCase) bool { return c.replies() && c.peer.probe && (c.bare() || c.peer.last.Len == 0) }},

	// DECEIVED: for its sender, a forged FIN had ended the stream.
	{aborted, "RFC 9293 3.10.7.4: FIN; Weaver et al., 2009", (*resetCase).deceived},

	// BY A HOST WITHOUT THE CONNECTION that answers with ACK.
	{halfOpen, "lwIP tcp_input; accepted as RFC 9293 3.5.1, figure 10", func(c *resetCase) bool { return c.answers() && c.withoutSocket() }},

	// BY A SOCKET: with ACK, at SND.NXT, for what has arrived; or after its FIN.
	{unreadData, "RFC 9293 3.6.1; RFC 2525 2.17", func(c *resetCase) bool { return !c.bare() && c.inPlace() && c.unread() }},
	{aborted, "RFC 9293 3.10.5", func(c *resetCase) bool { return !c.bare() && c.inPlace() }},
	{stale, "RFC 9293 3.10.7.1: its socket had gone before the peer closed", (*resetCase).forgot},
	{aborted, "RFC 9293 3.10.7.1, 3.10.7.4", func(c *resetCase) bool { return c.sender.finSent() }},
	{aborted, "RFC 9293 3.8.3: R2 of a SYN-ACK", func(c *resetCase) bool { return c.states[c.side] == fsm.SynReceived && !c.replies() }},

	// IN SYN-RECEIVED: an ACK that came too late.
	{stale, "RFC 9293 3.8.3: R2 of a SYN-ACK has passed", (*resetCase).tooLate},
	{stale, "RFC 9293 3.4: a FIN comes after the SYN", func(c *resetCase) bool { return c.bare() && c.replies() && c.finOnSYN() }},

	// BY A HOST WITHOUT THE CONNECTION: without ACK, at the number that it was sent.
	{stale, "RFC 9293 3.10.7.1: an old duplicate", func(c *resetCase) bool { return c.bare() && c.replies() && c.old() }},
	{idleDrop, "the vendors' idle timeouts (package middlebox)", func(c *resetCase) bool {
		return c.bare() && c.wasIdle() && c.toldMeanwhile() == nil && (!c.brokeSilence() && !c.itsOwn() || middlebox.OnTheDot(c.idle()) > 0 && !(c.brokeSilence() && c.itsOwn() && c.fromClient()))
	}},
	{aborted, "RFC 9293 3.10.5: ABORT deletes the TCB, wherever its RST went", func(c *resetCase) bool { return c.ended.At != 0 && c.replies() }},
	{aborted, "RFC 9293 3.10.5; recordings of Windows NT, which gives the RST of a socket no ACK", func(c *resetCase) bool {
		return c.bare() && c.replies() && c.stillThere()
	}},
	{halfOpen, "RFC 9293 3.5.1, figure 10", func(c *resetCase) bool { return c.bare() && c.replies() && !c.justSpoke() }},

	// WITHOUT ACK, answering nothing: by a socket, if it counts its IP ID with the others.
	{aborted, "recordings of Windows XP and iOS", func(c *resetCase) bool {
		return c.bare() && !c.inWindow && !c.halfCaptured() && c.atNxt() && !c.noID()
	}},
	{halfOpen, "Linux ip_send_unicast_reply: what no socket sends has no IP ID", (*resetCase).answersLate},
	{suspectedInjection, "RFC 9293 3.10.5, 3.10.7.1: no TCP sends it", func(c *resetCase) bool { return c.bare() && !c.inWindow && !c.halfCaptured() }},
}

// cause is the outcome of the first row that holds.
func (c *resetCase) cause() *outcome {
	for i := range rows {
		if rows[i].holds(c) {
			return rows[i].outcome
		}
	}
	return unexplained
}
