package resets

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// unreadDataSentence claims that data was unread only where the window shows it: the
// application may have read it, and have aborted the connection (SO_LINGER 0).
func (c *resetCase) unreadDataSentence() string {
	m := fmt.Sprintf("%s closed its socket with a RST (frame %d)", c.sender.name, c.rst.Frame)
	if own := &c.sender.last; own.Flags.Has(reassembly.FIN) && c.prompt(own, &c.rst) {
		m = fmt.Sprintf("%s closed its socket with a FIN (frame %d) and a RST (frame %d)", c.sender.name, own.Frame, c.rst.Frame)
	} else if c.sender.finSent() {
		m = fmt.Sprintf("%s had sent its FIN, and then ended the connection with a RST (frame %d)", c.sender.name, c.rst.Frame)
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

// unreadDataAdvice is what to think of a few bytes that may only say goodbye, and of what came to a side that had sent its FIN.
func (c *resetCase) unreadDataAdvice() (cause, action string) {
	switch {
	case c.unbound():
		return "The session seems to have ended with an LDAP unbind request, which asks for the end and has no response (RFC 4511 4.3). Windows servers answer it with a RST.",
			"No action needed, unless the client reports an error."
	case c.onlyAnswer(), c.hasAnswer() && !c.goodbye():
		return "What came last may be the answer to what the client had sent, or begin it. Either the client closed its socket before it had read that, which sends a RST (RFC 2525 2.17, RFC 9293 3.6.1), or it had read it and aborted the " +
				"connection (SO_LINGER 0), as probes, health checks and testers do, or its process ended.",
			"No action needed if the client is a probe, a health check or a tester. Otherwise look whether its application has got the whole answer, and why it does not close with a FIN."
	case c.goodbye():
		return "Either the socket was closed before its application had read the last few bytes, which sends a RST (RFC 2525 2.17, RFC 9293 3.6.1), or the application had read them and aborted the " +
				"connection, or its process ended. So few are often a goodbye, such as a close_notify of TLS in answer to another or a command to end the session, and nobody has to wait for an answer to that (RFC 5246 7.2.1).",
			"No action needed, unless one of the two applications reports an error, or the same host reset several connections at this moment: then look for why its process ended."
	case c.sender.finSent() && !c.windowFell():
		return "The side that sent the RST had sent its FIN before. A socket that is closed while data lies in it unread, or that data reaches after it was closed for both directions, " +
				"sends a RST (RFC 2525 2.17, RFC 9293 3.6.1). What its peer sent, or a part of it, may not have been read.",
			"No action needed if the peer only said goodbye (a close_notify of TLS, QUIT). Otherwise let the application read to the end of file after it has shut down its sending side."
	case !c.windowFell() && c.beyond() == 0:
		return "Either the socket was closed before its application had read everything, which sends a RST (RFC 2525 2.17, RFC 9293 3.6.1), or the application had read it and aborted the connection (SO_LINGER 0), as some servers " +
				"refuse what they do not speak or allow. A process that dies has the same effect.",
			"Check the log of the application for what it refused, or why it stopped reading. If it meant to close, let it read to the end, or shut down its sending side and drain, before it closes."
	}
	return "", ""
}

// ownLoss is about the sender's own data.
func (c *resetCase) ownLoss() string {
	if c.missing == 0 {
		return ""
	}
	return fmt.Sprintf(" It may have lost %s of its own data, not acknowledged.", inBytes(c.missing))
}

func (c *resetCase) abortedSentence() string {
	if c.untaken() {
		return c.untakenSentence()
	}
	if c.crossedData() {
		return c.crossedDataSentence()
	}
	m := fmt.Sprintf("%s aborted the connection to %s with a RST (frame %d)", c.sender.name, c.peer.name, c.rst.Frame)
	switch {
	case (c.unlikeLast() || c.otherHop()) && c.confirms.At == 0 && !c.gaveUp():
		m = fmt.Sprintf("A RST with the source address %s ended the connection to %s (frame %d), %s after the last segment.",
			c.sender.name, c.peer.name, c.rst.Frame, detectors.Span(c.rst.At-max(c.sender.last.At, c.peer.last.At)))
	case c.confirms.At != 0:
		m += fmt.Sprintf(", the second of two: the first (frame %d) was out of place, and %s answered it with a challenge ACK (frame %d; RFC 5961 3.2).",
			c.confirms.Frame, c.peer.name, c.peer.last.Frame)
	case c.ended.At != 0 && c.replies():
		m = fmt.Sprintf("%s ended the connection to %s with a RST (frame %d), which %[2]s had to ignore, for its sequence number. Then it answered %[4]s with another RST (frame %[5]d): its socket was gone.",
			c.sender.name, c.peer.name, c.ended.Frame, c.answered(), c.rst.Frame)
	case c.gaveUp() && c.retries > 0:
		m += fmt.Sprintf(", after %d retransmissions in a row that %s did not acknowledge.", c.retries, c.peer.name) // the TCP gave up, or the program ended
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
	case c.peer.finSent() && !c.crossedFIN():
		m += fmt.Sprintf(" instead of a FIN: %s had closed.", c.peer.name)
	case c.states[c.side] == fsm.SynReceived:
		m += fmt.Sprintf(": it gave up a handshake that %s had not completed.", c.peer.name)
	case c.deceived():
		m += fmt.Sprintf(": it had acknowledged a FIN that was not %s's own, took the stream for complete, and closed (see forged-fin).", c.peer.name)
	default:
		m += " instead of a FIN" + c.whyAborted() + c.owedWords()
	}
	if c.bare() && !c.sender.finSent() && c.confirms.At == 0 && c.ended.At == 0 {
		m += " The RST has no ACK, as some stacks send it."
	}
	switch {
	case c.missing > 0:
		m += c.ownLoss()
	case c.sender.unacked(nil) > 0:
		m += fmt.Sprintf(" The data in flight arrived: %s acknowledged it (frame %d).", c.peer.name, c.arrived.Frame)
	case c.tookAfterFIN():
		m += fmt.Sprintf(" It had acknowledged what %s sent after that (frame %d).", c.peer.name, c.sender.last.Frame)
	case c.lost() == 0 && !c.onItsWay:
		m += " Nothing was in flight."
	}
	if n := c.beyond(); n > 0 {
		m += fmt.Sprintf(" %s from %s were not acknowledged.", inBytes(n), c.peer.name)
	}
	return m
}

// untakenSentence is about a RST whose sender has not acknowledged what its peer kept sending.
func (c *resetCase) untakenSentence() string {
	again := ""
	if c.tries > 0 {
		again = fmt.Sprintf(", though retransmitted %s", detectors.Counted(uint32(c.tries), "time", "times"))
	}
	return fmt.Sprintf("%s ended the connection to %s with a RST (frame %d), %s after it had last been sent data (frame %d). Neither it nor the RST acknowledged %s of that%s: "+
		"that, or what comes before it, was lost on the way, or what accepts connections in its place (a proxy, a load balancer) did not take it.",
		c.sender.name, c.peer.name, c.rst.Frame, detectors.Span(c.rst.At-c.peer.last.At), c.peer.last.Frame, inBytes(c.beyond()), again) + c.ownLoss()
}

// whyAborted says what may have made a socket end a connection that neither side had closed.
func (c *resetCase) whyAborted() string {
	after, others := "", ""
	if c.peer.bytes > 0 && !c.onlyProbed() {
		others = ", or closed it with unread data"
		if c.peer.last.Len > 0 && !c.peer.probe {
			others += fmt.Sprintf(" (the last came in frame %d)", c.peer.last.Frame)
		}
	}
	if c.brokeSilence() && c.idle() >= minQuiet {
		after = fmt.Sprintf(", %s after the last segment", detectors.Span(c.idle()))
		others += ", or an idle timer of its host, or of what accepts connections in its place, expired"
	}
	if others != "" {
		others += ". The capture does not show which"
	}
	return after + ": its application aborted it" + others + "."
}
