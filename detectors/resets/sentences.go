package resets

import (
	"fmt"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
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
	case c.peer.probe && c.sender.window.Shut:
		name = "a window probe"
	case c.peer.probe:
		name = "a keep-alive"
	case m.Flags.Has(reassembly.FIN):
		name = "the FIN"
	case m.Len > 0:
		name = inBytes(m.Len)
	}
	if c.replies() && c.early() && !c.sole() || c.oneOf() || c.oneForSeveral() || c.oneOfEqual() {
		if frame += " or one just before it"; c.amongOthers() {
			name, frame = "one of the segments in flight", fmt.Sprintf("the last is frame %d, of %s", m.Frame, inBytes(m.Len))
		}
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
	if c.craftedSYN() {
		m += " The SYN has no MSS option, which nearly every TCP sends: probably a program wrote it, such as a port scanner or a flood."
	}
	m += c.oddFlags()
	switch {
	case c.acceptedLater():
		m += fmt.Sprintf(" It accepted the SYN that was sent again (frame %d).", c.continued.Frame)
	case c.continued.At != 0:
		m += fmt.Sprintf(" A SYN-ACK with its address came anyway (frame %d).", c.continued.Frame)
	}
	return m
}

// oddFlags names flags that no TCP sends together, as port scans and tests do.
func (c *resetCase) oddFlags() string {
	switch {
	case c.peer.last.Flags.Has(reassembly.SYN | reassembly.FIN):
		return fmt.Sprintf(" Frame %d has both SYN and FIN: no TCP sends that, but port scanners and tests do.", c.peer.last.Frame)
	case c.rst.Flags.Any(reassembly.SYN | reassembly.FIN):
		return fmt.Sprintf(" Frame %d has SYN or FIN besides RST: no TCP sends that, but port scanners and tests do.", c.rst.Frame)
	}
	return ""
}

func (c *resetCase) handshakeResetSentence() string {
	if !c.peer.last.Flags.Has(reassembly.SYN) {
		return fmt.Sprintf("%s sent a SYN and then a RST (frame %d).", c.sender.name, c.rst.Frame)
	}
	if !c.sender.synSeen {
		return fmt.Sprintf("%s answered %s with a RST (frame %d). No SYN of %[1]s was captured in this connection.", c.sender.name, c.answered(), c.rst.Frame) + c.oddFlags()
	}
	after, why := detectors.Span(c.rst.At-c.peer.last.At), ": it no longer wants the connection"
	if c.otherMAC {
		why = ""
	}
	if c.unsent {
		return fmt.Sprintf("%s opened the connection, answered the SYN-ACK (frame %d) from %s with an ACK of something that %[3]s had never sent (frame %[4]d), and then sent a RST (frame %[5]d), %[6]s after the SYN-ACK.",
			c.sender.name, c.peer.last.Frame, c.peer.name, c.sender.last.Frame, c.rst.Frame, after)
	}
	if c.sender.noMSS {
		return fmt.Sprintf("%s answered the SYN-ACK (frame %d) from %s with a RST (frame %d) %s later. The SYN with its address has no MSS option, which nearly every TCP sends: probably a program wrote it, "+
			"such as a port scanner or a flood that forges its source. Then the host that answers did not ask for the connection.", c.sender.name, c.peer.last.Frame, c.peer.name, c.rst.Frame, after) + c.oddFlags()
	}
	if !c.replies() {
		return fmt.Sprintf("%s opened the connection, and ended it with a RST (frame %d) %s after the SYN-ACK (frame %d) from %s%s.",
			c.sender.name, c.rst.Frame, after, c.peer.last.Frame, c.peer.name, why)
	}
	if !c.otherMAC {
		why += ", or its host does not know it"
	}
	if late := c.lateSYNACK(); late > 0 {
		syn := "first SYN"
		if c.sender.last.At == c.first {
			syn = fmt.Sprintf("SYN (frame %d)", c.sender.last.Frame)
		}
		why = fmt.Sprintf(". The SYN-ACK came only %s after the %s: the client may have given up waiting", detectors.Span(late), syn)
	}
	return fmt.Sprintf("%s opened the connection, then answered %s with a RST (frame %d) %s later%s.",
		c.sender.name, c.answered(), c.rst.Frame, after, why) + c.oddFlags()
}

// lateSYNACK is how long the only SYN-ACK, which the RST answers, came after the first SYN, since which the client has waited, whichever it
// answers: 0 if that is no longer than the first timeout of a client (RFC 6298 2.1).
func (c *resetCase) lateSYNACK() int64 {
	syn, answer := &c.sender.last, &c.peer.last
	if late := answer.At - c.first; late > int64(time.Second) && c.replies() && !c.unsent && c.peer.packets == 1 &&
		syn.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN && answer.Flags.Has(reassembly.SYN|reassembly.ACK) {
		return late
	}
	return 0
}

func (c *resetCase) staleSentence() string {
	m := fmt.Sprintf("%s sent a RST to %s (frame %d)", c.sender.name, c.peer.name, c.rst.Frame)
	switch {
	case c.closed() && !c.bare() && c.madeFromLast():
		return fmt.Sprintf("A RST with the source address %s (frame %d) answered %s after both sides had closed. It has the IP ID of that frame, %d: a device on the path made it from that.",
			c.sender.name, c.rst.Frame, c.answered(), c.rst.IPID)
	case c.otherTTL() && !c.replies():
		m = fmt.Sprintf("A RST with the source address %s came to %s (frame %d)", c.sender.name, c.peer.name, c.rst.Frame)
	case c.unlikeLast() && !c.otherTTL():
		m = fmt.Sprintf("A RST with the source address %s came to %s (frame %d; its TTL is %d, that of frame %d before it %d)",
			c.sender.name, c.peer.name, c.rst.Frame, c.rst.TTL, c.sender.last.Frame, c.sender.last.TTL)
	case c.replies():
		m = fmt.Sprintf("%s answered %s with a RST (frame %d)", c.sender.name, c.answered(), c.rst.Frame)
	}
	if c.closed() {
		m += " after both sides had closed."
		switch last := &c.peer.last; {
		case c.unasked():
			m += fmt.Sprintf(" It answers nothing: %s had acknowledged everything before it (frame %d).", c.sender.name, c.sender.last.Frame)
		case c.bare() && c.rst.Seq == c.sender.fin.Seq && !c.replies():
			m += fmt.Sprintf(" It has the number that %s acknowledged before it received the FIN: it answers an earlier segment.", c.peer.name)
		case !detectors.Answers(&c.rst, last):
			m += " It answers nothing that was captured."
		case c.prompt(last, &c.rst):
		case c.bare(): // paths have held segments up for longer, and devices have timers
			m += fmt.Sprintf(" It has the number that %s acknowledges in frame %d, %s before it: it answers that or another segment, held up on the path, or it comes from a timer.",
				c.peer.name, last.Frame, detectors.Span(c.rst.At-last.At))
		default:
			m += " It answers nothing that was captured."
		}
		switch d := c.secondFIN(); {
		case c.replies() && d != 0:
			m += fmt.Sprintf(" That FIN has the sequence number %d, the first one had %d: there can be only one (RFC 9293 3.10.4), and %s had acknowledged the first.",
				c.peer.fin.Seq+reassembly.Seq(d)-c.peer.stream.ISS, c.peer.fin.Seq-c.peer.stream.ISS, c.sender.name)
		case c.replies() && c.overtaken():
			m += fmt.Sprintf(" The path had delayed that ACK: %s had acknowledged more before it.", c.peer.name)
		case c.replies() && c.fromTimeWait():
			m += fmt.Sprintf(" The ACK was due: %s was in TIME_WAIT, from where it acknowledges only what asks for it (the ACK has no IP ID, as Linux sends it there). "+
				"%s had closed when it arrived.", c.peer.name, c.sender.name)
		}
		return m + c.otherSender()
	}
	if c.behindFIN() {
		return m + fmt.Sprintf(". Both sides had sent their FINs, and the path delivered an ACK (frame %d) after the FIN that %s sent behind it: the RST answers that, or another late one.", c.peer.last.Frame, c.peer.name) + c.otherSender()
	}
	if c.forgot() {
		return m + fmt.Sprintf(". %s had closed before, and its socket was gone by then. Nothing was in flight.", c.sender.name) + c.otherSender()
	}
	if c.tooLate() {
		return m + fmt.Sprintf(". %s had sent its SYN-ACK %d times, the last time %s before (frame %d), and not again when that was due: it had given up waiting.",
			c.sender.name, c.sender.packets-1, detectors.Span(c.peer.last.At-c.sender.last.At), c.sender.last.Frame)
	}
	if c.finOnSYN() {
		return m + fmt.Sprintf(". That FIN has the sequence number of the SYN, below all that %s accepts: %s closed before the connection was open, and sent what ends no connection.", c.sender.name, c.peer.name)
	}
	if c.misacks() {
		ack, is := c.peer.last.Ack-c.sender.last.Seq, ""
		if c.peer.last.Ack.Before(c.sender.last.Seq) {
			ack, is = -ack, "a number that is smaller than that of the SYN-ACK by "
		}
		return m + fmt.Sprintf(". That ACK acknowledges %s%d, though %s had sent nothing but a SYN-ACK (frame %d): it belongs to another connection of these ports, an older one or one with another address, or something on the path changes sequence numbers. "+
			"In SYN_RECEIVED, such an ACK is answered with RST (RFC 9293 3.10.7.4).", is, uint32(ack), c.sender.name, c.sender.last.Frame)
	}
	return m + fmt.Sprintf(". That is late, or an old duplicate: %s had already acknowledged more. %s no longer knows the connection.", c.peer.name, c.sender.name)
}

func (c *resetCase) keepaliveRefusedSentence() string {
	m := fmt.Sprintf("%s answered %s with a RST (frame %d): it ", c.sender.name, c.answered(), c.rst.Frame)
	if c.sender.finSent() {
		m += "had closed and no longer has the connection."
	} else {
		m += "does not know the connection, or a device in its place does not."
	}
	if idle := c.idle(); idle >= int64(c.minIdle) {
		m += fmt.Sprintf(" For %s before that, nothing of the connection had been captured.", detectors.Span(idle))
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
	case c.hadItJust(), c.goesOn():
		closed = "Unless it closed or aborted the connection,"
	}
	form := "a RST without ACK"
	if !c.bare() {
		form = "a RST of exactly its numbers"
	}
	m := fmt.Sprintf("%s answered %s with %s (frame %d), as a host that does not know the connection does. %s ",
		c.sender.name, c.answered(), form, c.rst.Frame, closed)
	if c.strangeWindow() {
		m = strings.TrimSuffix(m, closed+" ") + fmt.Sprintf("Its window, %d, is not what the socket had offered. %s ", c.rst.Window, closed)
	}
	switch {
	case c.synAckAgain.At != 0:
		m = fmt.Sprintf("A RST without ACK with the source address %s (frame %d) answered %s, as a host that does not know the connection does. But %[1]s sent its SYN-ACK again after that (frame %[4]d), "+
			"as no host does that has reset the connection: it had not received the ACK, and another host or device sent the RST.", c.sender.name, c.rst.Frame, c.answered(), c.synAckAgain.Frame)
		if c.rst.TTL != c.sender.last.TTL {
			m += fmt.Sprintf(" The RST has TTL %d, the SYN-ACKs %d.", c.rst.TTL, c.sender.last.TTL)
		}
		return m
	case c.challenging:
		return m + lost + ", and the ACK challenges what it sent just before (RFC 5961, RFC 9293 figure 9)."
	case c.justAccepted():
		return m + "it answered the SYN but did not accept the connection (a full accept queue that resets, an invalid SYN cookie, no backend)."
	}
	m += "it has lost the connection, or another host or device answers at its address." + c.otherSender()
	if c.unheard() {
		m += fmt.Sprintf(" For %s, it had answered nothing, not even %s: if it closed in that time, its FIN or RST was lost, too.",
			detectors.Span(c.rst.At-c.sender.last.At), detectors.Counted(uint32(c.tries), "retransmission", "retransmissions"))
	}
	return m
}
