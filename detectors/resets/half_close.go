package resets

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What a side that has closed, and has no socket any more, was sent after its FIN. Its peer
// may send until it closes, too (RFC 9293 3.6): that alone accuses nobody.

// lateData is what the data is that met no socket.
type lateData uint8

const (
	crossing lateData = iota // sent before its sender knew of the FIN
	answer                   // to what the client had sent with its FIN, or last before that
	reuse                    // a new request, in a connection that the server had closed well before
	farewell                 // too short to be missed: often what ends a session, such as a TLS close_notify
	rest                     // what its sender had left to send
	missed                   // the path had lost it before the FIN
)

// minReuse is how long the FIN must have been acknowledged, two round trips at least, before
// new data is a request to a connection that was known to be closed. Sooner, the application
// may not have been told.
const minReuse = 50 * time.Millisecond

// bulk is how many full segments in the last second or two are an upload under way: what follows is the rest of that, and no request.
const bulk = 10

// minLate is how long the FIN must have been acknowledged before few bytes need not be the answer to it that ends the session: an application
// that reads sends that within some round trips.
const minLate = 2 * time.Second

func (c *resetCase) lateData() lateData {
	fin := &c.sender.fin
	short := c.lost() < minLost && !c.firstRequest()
	switch {
	case fin.Lost:
		return missed
	case !fin.Used && short && (c.peer.finSent() || c.bye() && (!c.fromServer() || c.lost() <= shortGoodbye)):
		return farewell
	case !fin.Used:
		return crossing
	case fin.Asked && !c.fromServer() && !c.bye():
		return answer
	case short:
		return farewell
	case c.fromServer() && c.longClosed() && !c.peer.finSent() && c.recent < bulk*uint64(c.mss): // a request waits for its answer
		return reuse
	}
	return rest
}

// bye reports whether a few bytes answer the few that came with the FIN, or right before it: a TLS
// close_notify for another, rather than an answer to a request. So short a request that wants
// so short an answer looks the same; but whoever has said nothing before, as far as that was captured, does not begin with a goodbye.
func (c *resetCase) bye() bool {
	return c.sender.fin.Short && c.lost() < minLost && (c.peer.wrote() > c.lost() || !c.peer.synSeen)
}

// firstRequest reports whether a server that never sent any payload met all that its client ever sent: that is the request, however
// short, and no goodbye.
func (c *resetCase) firstRequest() bool {
	return c.fromServer() && c.sender.synSeen && c.sender.bytes == 0 && c.sender.wrote() == 0 && c.peer.wrote() == c.lost()
}

// answersBefore reports whether the RST, without ACK, or the first of several, answers what the peer had sent before it received the FIN,
// though it sent data since: it has the number that this acknowledges (RFC 9293 3.10.7.1), which is the FIN's own or less.
func (c *resetCase) answersBefore() bool {
	fin, seq := &c.sender.fin, c.rst.Seq
	if c.before.n > 0 {
		seq = c.before.first.Seq
	}
	return fin.Used && c.bare() && seq.AtOrBefore(fin.Seq) && c.sender.stream.Una.After(fin.Seq)
}

// longClosed reports whether the peer has acknowledged the FIN well before it sent more.
func (c *resetCase) longClosed() bool { return c.sender.fin.Pause >= max(minReuse, 2*c.rtt) }

// request reports whether data that crossed the FIN may be a request in an idle connection.
func (c *resetCase) request() bool {
	if c.clientKnown {
		return c.fromServer()
	}
	return c.lost() >= minLost && c.recent <= uint64(c.lost()) && !c.seemsClient() // nothing was in flight just before
}

// keepAlive reports whether such a request may have met a server that closed because nothing had come for a while: nothing but the request came
// just before, it is no upload, nor sent again, and the connection is not too young.
func (c *resetCase) keepAlive() bool {
	return c.recent <= uint64(c.lost()) && c.lost() < bulk*c.mss && c.tries == 0 && !(c.clientKnown && c.rst.At-c.first < leastIdle)
}

// leastIdle is how long, in nanoseconds, a server keeps a connection at least that is not in use: timeouts are set in seconds.
const leastIdle = int64(time.Second)

// repliedFirst reports whether a server had answered before it closed, and its client has all of that: what the client still sent, it need not
// have sent. So short an answer may be a close_notify.
func (c *resetCase) repliedFirst() bool {
	fin := &c.sender.fin
	return c.fromServer() && c.lateData() == crossing && !c.keepAlive() && fin.Asked && !fin.Short && c.missing == 0 && c.sender.phase == fsm.PhaseFinAcked
}

// deceivedToo reports whether the sender had acknowledged a FIN with the peer's address, and the peer sends beyond that. No TCP does so after a
// FIN of its own (RFC 9293 3.10.2): the FIN was not the peer's, it seems, and to the sender the stream was complete.
func (c *resetCase) deceivedToo() bool {
	state := c.states[c.side]
	return c.lost() > 0 && (state == fsm.LastAck || state == fsm.Closing || state == fsm.TimeWait)
}

// tookAfterFIN reports whether the sender has acknowledged what its peer sent after it had received the sender's FIN.
func (c *resetCase) tookAfterFIN() bool {
	own, last := &c.sender.last, &c.peer.last
	return c.sender.finSent() && c.sender.fin.Used && last.Len > 0 && own.At >= last.At && own.Ack == last.End()
}

// dataAfterCloseFault is unknown if something else may have ended the stream, and the peer's own if it reused what it knew to be closed. Otherwise the
// sender closed, and nobody else did anything out of order.
func (c *resetCase) dataAfterCloseFault() detectors.Fault {
	if c.deceivedToo() {
		return detectors.FaultUnknown
	}
	switch c.lateData() {
	case missed:
		return detectors.FaultPath
	case farewell:
		return detectors.FaultUnknown
	case answer, rest:
		if !c.clientKnown {
			return detectors.FaultUnknown
		}
	}
	return detectors.FaultHost
}

// dataAfterCloseAdvice says what to think of data that is no request to an idle server.
func (c *resetCase) dataAfterCloseAdvice() (cause, action string) {
	switch kind := c.lateData(); {
	case c.deceivedToo():
		return "A FIN with the address of the sender of the data had ended the stream for its receiver, which had closed when the data came. If that FIN was not its own, something on the path made it (see forged-fin): a filter, a provider, a middlebox.",
			"Compare the TTL and IP ID of that FIN with those of the other segments from its address, and capture closer to that host. The side that sent the RST did nothing wrong."
	case kind == missed:
		return "The path lost what the sender of the data had sent, and sent again. The other side closed without having received it, before something arrived again.",
			"Look for loss on the path from the sender of the data. Timeouts of the applications are not the reason."
	case c.firstRequest() && kind != reuse:
		return "The server had closed before it read anything, and the first request crossed its FIN, or came after it. If it closes as soon as it has accepted, something may accept " +
				"on behalf of an application that is not there or does not want the connection: a proxy without a healthy backend, an access list by address, a connection limit.",
			"Check the log of the process that listens there, at this time; if it is a proxy, look at its backend. If it closes after a timeout, let the client connect only when it has something to send."
	case kind == reuse:
		return "The server had closed, and its client sent more in that connection, though its host had received the FIN: its application had not read the end of the stream, or sent all the same.",
			"Let the client check for the end of the stream before it uses a connection again, close idle connections sooner than the server does, and repeat requests that are safe to repeat."
	case kind == farewell && c.sender.fin.Pause > 0 && max(c.sender.fin.Pause, time.Duration(c.idle())) >= minLate && !c.peer.finSent():
		return "The sender of the RST had closed its socket completely, and its peer sent a few bytes long after it had acknowledged the FIN. The peer had sent no FIN before the RST. Either its application goes on " +
				"without having read the end of the stream, or these are its last bytes, to end the session when it closed at last (a close_notify of TLS, a QUIT).",
			"No action needed, unless one of the two applications reports an error. If the bytes are no end of a session, let their sender read, and close when the stream ends."
	case kind == farewell:
		return "The sender of the RST had closed its socket completely, and nobody reads the few bytes that its peer still sent. So few often end a session: TLS asks for a " +
				"close_notify in answer to another (RFC 5246 7.2.1), and SMTP has a reply to QUIT. A short request or answer, the beginning of one, or an acknowledgment of HTTP/2 (SETTINGS, PING) looks the same.",
			"No action needed, unless one of the two applications reports an error."
	case kind != crossing || !c.request():
		return "The sender of the RST had closed its socket completely, and nobody reads what its peer still sent. Its application gave up or wanted no more, or its process ended. " +
				"Its peer may send after a FIN (half-close, RFC 9293 3.6), and did nothing wrong.",
			"No action needed if the application did not want that. If it did, let it shut down only its sending side (SHUT_WR), and read to the end of file before it closes."
	case !c.keepAlive():
		return "The server closed its socket completely while its client was sending: within a request that it did not read to the end, or between two. " +
				"The RST that answers what came then may also take away from the client what that had not read (RFC 9112 9.6).",
			"Look in the log of the server for why it closed. Let it read what is on its way before it closes, or shut down only its sending side first, and let the client repeat requests that are safe to repeat."
	}
	return "", ""
}

// dataAfterCloseSentence says what the RST answers, and what its peer knew.
func (c *resetCase) dataAfterCloseSentence() string {
	closed := " had closed and its socket was gone"
	if !c.bare() { // a socket may have taken what came first (RFC 9293 3.6.1)
		closed = " had closed"
	}
	unread := fmt.Sprintf(" Nobody reads %s that %s had sent.", inBytes(c.lost()), c.peer.name)
	m := fmt.Sprintf("%s%s: it answered %s from %s with a RST (frame %d).",
		c.sender.name, closed, inBytes(c.lost()), c.peer.name, c.rst.Frame)
	if n := c.lost() - c.beyond(); !c.bare() && n > 0 && n < c.lost() {
		m += fmt.Sprintf(" The RST acknowledges the first %d of them.", n)
	}
	switch {
	case c.before.n > 0:
		m = fmt.Sprintf("%s%s: it answered what came from %s with %d RSTs (frames %d to %d).",
			c.sender.name, closed, c.peer.name, c.before.n+1, c.before.first.Frame, c.rst.Frame) + unread
	case c.dataBeforeFIN():
		m += fmt.Sprintf(" It came %s after the FIN (frame %d), too soon to answer that: the handshake took %s.",
			detectors.Span(c.rst.At-c.peer.last.At), c.peer.last.Frame, detectors.Span(int64(c.handshakeRTT)))
	case c.peer.last.Len == 0 && c.replies() && !c.oneOf():
		m = fmt.Sprintf("%s%s: it answered %s with a RST (frame %d).", c.sender.name, closed, c.answered(), c.rst.Frame) + unread
	case c.peer.last.Len == 0 && c.bare(): // which of several it answers, its number does not say
		m = fmt.Sprintf("%s%s: it answered what came from %s with a RST (frame %d).", c.sender.name, closed, c.peer.name, c.rst.Frame) + unread
	}
	if n := c.otherRSTs.n; n > 0 {
		m += fmt.Sprintf(" %s came with TTL %d, where that has %d: probably from another device.", detectors.Counted(uint32(n), "more RST", "more RSTs"), c.otherRSTs.first.TTL, c.rst.TTL)
	}
	if n := c.resets[c.side] - 1 - c.otherRSTs.n; n > 0 {
		while := ""
		if c.later > 0 {
			while = fmt.Sprintf(", while another %s came", inBytes(c.later))
		}
		m += fmt.Sprintf(" It sent %s after that%s.", detectors.Counted(uint32(n), "more RST", "more RSTs"), while)
	}
	_, known := c.knewFIN()
	peer := c.peer.name.String()
	if c.peer.relayed {
		peer += ", or what acknowledges for it,"
	}
	switch kind := c.lateData(); {
	case c.deceivedToo():
		m += fmt.Sprintf(" It had acknowledged a FIN with the address of %s, and that sends beyond it all the same, as no host does after its own FIN.", c.peer.name)
	case kind == missed:
		m += fmt.Sprintf(" That data did not cross the FIN: %s had sent it, and sent it again, a retransmission timeout before the FIN or longer, and neither the FIN nor anything since acknowledges it. "+
			"The path lost it, and %s closed without it.", c.peer.name, c.sender.name)
	case kind == reuse:
		m += fmt.Sprintf(" %s had received the FIN and sent data anyway.", peer)
	case c.answersBefore():
		by := "its number, the RST answers"
		if c.before.n > 0 {
			by = "its number, the first of them answers"
		}
		m += fmt.Sprintf(" By %s what %s had sent before it received the FIN. Data came after that, too: it may still send (RFC 9293 3.6).", by, peer)
	case known && !c.sender.fin.Used && c.peer.last.Len > 0 && c.peer.last.Ack.After(c.sender.fin.Seq):
		m += fmt.Sprintf(" %s had first sent that before it had received the FIN, and has sent it again since (frame %d).", c.peer.name, c.peer.last.Frame)
	case known && !c.sender.fin.Used:
		m += fmt.Sprintf(" %s had not received the FIN when it sent that, and could not have known.", c.peer.name)
	case !known:
	case kind == answer && c.fromClient():
		m += fmt.Sprintf(" It had sent its FIN before anything answered its last data. %s had received the FIN, and may still send (RFC 9293 3.6).", peer)
	case kind == rest && c.fromServer() && !c.longClosed():
		m += fmt.Sprintf(" %s had received the FIN, but only just, and may still send (RFC 9293 3.6).", peer)
	default:
		m += fmt.Sprintf(" %s had received the FIN, and may still send (RFC 9293 3.6).", peer)
	}
	return m
}

// forgot reports whether a host whose FIN was acknowledged long before, or just so, answers what its peer sent last, a FIN or an ACK of no data that
// is lost, as a host without the connection does: it did not wait in FIN_WAIT_2, or no longer. It aborts nothing.
func (c *resetCase) forgot() bool {
	return c.bare() && c.replies() && c.sender.phase == fsm.PhaseFinAcked && c.peer.finSent() && c.lost() == 0
}

// forgotAsFarAway reports whether that answer has another TTL than all from the host before, but has passed as many routers: a front end whose
// members, or whose kernel and own TCP, begin with another TTL. A device on the path would have to be as far away.
func (c *resetCase) forgotAsFarAway() bool {
	return c.forgot() && c.rst.Window == 0 && c.otherTTL() && !c.early() && !c.copiesID() && !c.peersID() && !fsm.Unrouted(c.rst.TTL) && fsm.SameHops(c.sender.last.TTL, c.rst.TTL)
}

// refusesFIN reports whether the RST, alone, answers the FIN of its peer as a host without the connection does, and no sooner than from that
// host, whatever its TTL: another member of the service, or its front end, has the same right to it, and nobody has to end what is over.
func (c *resetCase) refusesFIN() bool {
	return c.bare() && c.rst.Window == 0 && c.answers() && c.peer.last.Flags.Has(reassembly.FIN) && !c.sender.finSent() && c.over() && c.more == 0 &&
		c.tooSoon() == "" && !c.peersID()
}

// unasked reports whether both sides had closed, and the RST is a socket's, which had acknowledged everything in a segment before it: it
// answers nothing.
func (c *resetCase) unasked() bool {
	own := &c.sender.last
	return c.closed() && !c.bare() && c.inPlace() && c.spokeSince() && own.Flags.Has(reassembly.ACK) && !own.Ack.Before(c.peer.stream.Nxt) && !c.unlikeLast() && c.continued.At == 0
}
