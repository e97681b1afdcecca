package resets

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/services"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What the RST cost: payload that nobody acknowledged, or read.

// excess is by how many bytes the peer's last segment, data and no probe, ends beyond
// every window that the sender was seen to offer.
func (c *resetCase) excess() uint32 {
	in, last := &c.peer.stream, &c.peer.last
	end := last.Seq + reassembly.Seq(last.Len)
	probed := c.sender.window.Shut && c.sender.last.At <= last.At
	if last.Len == 0 || c.peer.probe || probed || !c.sender.scaleKnown || c.sender.window.Shrunk || !in.Knows(reassembly.KnowEdge) ||
		in.Edge.To(end) < max(2, int32(1)<<c.sender.scale) {
		return 0
	}
	return uint32(end - in.Edge)
}

// unacked is how many bytes of the side's payload nothing has acknowledged; by, if not
// nil, is a segment of the peer that may do so as well.
func (e *end) unacked(by *reassembly.Mark) uint32 {
	una, nxt := e.stream.ISS+1, e.stream.Nxt
	if e.stream.Knows(reassembly.KnowUna) {
		una = e.stream.Una
	}
	if by != nil && by.Flags.Has(reassembly.ACK) && by.Ack.After(una) && by.Ack.AtOrBefore(nxt) {
		una = by.Ack
	}
	if e.last.Flags.Has(reassembly.SYN | reassembly.FIN) { // no TCP sends that
		return e.last.Len
	}
	if e.finSent() && e.last.Flags.Has(reassembly.FIN) && e.last.End() == nxt && nxt != e.fin.Seq+1 { // some stacks number a second FIN anew
		nxt--
	}
	if e.finSent() && nxt == e.fin.Seq+1 {
		nxt--
	}
	if !e.stream.Knows(reassembly.KnowNxt) || !una.Before(nxt) {
		return 0
	}
	return uint32(nxt - una)
}

// wrote is how many bytes of payload the side has sent by its sequence numbers.
func (e *end) wrote() uint32 {
	nxt := e.stream.Nxt
	if e.finSent() && nxt == e.fin.Seq+1 {
		nxt--
	}
	if !e.stream.Knows(reassembly.KnowNxt) || !e.stream.ISS.Before(nxt) {
		return 0
	}
	return uint32(nxt - e.stream.ISS - 1)
}

// lost is how many bytes of the peer's payload the sender had not acknowledged.
func (c *resetCase) lost() uint32 { return c.peer.unacked(nil) }

// beyond is how many of these the RST does not acknowledge either.
func (c *resetCase) beyond() uint32 { return c.peer.unacked(&c.rst) }

// inFlight is how much payload of both sides nothing has acknowledged, not even the RST.
func (c *resetCase) inFlight() uint32 { return c.beyond() + c.missing }

// mayOverrun reports whether the RST without ACK answers data that may lie beyond the window, as far as a
// window is known whose scale is not: a firewall that follows windows may have sent it.
func (c *resetCase) mayOverrun() bool {
	in, last := &c.peer.stream, &c.peer.last
	return c.bare() && !c.sender.scaleKnown && last.Len > 0 && !c.peer.probe && in.Knows(reassembly.KnowEdge) && in.Edge.Before(last.Seq+reassembly.Seq(last.Len)) &&
		c.prompt(last, &c.rst) && detectors.Answers(&c.rst, last)
}

// windowsCompare reports whether the side's windows are all in the same unit: where the scale is
// not known, that of its SYN is in another (RFC 7323 2.2).
func (e *end) windowsCompare() bool { return e.scaleKnown || !e.synSeen }

// windowFall is by how many bytes the sender's window lies below the largest that it
// offered.
func (c *resetCase) windowFall() uint32 {
	in := &c.peer.stream
	if !in.Knows(reassembly.KnowEdge | reassembly.KnowUna) {
		return 0
	}
	window := uint32(max(in.Una.To(in.Edge), 0))
	return max(c.sender.window.Max, window) - window
}

// minWindowFall is how far a window must have fallen before it shows unread data: a
// receiver may hold it back by a segment or two for other reasons (RFC 9293 3.8.6.2.2).
const minWindowFall = 2 * 1460

// windowBack reports whether the RST offers a larger window again than the sender's last segment, by less than
// twice: the application may have read in between, and for so little, Linux sends no update (tcp_cleanup_rbuf). It clears the
// buffer before it sends the RST (tcp_close), so that a larger window alone shows nothing.
func (c *resetCase) windowBack() bool {
	last := c.sender.last.Window
	return !c.bare() && c.rst.Window > last && uint32(c.rst.Window) < 2*uint32(last)
}

// windowFell reports whether the sender's window has fallen so far that data must lie
// in it, and by no more than there was data. One that was taken back shows nothing: relays and small stacks size theirs by other things.
func (c *resetCase) windowFell() bool {
	if c.windowBack() || c.sender.window.Shrunk {
		return false
	}
	fall, step := c.windowFall(), uint32(1)<<c.sender.scale
	return c.sender.windowsCompare() && fall >= max(2*step, minWindowFall) && uint64(fall) <= c.peer.bytes
}

// longEnough is after how long, in nanoseconds, a request that was acknowledged is not said to be unread: whoever ends a connection
// after that, when nothing was sent, may have nothing to answer (a chat), or has given up what it waited for.
const longEnough = int64(60 * time.Second)

// unread reports whether the sender's application had not read all that the peer sent:
// its window shows it, or that data was in flight, or a request went unanswered.
func (c *resetCase) unread() bool {
	if c.peer.bytes == 0 || c.gaveUp() {
		return false
	}
	own, last := &c.sender.last, &c.peer.last
	said := last.Len > 0 || last.Flags.Has(reassembly.FIN) && c.lost() > 0 && c.beyond() == 0 && !c.sender.finSent() // with the FIN right behind it
	behind := own.Flags.Has(reassembly.FIN) && own.Seq.After(last.Ack)                                               // its FIN, behind data that the peer had not received
	unanswered := said && !c.peer.probe && (own.At <= last.At || own.Len == 0 && !behind)
	switch {
	case c.windowFell():
		return true
	case !unanswered, c.untaken(), c.crossedData(), c.oneWay(), c.lost() == 0 && c.rst.At-last.At >= longEnough:
		return false
	case c.lost() > 0 || c.fromServer():
		return true
	case c.fromClient():
		return c.sender.bytes == 0
	}
	return !c.seemsClient() && c.rst.At-last.At <= int64(c.rtt) // a client reads, and need not answer
}

// longestDelay is how long, in nanoseconds, a receiver may hold back an ACK (RFC 9293 3.8.6.3).
const longestDelay = int64(500 * time.Millisecond)

// untaken reports whether data of the peer never reached the sender's socket: for longer than a path and a delayed ACK take,
// and through retransmissions, nothing has acknowledged it, and the RST does not either. What lies unread is acknowledged.
func (c *resetCase) untaken() bool {
	last, own := &c.peer.last, &c.sender.last
	wait := max(int64(4*c.rtt), longestDelay)
	return !c.bare() && c.beyond() > 0 && last.Len > 0 && c.rst.At-own.At > wait && (c.tries >= 2 || c.rst.At-last.At > wait)
}

// oneWay reports whether the sender never sends any payload, though it has read what the peer sent before: that is
// more than ever fitted into its window. Then nothing that it leaves unanswered shows that it is unread.
func (c *resetCase) oneWay() bool {
	return c.sender.wrote() == 0 && c.sender.synSeen && c.peer.synSeen && c.lost() == 0 && c.peer.wrote() > c.sender.window.Max
}

// onlyProbed reports whether all payload of the peer seems to be the byte of a keep-alive, as Windows sends it: PSH
// ends what an application writes.
func (c *resetCase) onlyProbed() bool {
	last := &c.peer.last
	return c.peer.bytes == 1 && last.Len == 1 && !last.Flags.Has(reassembly.PSH)
}

// unreadBytes is how much of the peer's payload the sender's application had not read, or
// may not have read.
func (c *resetCase) unreadBytes() uint32 {
	switch beyond := c.beyond(); {
	case c.windowFell():
		return c.windowFall() + beyond
	case beyond > 0:
		return beyond
	case c.lost() > 0:
		return c.lost()
	case c.sender.wrote() == 0 && c.sender.synSeen && c.peer.synSeen && c.peer.wrote() <= c.sender.window.Max: // it never answered anything; more than a window's worth it has read
		return c.peer.wrote()
	}
	return c.peer.last.Len
}

// unbound reports whether the RST ends an LDAP session: the client's last data is short
// enough for an unbind request (7 bytes, RFC 4511 4.3; less than minLost sealed or in
// TLS), which has no response. Windows servers answer it with RST.
func (c *resetCase) unbound() bool {
	size := c.peer.last.Len
	switch {
	case !services.HasLDAP(c.sender.name.Port):
		size = c.sender.last.Len
	case size == 0 && c.peer.last.Flags.Has(reassembly.FIN): // right behind it
		size = c.lost()
	}
	return services.HasLDAP(c.sender.name.Port) != services.HasLDAP(c.peer.name.Port) && size > 0 && size < minLost
}

// shortGoodbye is how many bytes may be no more than a goodbye, such as a close_notify of TLS (RFC 8446 6.1) or QUIT, after which
// nobody reads anything; most requests take more.
const shortGoodbye = 31

// goodbye reports whether what was left unread, after the sender had said something, may be no more than that, and nothing of the
// sender's own is missing but its own close_notify, as two of these cross.
func (c *resetCase) goodbye() bool { return c.few() && !c.onlyAnswer() }

// hungUp reports whether the peer closed with no more than that, and did not wait for an answer to anything: the sender has received all of it,
// and whether it read it, nobody misses.
func (c *resetCase) hungUp() bool {
	last := &c.peer.last
	return last.Flags.Has(reassembly.FIN) && last.Len > 0 && last.Len <= shortGoodbye && c.beyond() == 0 && !c.windowFell()
}

// few reports whether no more was left unread.
func (c *resetCase) few() bool {
	return (c.unreadBytes() <= shortGoodbye || c.goesAway()) && c.sender.bytes > 0 &&
		(c.missing == 0 || services.MayBeCloseNotify(c.sender.name.Port, c.missing) || services.MayBeCloseNotify(c.peer.name.Port, c.missing))
}

// goesAway reports whether what the peer sent once it had received the sender's FIN may be a GOAWAY of HTTP/2, which has as many bytes as
// a PING (RFC 9113 6.7, 6.8).
func (c *resetCase) goesAway() bool {
	last := &c.peer.last
	return c.sender.finSent() && last.Ack == c.sender.fin.Seq+1 && c.unreadBytes() == last.Len && services.MayAcknowledge(c.sender.name.Port, last.Len)
}

// onlyAnswer reports whether a client left no more unread than that, and it is all that the server sent: what comes first after a request is its answer.
func (c *resetCase) onlyAnswer() bool {
	return c.few() && c.fromClient() && c.peer.synSeen && c.peer.wrote() == c.unreadBytes()
}

// hasAnswer reports whether a client left unread, if anything, only the last segment of its server: not full, at the end of what that wrote, and
// it acknowledges all that the client had sent. An application reads so much in microseconds, and some abort what is over (SMB of Windows).
func (c *resetCase) hasAnswer() bool {
	last := &c.peer.last
	return c.seemsClient() && !c.sender.finSent() && c.sender.bytes > 0 && c.missing == 0 && !c.windowFell() && c.beyond() == 0 && c.unreadBytes() == last.Len &&
		last.Flags.Has(reassembly.PSH) && last.Len+optionRoom < c.mss && last.Ack == c.sender.stream.Nxt
}
