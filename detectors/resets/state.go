package resets

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// How far the connection had come when the RST came.

func (c *resetCase) fromClient() bool { return c.clientKnown && c.side == c.client }
func (c *resetCase) fromServer() bool { return c.clientKnown && c.side != c.client }

// seemsClient reports whether the sender is the client, or seems to be where the handshake was not captured: only its peer
// has a system port, or only it has a dynamic one (RFC 6335 6).
func (c *resetCase) seemsClient() bool {
	const system, dynamic = 1024, 49152
	own, peer := c.sender.name.Port, c.peer.name.Port
	return c.fromClient() || !c.clientKnown && (peer < system && own >= system || peer < dynamic && own >= dynamic)
}

// brokeSilence reports whether any silence lasted until the RST: it does not follow at
// once on a segment of the peer's, nor answers a probe, however late.
func (c *resetCase) brokeSilence() bool {
	last := &c.peer.last
	return last.At != 0 && (last.At < c.sender.last.At || !c.prompt(last, &c.rst) && !(c.peer.probe && c.inTime() && c.replies()))
}

// idle is how long nobody had sent anything before the peer's last segment, or before
// the RST if that broke the silence. In nanoseconds.
func (c *resetCase) idle() int64 {
	switch {
	case c.peer.last.At == 0:
		return 0
	case c.brokeSilence():
		return c.rst.At - max(c.peer.last.At, c.sender.last.At)
	}
	return int64(c.idleBefore)
}

// idleFrom is when that was, from and to.
func (c *resetCase) idleFrom() [2]int64 {
	to := c.rst.At
	if !c.brokeSilence() {
		to = c.peer.last.At
	}
	return [2]int64{to - c.idle(), to}
}

// wasIdle reports whether a middlebox may have forgotten the connection meanwhile.
func (c *resetCase) wasIdle() bool { return c.idle() >= int64(c.minIdle) && !c.outlasted() }

// closed reports whether both sides' FINs are acknowledged.
func (c *resetCase) closed() bool {
	return c.sender.phase == fsm.PhaseFinAcked && c.peer.phase == fsm.PhaseFinAcked
}

// halfCaptured reports whether one side's part of what came before was not captured.
func (c *resetCase) halfCaptured() bool { return c.peer.packets == 0 || c.sender.last.At == 0 }

// finSent reports whether the side has sent FIN.
func (e *end) finSent() bool { return e.phase >= fsm.PhaseFinSent }

// closedOnly reports whether a side had sent its FIN, and the sender leaves no data unread: it did nothing but close, or forgot
// what its peer had closed.
func (c *resetCase) closedOnly() bool {
	return (c.sender.finSent() || c.peer.finSent()) && c.lost() == 0
}

// afterFIN reports whether the sender had closed, and the RST has no ACK and answers nothing that was captured: some
// stacks abort so what they have closed, and a closed socket answers everything so (RFC 9293 3.10.7.1).
func (c *resetCase) afterFIN() bool {
	return c.sender.finSent() && c.bare() && c.atNxt() && !c.replies() && c.confirms.At == 0 && c.ended.At == 0
}

// over reports whether a side had sent its FIN, nothing is lost, and nothing came from the sender since the RST: a load balancer, a
// firewall or a front end forgets what is over, and so does the host itself.
func (c *resetCase) over() bool {
	return (c.sender.finSent() || c.peer.finSent()) && c.continued.At == 0 && c.lost()+c.missing < minLost
}

// parted reports whether it was over, and nobody waits for the sender: it had closed, or answers the FIN itself. A peer whose FIN it had
// acknowledged before may wait for the rest (half-close).
func (c *resetCase) parted() bool {
	return c.over() && (c.sender.finSent() || c.peer.last.Flags.Has(reassembly.FIN))
}

// stillOpen reports whether the connection was neither closed nor given up, by either side, before what a stale RST answers.
func (c *resetCase) stillOpen() bool {
	return !c.closed() && !c.behindFIN() && !c.finOnSYN() && !c.forgot() && !c.tooLate()
}

// knewFIN reports whether the peer had received the sender's FIN when it sent data for
// the first time. known is false if data of it was not captured: its ACK may have said so;
// or if some of the data may have been sent before.
func (c *resetCase) knewFIN() (knew, known bool) {
	in := &c.peer.stream
	knew = c.sender.fin.Used && !c.answersBefore()
	return knew, knew || !c.sender.fin.Used && (!in.Knows(reassembly.KnowUna) || !in.Skipped(in.Una))
}

// ackUnseen reports whether the last of the sender's that was acknowledged was not
// captured: nobody knows whether it was sent.
func (c *resetCase) ackUnseen() bool {
	out := &c.sender.stream
	return out.Knows(reassembly.KnowUna) && out.Skipped(out.Una-1)
}

// onlyAcks reports whether nothing of the side was captured but acknowledgments: all
// that it sent, a FIN perhaps, was acknowledged before the capture began.
func (e *end) onlyAcks() bool { return !e.finSent() && !e.synSeen && e.bytes == 0 }

func (c *resetCase) onlyAcks() bool { return c.sender.onlyAcks() }

// mayBeClosed reports whether the RST answers an ACK of a peer that may have closed before the
// capture began, as the sender has: then nobody aborted anything.
func (c *resetCase) mayBeClosed() bool {
	return c.sender.finSent() && c.replies() && c.peer.onlyAcks()
}

// finMissed reports whether the last that the sender sent may have been its FIN: it was
// acknowledged, and not captured.
func (c *resetCase) finMissed() bool {
	return !c.sender.finSent() && c.sender.stream.Skipped(c.sender.stream.Nxt-1)
}

// finHeld reports whether the sender sent no FIN, and could not have, for all that is
// known: it lay behind data that had to wait for the window or for ACKs. What the RST
// answers may itself have opened the window, or acknowledged everything. A window whose
// scale was not seen is larger than it looks, if anything.
func (c *resetCase) finHeld() bool {
	out := &c.sender.stream
	full := out.InFlight() > 0 && out.Knows(reassembly.KnowEdge) && out.Nxt.To(out.Edge) < int32(c.mss)
	resending := (out.InFlight() > 0 || c.ackMissed()) && c.retries > 0 // a window of one segment after a timeout (RFC 5681 3.1)
	return !c.sender.finSent() && (c.peer.window.Shut || full || resending || c.sender.queued || c.cutShort())
}

// ackMissed reports whether the sender's last segment is data, sent again though its peer had acknowledged it, and
// only what the RST may answer acknowledges it since: for all that the sender knew, it was still in flight.
func (c *resetCase) ackMissed() bool {
	own := &c.sender.last
	return own.Len > 0 && own.End() == c.sender.stream.Nxt && own.End() == c.peer.last.Ack
}

// cutShort reports whether the sender's last segment, just before the RST, is full: the
// congestion window may have ended there, whether PSH is set or not (Linux sets it at
// every half window: forced_push).
func (c *resetCase) cutShort() bool {
	own := &c.sender.last
	return own.Len > 0 && own.Len+optionRoom >= c.mss && c.prompt(own, &c.rst)
}

// optionRoom is how much smaller than the MSS a full segment may be: TCP options take 40
// bytes at most (RFC 9293 3.7.1).
const optionRoom = 40

// atNxt reports whether the RST lies at the sender's SND.NXT.
func (c *resetCase) atNxt() bool { return c.rst.Seq == c.sender.stream.Nxt }

// belowNxt reports whether the RST lies before the sender's SND.NXT. A socket that aborts
// sends SND.NXT; a host without one takes the number from what it answers.
func (c *resetCase) belowNxt() bool { return c.rst.Seq.Before(c.sender.stream.Nxt) }

// inPlace reports whether a RST with ACK is one that a socket sends: at SND.NXT, for
// what it has received.
func (c *resetCase) inPlace() bool {
	return (c.atNxt() || c.sender.unacked(nil) > 0) && !c.inWindow && c.sender.last.At != 0
}

// deceived reports whether the sender had acknowledged a FIN that was not its peer's own: its
// application took the stream for complete, and may have closed.
func (c *resetCase) deceived() bool {
	return c.states[c.side] == fsm.CloseWait && !c.peer.finSent()
}

// justAccepted reports whether the sender has only just sent its SYN-ACK, and nothing
// else.
func (c *resetCase) justAccepted() bool {
	return c.fromServer() && c.sender.bytes == 0 && !c.sender.finSent() && c.sender.last.Flags.Has(reassembly.SYN) &&
		c.idle() < int64(time.Second) && c.peer.packets <= 4
}

// leastRestart is how long, in nanoseconds, a host takes at least to lose its connections and answer again: a restart, or
// another host that takes over its address.
const leastRestart = int64(10 * time.Second)

// hadItJust reports whether the sender had the connection so shortly before that it can hardly have lost it, and nothing but the
// time shows that: not the form of the RST, nor the challenge ACK that it answers, nor that it never accepted the connection.
func (c *resetCase) hadItJust() bool {
	otherwise := c.challenging || c.withoutSocket() || c.justAccepted()
	return !otherwise && c.rst.At-c.sender.last.At < max(leastRestart, int64(4*c.rtt))
}

// onlyData reports whether the sender, which has never accepted the connection, answers only the data of its peer, and not
// the ACK before that: a host without the connection answers both.
func (c *resetCase) onlyData() bool {
	return c.justAccepted() && c.peer.last.SeqLen() > 0 && c.peer.packets > 2 && c.more == 0 && !c.challenging
}

// stillThere reports whether the sender had the connection so shortly before the RST, by what it sent then and by its
// IP IDs, that it can hardly have lost it; a FIN of its own was not missed either. A second, as few hosts reset what
// they are sent sooner without having been asked to.
func (c *resetCase) stillThere() bool {
	since := time.Duration(c.rst.At - c.sender.last.At)
	return c.goesOn() && since < max(time.Second, 4*c.rtt) && !c.justAccepted() && !c.onlyAcks() && !c.finMissed() && !c.finHeld()
}

// unheard reports whether the sender had answered none of several retransmissions before: whatever it sent meanwhile
// was lost, too.
func (c *resetCase) unheard() bool { return c.tries >= 2 && c.sender.last.At < c.peer.last.At }

// leastWait is how long, in nanoseconds, a TCP waits at least before it gives up on a peer: the first two timeouts of Linux.
const leastWait = int64(600 * time.Millisecond)

// leastRTO is how long, in nanoseconds, a TCP waits at least before it gives up on what it has sent: the least timeout of Linux.
const leastRTO = int64(200 * time.Millisecond)

// gaveUp reports whether the peer had not answered what the sender sent, for long enough. RSTs right before this one that
// answer what the peer has sent show a host without the socket that could give up.
func (c *resetCase) gaveUp() bool {
	own := &c.sender.last
	if own.SeqLen() > 0 && own.Seq != c.sender.stream.Una && c.rst.At-own.At < leastRTO { // something new, to which there was no time to answer
		return false
	}
	return c.before.n == 0 && (c.peer.last.At == 0 || c.rst.At-c.peer.last.At >= leastWait) && c.sender.last.At > c.peer.last.At && (c.retries >= 2 || c.sender.probe)
}
