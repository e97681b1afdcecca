package resets

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/middlebox"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func inBytes(n uint32) string { return detectors.Counted(n, "byte", "bytes") }

// answered names the peer's last segment: "300 bytes (frame 7) from 10.0.0.1:40000".
func (c *resetCase) answered() string {
	m := &c.peer.last
	name, frame := "an ACK", fmt.Sprintf("frame %d", m.Frame)
	switch {
	case m.Flags.Has(reassembly.SYN | reassembly.ACK):
		name = "the SYN-ACK"
	case m.Flags.Has(reassembly.SYN):
		name = "the SYN"
	case c.peer.probe:
		name = "a keep-alive"
	case m.Flags.Has(reassembly.FIN):
		name = "the FIN"
	case m.Len > 0:
		name = inBytes(m.Len)
	}
	if c.replies() && c.early() || c.oneOf() || c.oneForSeveral() {
		frame += " or one just before it"
	}
	return fmt.Sprintf("%s (%s) from %s", name, frame, c.peer.name)
}

func (c *resetCase) refusedSentence() string {
	m := ""
	if c.scanned() {
		m = fmt.Sprintf("%s answered a segment with neither SYN nor ACK (frame %d) from %s with a RST (frame %d), as a closed port answers a FIN, NULL or Xmas scan.",
			c.sender.name, c.peer.last.Frame, c.peer.name, c.rst.Frame)
	} else {
		m = fmt.Sprintf("%s refused the connection: it answered %s with a RST (frame %d).", c.sender.name, c.answered(), c.rst.Frame)
		if c.sender.last.Flags.Has(reassembly.SYN | reassembly.ACK) {
			m += fmt.Sprintf(" It had accepted the connection before (frame %d).", c.sender.last.Frame)
		}
	}
	switch {
	case c.acceptedLater():
		m += fmt.Sprintf(" It accepted the SYN that was sent again (frame %d).", c.continued.Frame)
	case c.continued.At != 0:
		m += fmt.Sprintf(" A SYN-ACK with its address came anyway (frame %d).", c.continued.Frame)
	}
	return m
}

func (c *resetCase) handshakeResetSentence() string {
	if !c.peer.last.Flags.Has(reassembly.SYN) {
		return fmt.Sprintf("%s sent a SYN and then a RST (frame %d).", c.sender.name, c.rst.Frame)
	}
	if !c.sender.synSeen {
		return fmt.Sprintf("%s answered %s with a RST (frame %d). No SYN of %[1]s was captured: it did not ask for the connection (somebody sent a SYN with its address), or its SYN was not captured.",
			c.sender.name, c.answered(), c.rst.Frame)
	}
	after := detectors.Span(c.rst.At - c.peer.last.At)
	if c.unsent {
		return fmt.Sprintf("%s opened the connection, answered the SYN-ACK (frame %d) from %s with an ACK of something that %[3]s had never sent (frame %[4]d), and then sent a RST (frame %[5]d), %[6]s after the SYN-ACK.",
			c.sender.name, c.peer.last.Frame, c.peer.name, c.sender.last.Frame, c.rst.Frame, after)
	}
	if !c.replies() {
		return fmt.Sprintf("%s opened the connection, and ended it with a RST (frame %d) %s after the SYN-ACK (frame %d) from %s: it no longer wants the connection.",
			c.sender.name, c.rst.Frame, after, c.peer.last.Frame, c.peer.name)
	}
	return fmt.Sprintf("%s opened the connection, then answered %s with a RST (frame %d) %s later: it no longer wants the connection, or its host does not know it.",
		c.sender.name, c.answered(), c.rst.Frame, after)
}

func (c *resetCase) staleSentence() string {
	m := fmt.Sprintf("%s reset the connection with %s (frame %d)", c.sender.name, c.peer.name, c.rst.Frame)
	switch {
	case c.unlikeLast() && !c.otherTTL():
		m = fmt.Sprintf("A RST with the source address %s came to %s (frame %d; its TTL is %d, that of frame %d before it %d)",
			c.sender.name, c.peer.name, c.rst.Frame, c.rst.TTL, c.sender.last.Frame, c.sender.last.TTL)
	case c.replies():
		m = fmt.Sprintf("%s answered %s with a RST (frame %d)", c.sender.name, c.answered(), c.rst.Frame)
	}
	if c.closed() {
		m += " after both sides had closed."
		switch last := &c.peer.last; {
		case !detectors.Answers(&c.rst, last):
			m += " It answers nothing that was captured."
		case c.prompt(last, &c.rst):
		case c.bare() && c.rst.At-last.At <= lateAnswer:
			m += fmt.Sprintf(" It has the number that %s acknowledges in frame %d, %s before it: it answers that, or an earlier one that the path held up.",
				c.peer.name, last.Frame, detectors.Span(c.rst.At-last.At))
		default:
			m += " It answers nothing that was captured."
		}
		switch d := c.secondFIN(); {
		case c.replies() && d != 0:
			m += fmt.Sprintf(" That FIN has the sequence number %d, the first one had %d: there can be only one (RFC 9293 3.10.4), and %s had acknowledged the first.",
				c.peer.fin+reassembly.Seq(d)-c.peer.stream.ISS, c.peer.fin-c.peer.stream.ISS, c.sender.name)
		case c.replies() && c.overtaken():
			m += fmt.Sprintf(" The path had delayed that ACK: %s had acknowledged more before it.", c.peer.name)
		case c.replies() && c.ackDue() && c.reordered():
			m += fmt.Sprintf(" The ACK was due: frame %d from %s asks for it. That frame came late: its IP ID, %d, is below the %d of an earlier one, so the network reordered them. %[2]s had closed when the ACK arrived.",
				c.sender.last.Frame, c.sender.name, c.sender.last.IPID, c.sender.last.IPID+uint16(c.sender.habits.Behind))
		case c.replies() && c.fromTimeWait() && !c.ackDue():
			m += fmt.Sprintf(" The ACK was due: %s was in TIME_WAIT, from where it acknowledges only what asks for it (the ACK has no IP ID, as Linux sends it there). "+
				"%s had closed when it arrived.", c.peer.name, c.sender.name)
		case c.replies() && c.ackDue():
			m += fmt.Sprintf(" The ACK was due: frame %d from %s asks for one. Another ACK had acknowledged as much: that came late, or this one is a second copy of it, or %[2]s had not waited for either.",
				c.sender.last.Frame, c.sender.name)
		}
		return m + c.otherSender()
	}
	if c.misacks() {
		return m + fmt.Sprintf(". That ACK acknowledges %d, though %s had sent nothing but a SYN-ACK (frame %d): it belongs to an older connection of these ports, or something on the path changes sequence numbers. "+
			"In SYN_RECEIVED, such an ACK is answered with RST (RFC 9293 3.10.7.4).", uint32(c.peer.last.Ack-c.sender.last.Seq), c.sender.name, c.sender.last.Frame)
	}
	return m + fmt.Sprintf(". That is an old duplicate: %s had already acknowledged more. %s no longer knows the connection.", c.peer.name, c.sender.name)
}

// otherSender says that a device on the path sent the RST, if its TTL shows that.
func (c *resetCase) otherSender() string {
	if !c.otherTTL() {
		return ""
	}
	return fmt.Sprintf(" The RST has TTL %d, everything else from %s has %d: a middlebox sent it.", c.rst.TTL, c.sender.name, c.sender.last.TTL)
}

func (c *resetCase) idleDropSentence() string {
	m := fmt.Sprintf("Nothing was sent for %s", detectors.Span(c.idle()))
	if words := middlebox.Words(c.idle()); words != "" {
		m += ", " + words
	}
	if c.brokeSilence() {
		m += fmt.Sprintf(". Then a RST with the source address %s came (frame %d).", c.sender.name, c.rst.Frame)
	} else {
		m += fmt.Sprintf(". Then a RST (frame %d) answered %s, as from a host that does not know the connection.", c.rst.Frame, c.answered())
	}
	if c.otherTTL() {
		return m + c.otherSender()
	}
	if c.otherDevice() {
		return m + fmt.Sprintf(" The RST has TTL %d, the segment from %s before it %d: a load balancer or another middlebox sent it.", c.rst.TTL, c.sender.name, c.sender.last.TTL)
	}
	return m + fmt.Sprintf(" A middlebox, or %s itself, had forgotten the connection.", c.sender.name)
}

func (c *resetCase) keepaliveRefusedSentence() string {
	m := fmt.Sprintf("%s answered %s with a RST (frame %d): it ", c.sender.name, c.answered(), c.rst.Frame)
	if c.sender.finSent() {
		m += "had closed and no longer has the connection."
	} else {
		m += "is up but does not know the connection."
	}
	if words := middlebox.Words(c.idle()); words != "" {
		m += fmt.Sprintf(" Nothing had been sent for %s before that, %s.", detectors.Span(c.idle()), words)
	}
	return m
}

func (c *resetCase) halfOpenSentence() string {
	closed, lost := "No FIN from it was captured:", "it has lost the connection"
	switch {
	case c.sender.finSent():
		closed, lost = "It had closed:", "its socket is gone"
	case c.onlyAcks() || c.finMissed() || c.finHeld() || c.sender.last.At == 0:
		closed = "If it had not closed,"
	case c.mayAbort():
		closed = "Unless it aborted the connection,"
	}
	form := "a RST without ACK"
	if !c.bare() {
		form = "a RST of exactly its numbers"
	}
	m := fmt.Sprintf("%s answered %s with %s (frame %d), as a host that does not know the connection does. %s ",
		c.sender.name, c.answered(), form, c.rst.Frame, closed)
	if c.otherWindow() {
		m = strings.TrimSuffix(m, closed+" ") + fmt.Sprintf("Its window, %d, is not what the socket had offered. %s ", c.rst.Window, closed)
	}
	switch {
	case c.challenging:
		return m + lost + ", and the ACK challenges what it sent just before (RFC 5961, RFC 9293 figure 9)."
	case c.justAccepted():
		return m + "it answered the SYN but did not accept the connection (a full accept queue that resets, an invalid SYN cookie, no backend)."
	}
	return m + "it has lost the connection, or another host answers at its address."
}

// unreadDataSentence claims that data was unread only where the window shows it: the
// application may have read it, and have aborted the connection (SO_LINGER 0).
func (c *resetCase) unreadDataSentence() string {
	m := fmt.Sprintf("%s closed its socket with a RST (frame %d)", c.sender.name, c.rst.Frame)
	if own := &c.sender.last; own.Flags.Has(reassembly.FIN) && c.prompt(own, &c.rst) {
		m = fmt.Sprintf("%s closed its socket with a FIN (frame %d) and a RST (frame %d)", c.sender.name, own.Frame, c.rst.Frame)
	}
	const or = " It closed with the data unread, or aborted the connection: the capture does not show what its application had read."
	switch beyond := c.beyond(); {
	case c.windowFell():
		m += fmt.Sprintf(" while it held unread data from %s: its window had fallen by %s.", c.peer.name, inBytes(c.windowFall()))
		if beyond > 0 {
			m += fmt.Sprintf(" Another %s from %s are not acknowledged.", inBytes(beyond), c.peer.name)
		}
	case beyond > 0:
		m += fmt.Sprintf(" while data from %s was unread or still in flight: %s, not acknowledged.", c.peer.name, inBytes(beyond))
	case c.lost() > 0 && c.prompt(&c.peer.last, &c.rst):
		m += fmt.Sprintf(" when data from %s had just arrived: %s, which the RST itself acknowledges.", c.peer.name, inBytes(c.lost())) + or
	case c.lost() > 0:
		m += fmt.Sprintf(" %s after data from %s (frame %d): %s, which the RST itself acknowledges.", detectors.Span(c.rst.At-c.peer.last.At), c.peer.name, c.peer.last.Frame, inBytes(c.lost())) + or
	case c.unreadBytes() > c.peer.last.Len:
		m += fmt.Sprintf(". It had acknowledged %s from %s (the last %d in frame %d) but never answered.", inBytes(c.unreadBytes()), c.peer.name, c.peer.last.Len, c.peer.last.Frame) + or
	default:
		m += fmt.Sprintf(". It had acknowledged the last data from %s (%s in frame %d), but never answered.", c.peer.name, inBytes(c.peer.last.Len), c.peer.last.Frame) + or
	}
	return m + c.ownLoss()
}

// ownLoss is about the sender's own data.
func (c *resetCase) ownLoss() string {
	if c.missing == 0 {
		return ""
	}
	return fmt.Sprintf(" It may have lost %s of its own data, not acknowledged.", inBytes(c.missing))
}

// outOfWindowSentence names nobody's host: the RST comes from a device that follows windows.
func (c *resetCase) outOfWindowSentence() string {
	return fmt.Sprintf("%s from %s (frame %d) end %s beyond the window that %s had offered. A RST without ACK with the source address %[5]s answered them (frame %[6]d), as a stateful firewall does "+
		"(Linux conntrack) for a segment that it calls invalid. %[5]s itself had not closed, and would only have acknowledged such data (RFC 9293 3.10.7.4).",
		inBytes(c.peer.last.Len), c.peer.name, c.peer.last.Frame, inBytes(c.excess()), c.sender.name, c.rst.Frame)
}

func (c *resetCase) abortedSentence() string {
	m := fmt.Sprintf("%s aborted the connection to %s with a RST (frame %d)", c.sender.name, c.peer.name, c.rst.Frame)
	switch {
	case c.unlikeLast() && c.confirms.At == 0 && !c.gaveUp():
		m = fmt.Sprintf("A RST with the source address %s ended the connection to %s (frame %d), %s after the last segment.",
			c.sender.name, c.peer.name, c.rst.Frame, detectors.Span(c.rst.At-max(c.sender.last.At, c.peer.last.At)))
	case c.confirms.At != 0:
		m += fmt.Sprintf(", the second of two: the first (frame %d) was out of place, and %s answered it with a challenge ACK (frame %d; RFC 5961 3.2).",
			c.confirms.Frame, c.peer.name, c.peer.last.Frame)
	case c.gaveUp() && c.retries > 0:
		m += fmt.Sprintf(", after %d retransmissions in a row that %s did not answer.", c.retries, c.peer.name) // the TCP gave up, or the program ended
	case c.gaveUp() && c.peer.last.At == 0:
		m += fmt.Sprintf(": it gave up; %s had not answered its last keep-alive (frame %d).", c.peer.name, c.sender.last.Frame)
	case c.gaveUp():
		m += fmt.Sprintf(": it gave up after %s of silence from %s, which had not answered its last keep-alive (frame %d).", detectors.Span(c.rst.At-c.peer.last.At), c.peer.name, c.sender.last.Frame)
	case c.sender.finSent() && c.replies() && c.bare():
		m += fmt.Sprintf(" in answer to %s: it had already closed, and its socket was gone.", c.answered())
	case c.sender.finSent() && c.bare() && c.belowNxt():
		m += fmt.Sprintf(" in answer to an earlier segment from %s: it had already closed, and its socket was gone.", c.peer.name)
	case c.sender.finSent():
		m += ", after its own FIN."
	case c.peer.finSent():
		m += fmt.Sprintf(" instead of a FIN: %s had closed.", c.peer.name)
	case c.states[c.side] == fsm.SynReceived:
		m += fmt.Sprintf(": it gave up a handshake that %s had not completed.", c.peer.name)
	case c.deceived():
		m += fmt.Sprintf(": it had acknowledged a FIN that was not %s's own, took the stream for complete, and closed (see forged-fin).", c.peer.name)
	case c.peer.bytes > 0:
		last := ""
		if c.peer.last.Len > 0 {
			last = fmt.Sprintf(" (the last came in frame %d)", c.peer.last.Frame)
		}
		m += fmt.Sprintf(" instead of a FIN: its application aborted it, or closed it with unread data%s. The capture does not show which.", last)
	default:
		m += " instead of a FIN: its application aborted it."
	}
	if c.bare() && !c.sender.finSent() && c.confirms.At == 0 {
		m += " The RST has no ACK, as some stacks send it."
	}
	switch {
	case c.missing > 0:
		m += c.ownLoss()
	case c.sender.unacked(nil) > 0:
		m += fmt.Sprintf(" The data in flight arrived: %s acknowledged it (frame %d).", c.peer.name, c.arrived.Frame)
	case c.lost() == 0 && !c.onItsWay:
		m += " Nothing was in flight."
	}
	if n := c.beyond(); n > 0 {
		m += fmt.Sprintf(" %s from %s were not acknowledged.", inBytes(n), c.peer.name)
	}
	return m
}

func (c *resetCase) lateAckSentence() string {
	return fmt.Sprintf("Something in front of %s did not recognise %s and answered it with a RST (frame %d); %s itself continued (frame %d).",
		c.sender.name, c.answered(), c.rst.Frame, c.sender.name, c.continued.Frame)
}

func (c *resetCase) suspectedInjectionSentence() string {
	m := fmt.Sprintf("A RST with the source address %s (frame %d)", c.sender.name, c.rst.Frame)
	switch {
	case c.continued.At != 0:
		m = fmt.Sprintf("A RST with the source address %s came (frame %d), but %[1]s continued after it (frame %[3]d).", c.sender.name, c.rst.Frame, c.continued.Frame)
	case c.replies():
		m += fmt.Sprintf(" answers %s.", c.answered())
	case c.madeFromLast():
		m += fmt.Sprintf(" answers %s, %s after it.", c.answered(), detectors.Span(c.rst.At-c.peer.last.At))
	case c.bare() && c.lost() > 0 && detectors.Answers(&c.rst, &c.peer.last): // any of them, if they were longer in flight
		m += fmt.Sprintf(" crossed %s in flight from %s.", inBytes(c.lost()), c.peer.name)
	case c.peer.last.SeqLen() > 0 && c.prompt(&c.peer.last, &c.rst) && detectors.Answers(&c.rst, &c.peer.last):
		m += fmt.Sprintf(" acknowledges %s, %s after it", c.answered(), detectors.Span(c.rst.At-c.peer.last.At))
		if usual := c.handshakeRTT; c.rst.At-c.peer.last.At < int64(usual-usual/4) {
			m += fmt.Sprintf(": sooner than %s can answer, which took %s in the handshake", c.sender.name, detectors.Span(int64(usual)))
		}
		m += "."
	case c.copiesID():
		m += fmt.Sprintf(" came %s after frame %d.", detectors.Span(c.rst.At-c.peer.last.At), c.peer.last.Frame)
	default:
		m += fmt.Sprintf(" answers nothing that %s sent.", c.peer.name)
	}
	switch {
	case c.otherTTL() && c.sender.packets == 2 && c.continued.At == 0:
		m += fmt.Sprintf(" It has TTL %d, the only other segment from %s (frame %d) has %d.", c.rst.TTL, c.sender.name, c.sender.last.Frame, c.sender.last.TTL)
	case c.otherTTL():
		m += fmt.Sprintf(" It has TTL %d, everything else from %s has %d.", c.rst.TTL, c.sender.name, c.sender.last.TTL)
	}
	if c.copiesID() {
		return m + fmt.Sprintf(" It has the IP ID of frame %d, %d, as the SYN-ACK from %s has that of the SYN: both were made from packets of %s. A device on the path (a SYN proxy, a filter) answers for %[3]s.",
			c.peer.last.Frame, c.rst.IPID, c.sender.name, c.peer.name)
	}
	if c.twinned() {
		m += fmt.Sprintf(" The RST behind it (frame %d) has the same TTL.", c.twin.Frame)
	}
	if c.guess.At != 0 {
		m += fmt.Sprintf(" Another (frame %d) lies %s beyond all that %s had sent: no host sends that, but injectors do.", c.guess.Frame, inBytes(uint32(c.guess.Seq-c.sender.stream.Nxt)), c.sender.name)
	}
	if c.peersID() {
		return m + fmt.Sprintf(" Its IP ID, %d, does not follow those of %s (%d before it), but is close to those of %s (%d in frame %d): it was made from a packet of %s.",
			c.rst.IPID, c.sender.name, c.sender.last.IPID, c.peer.name, c.peer.last.IPID, c.peer.last.Frame, c.peer.name)
	}
	if c.otherID() {
		m += fmt.Sprintf(" Its IP ID, %d, is out of sequence: %s counts them, and had used %d before it.", c.rst.IPID, c.sender.name, c.sender.last.IPID)
	}
	if c.noID() && !c.replies() {
		m += fmt.Sprintf(" It has no IP ID, although %s numbers its packets: no socket on that host sent it.", c.sender.name)
	}
	return m + " Another device may have sent it."
}

func (c *resetCase) unexplainedSentence() string {
	if c.inWindow {
		return fmt.Sprintf("A RST with the source address %s came to %s (frame %d), and nothing after it. It is not at the next sequence number.", c.sender.name, c.peer.name, c.rst.Frame)
	}
	m := fmt.Sprintf("A RST with the source address %s ended the connection with %s (frame %d).", c.sender.name, c.peer.name, c.rst.Frame)
	switch {
	case c.halfCaptured():
		return m + " What led to it was not captured."
	}
	return m + " It answers nothing that was captured, and no socket would send it in this form."
}
