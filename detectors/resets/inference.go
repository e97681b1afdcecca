package resets

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What follows from the facts.

// answerTime is how long after a segment a RST may answer it, or four round trips if
// that is longer: hosts answer at once, but paths have queues.
const answerTime = 250 * time.Millisecond

// prompt reports whether to came soon enough after from to answer it.
func (c *resetCase) prompt(from, to *reassembly.Mark) bool {
	return to.At-from.At <= int64(max(4*c.rtt, answerTime))
}

// bare reports whether the RST has no ACK.
func (c *resetCase) bare() bool { return !c.rst.Flags.Has(reassembly.ACK) }

func (c *resetCase) fromClient() bool { return c.clientKnown && c.side == c.client }
func (c *resetCase) fromServer() bool { return c.clientKnown && c.side != c.client }

// replies reports whether the RST is what a host without the connection answers to the
// peer's last segment (RFC 9293 3.10.7.1), or to one just before it.
func (c *resetCase) replies() bool {
	last := &c.peer.last
	switch {
	case last.At == 0 || last.Flags.Has(reassembly.RST) || !c.prompt(last, &c.rst) || !detectors.Answers(&c.rst, last):
		return false
	// The sender had answered it otherwise already, unless the RST is below what it
	// sent, or that was in flight.
	case last.At < c.sender.last.At && c.atNxt() && !c.crossed():
		return false
	}
	// With ACK, a RST says what has arrived; it answers what has no ACK itself, and
	// what a socket would not acknowledge so.
	return c.bare() || !last.Flags.Has(reassembly.ACK) || c.peer.probe && last.Len == 0 || c.withoutSocket()
}

// withoutSocket reports whether a RST with ACK is what lwIP and other small stacks send
// for a connection that they do not have (lwIP tcp_input: tcp_rst without a PCB): at
// exactly SEG.ACK, for exactly SEG.SEQ+SEG.LEN of data that nothing else acknowledged.
// A socket that closes with unread data sends the same numbers; but it does not take
// back window that it had offered, nor begin to count its IP IDs anew.
func (c *resetCase) withoutSocket() bool {
	last := &c.peer.last
	return !c.bare() && last.Len > 0 && last.Flags.Has(reassembly.ACK) && c.rst.Seq == last.Ack && c.rst.Ack == last.End() &&
		c.peer.stream.Knows(reassembly.KnowUna) && c.peer.stream.Una.Before(last.End()) && !c.sender.finSent() &&
		(c.otherWindow() || c.restartedIDs())
}

// otherWindow reports whether the RST advertises a window, and one that takes back what
// its sender had offered. A RST of a socket advertises none, or what is left of it.
func (c *resetCase) otherWindow() bool {
	in := &c.peer.stream
	edge := c.rst.Ack + reassembly.Seq(uint32(c.rst.Window)<<c.sender.scale)
	return !c.bare() && c.rst.Window > 0 && c.sender.scaleKnown && !c.sender.shrank && in.Knows(reassembly.KnowEdge) && edge.To(in.Edge) >= int32(1)<<c.sender.scale
}

// excess is by how many bytes the peer's last segment, data and no probe, ends beyond
// every window that the sender was seen to offer.
func (c *resetCase) excess() uint32 {
	in, last := &c.peer.stream, &c.peer.last
	end := last.Seq + reassembly.Seq(last.Len)
	probed := c.sender.shut && c.sender.last.At <= last.At
	if last.Len == 0 || c.peer.probe || probed || !c.sender.scaleKnown || c.sender.shrank || !in.Knows(reassembly.KnowEdge) ||
		in.Edge.To(end) < max(2, int32(1)<<c.sender.scale) {
		return 0
	}
	return uint32(end - in.Edge)
}

// overran reports whether the RST answers data beyond the window. A device that tracks
// windows answers at once; what the host itself acknowledges meanwhile says nothing.
func (c *resetCase) overran() bool {
	last := &c.peer.last
	return c.bare() && c.excess() > 0 && c.prompt(last, &c.rst) && detectors.Answers(&c.rst, last)
}

// early reports whether the RST came too soon after the peer's last segment to answer
// it: in less than a quarter of the time that the sender took in the handshake.
func (c *resetCase) early() bool {
	return !c.challenging && !c.old() && c.rst.At-c.peer.last.At < int64(c.handshakeRTT/4)
}

// answers reports whether the RST answers the peer's last segment.
func (c *resetCase) answers() bool { return c.replies() && !c.early() }

// oneOf reports whether the RST is the first of several, which answer several segments of
// the peer: it answers the earliest, of which only the last is known.
func (c *resetCase) oneOf() bool { return c.answers() && c.bare() && c.more > 0 }

// crossed reports whether the sender's last segment was sent before the peer's can have
// reached it, though it was captured later: it does not acknowledge that, and came
// sooner than the sender can answer, by the handshake.
func (c *resetCase) crossed() bool {
	own, last := &c.sender.last, &c.peer.last
	if last.SeqLen() > 0 && own.Flags.Has(reassembly.ACK) && last.End().AtOrBefore(own.Ack) {
		return false // it had arrived
	}
	switch gap := time.Duration(own.At - last.At); {
	case gap < c.handshakeRTT/2:
		return true
	case gap < c.handshakeRTT:
		return last.SeqLen() > 0
	}
	return false
}

// justSpoke reports whether the sender had the connection so shortly before that it has
// hardly lost it: the peer's last segment only acknowledges, at once, what it had just sent.
// The RST lies at its SND.NXT, and a socket that aborts may send it so.
func (c *resetCase) justSpoke() bool {
	return c.atNxt() && !c.peer.finSent() && c.peer.last.SeqLen() == 0 && !c.late() && c.prompt(&c.sender.last, &c.rst) && !c.noID() && c.sender.last.IPID != 0
}

// old reports whether the peer's last segment acknowledges less than the peer had
// acknowledged before: it is an old duplicate, or late.
func (c *resetCase) old() bool {
	return c.peer.last.Flags.Has(reassembly.ACK) && c.sender.stream.Below(c.peer.last.Ack)
}

// late reports whether the peer's last segment is not the prompt acknowledgment of what
// the sender had sent before it.
func (c *resetCase) late() bool {
	own, last := &c.sender.last, &c.peer.last
	return c.old() || own.Len == 0 || own.End() != last.Ack || !c.prompt(own, last)
}

// brokeSilence reports whether any silence lasted until the RST: it does not follow at
// once on a segment of the peer's.
func (c *resetCase) brokeSilence() bool {
	last := &c.peer.last
	return last.At != 0 && (last.At < c.sender.last.At || !c.prompt(last, &c.rst))
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

// wasIdle reports whether a middlebox may have forgotten the connection meanwhile.
func (c *resetCase) wasIdle() bool { return c.idle() >= int64(c.minIdle) }

// refusal reports whether the RST answers a SYN as a closed port does.
func (c *resetCase) refusal() bool {
	return c.peer.phase == fsm.PhaseOpening && c.sender.phase == fsm.PhaseIdle
}

// scanned reports whether the RST answers a segment with which no connection can begin.
// Port scans send such, and a closed port answers (RFC 9293 3.10.7.1).
func (c *resetCase) scanned() bool {
	return c.answers() && !c.peer.last.Flags.Any(reassembly.SYN|reassembly.ACK)
}

// continues reports whether the sender continued as if it had sent no RST. Of a
// refusal, the peer decides whether it is accepted.
func (c *resetCase) continues() bool {
	if c.refusal() {
		return c.survived && !c.synAgain
	}
	return c.continued.At != 0
}

// acceptedLater reports whether a SYN was refused, and the next one accepted.
func (c *resetCase) acceptedLater() bool { return c.refusal() && c.survived && c.synAgain }

// restarts reports whether what continues may be a new connection, which a server
// accepts by a SYN cookie (RFC 4987 3.6). Any segment of the client that acknowledges
// the SYN-ACK makes Linux do so, also one that was in flight when the server reset the
// connection. It begins with an ACK right behind the SYN-ACK, of more than had arrived
// before the RST, or of less.
func (c *resetCase) restarts() bool {
	m := &c.continued
	return m.At != 0 && c.fromServer() && m.SeqLen() == 0 && m.Seq == c.sender.stream.ISS+1 && !c.bare() && m.Ack != c.rst.Ack
}

// closed reports whether both sides' FINs are acknowledged.
func (c *resetCase) closed() bool {
	return c.sender.phase == fsm.PhaseFinAcked && c.peer.phase == fsm.PhaseFinAcked
}

// halfCaptured reports whether one side's part of what came before was not captured.
func (c *resetCase) halfCaptured() bool { return c.peer.packets == 0 || c.sender.last.At == 0 }

// finSent reports whether the side has sent FIN.
func (e *end) finSent() bool { return e.phase >= fsm.PhaseFinSent }

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
	if e.finSent() && nxt == e.fin+1 {
		nxt--
	}
	if !e.stream.Knows(reassembly.KnowNxt) || !una.Before(nxt) {
		return 0
	}
	return uint32(nxt - una)
}

// lost is how many bytes of the peer's payload the sender had not acknowledged.
func (c *resetCase) lost() uint32 { return c.peer.unacked(nil) }

// beyond is how many of these the RST does not acknowledge either.
func (c *resetCase) beyond() uint32 { return c.peer.unacked(&c.rst) }

// inFlight is how much payload of both sides nothing has acknowledged, not even the RST.
func (c *resetCase) inFlight() uint32 { return c.beyond() + c.missing }

// knewFIN reports whether the peer had received the sender's FIN when it sent data for
// the first time. known is false if data of it was not captured: its ACK may have said so.
func (c *resetCase) knewFIN() (knew, known bool) {
	in := &c.peer.stream
	return c.peer.wroteAfterFIN, c.peer.wroteAfterFIN || !in.Knows(reassembly.KnowUna) || !in.Skipped(in.Una)
}

// ackUnseen reports whether the last of the sender's that was acknowledged was not
// captured: nobody knows whether it was sent.
func (c *resetCase) ackUnseen() bool {
	out := &c.sender.stream
	return out.Knows(reassembly.KnowUna) && out.Skipped(out.Una-1)
}

// onlyAcks reports whether nothing of the sender was captured but acknowledgments: all
// that it sent, a FIN perhaps, was acknowledged before the capture began.
func (c *resetCase) onlyAcks() bool {
	return !c.sender.finSent() && !c.sender.synSeen && c.sender.bytes == 0
}

// finMissed reports whether the last that the sender sent may have been its FIN: it was
// acknowledged, and not captured.
func (c *resetCase) finMissed() bool {
	return !c.sender.finSent() && c.sender.stream.Skipped(c.sender.stream.Nxt-1)
}

// finHeld reports whether the sender sent no FIN, and could not have, for all that is
// known: the peer's window is zero, or has less than a segment left. A window whose
// scale was not seen is larger than it looks, if anything.
func (c *resetCase) finHeld() bool {
	out := &c.sender.stream
	full := out.InFlight() > 0 && out.Knows(reassembly.KnowEdge) && out.Nxt.To(out.Edge) < int32(c.mss)
	return !c.sender.finSent() && (c.peer.shut || full)
}

// atNxt reports whether the RST lies at the sender's SND.NXT.
func (c *resetCase) atNxt() bool { return c.rst.Seq == c.sender.stream.Nxt }

// inPlace reports whether a RST with ACK is one that a socket sends: at SND.NXT, for
// what it has received.
func (c *resetCase) inPlace() bool {
	return (c.atNxt() || c.sender.unacked(nil) > 0) && !c.inWindow && c.sender.last.At != 0
}

// justAccepted reports whether the sender has only just sent its SYN-ACK, and nothing
// else.
func (c *resetCase) justAccepted() bool {
	return c.fromServer() && c.sender.bytes == 0 && !c.sender.finSent() && c.sender.last.Flags.Has(reassembly.SYN) &&
		c.idle() < int64(time.Second) && c.peer.packets <= 4 && !c.peer.last.Flags.Has(reassembly.FIN)
}

// gaveUp reports whether the peer had not answered what the sender sent.
func (c *resetCase) gaveUp() bool {
	return c.sender.last.At > c.peer.last.At && (c.retries >= 2 || c.sender.probe)
}

// windowFall is by how many bytes the sender's window lies below the largest that it
// offered.
func (c *resetCase) windowFall() uint32 {
	in := &c.peer.stream
	if !in.Knows(reassembly.KnowEdge | reassembly.KnowUna) {
		return 0
	}
	window := uint32(max(in.Una.To(in.Edge), 0))
	return max(c.sender.maxWindow, window) - window
}

// minWindowFall is how far a window must have fallen before it shows unread data: a
// receiver may hold it back by a segment or two for other reasons (RFC 9293 3.8.6.2.2).
const minWindowFall = 2 * 1460

// windowFell reports whether the sender's window has fallen so far that data must lie
// in it, and by no more than there was data.
func (c *resetCase) windowFell() bool {
	fall, step := c.windowFall(), uint32(1)<<c.sender.scale
	return fall >= max(2*step, minWindowFall) && uint64(fall) <= c.peer.bytes
}

// unread reports whether the sender's application had not read all that the peer sent:
// its window shows it, or that data was in flight, or a request went unanswered.
func (c *resetCase) unread() bool {
	if c.peer.bytes == 0 || c.gaveUp() {
		return false
	}
	own, last := &c.sender.last, &c.peer.last
	unanswered := last.Len > 0 && !c.peer.probe && (own.At <= last.At || own.Len == 0)
	switch {
	case c.windowFell():
		return true
	case !unanswered:
		return false
	case c.lost() > 0 || c.fromServer():
		return true
	case c.fromClient():
		return c.sender.bytes == 0
	}
	return c.rst.At-last.At <= int64(c.rtt)
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
	}
	return c.peer.last.Len
}

// unbound reports whether the RST ends an LDAP session: the client's last data is short
// enough for an unbind request (7 bytes, RFC 4511 4.3; less than minLost sealed or in
// TLS), which has no response. Windows servers answer it with RST.
func (c *resetCase) unbound() bool {
	client := &c.peer
	if !servesLDAP(c.sender.name.Port) {
		client = &c.sender
	}
	return servesLDAP(c.sender.name.Port) != servesLDAP(c.peer.name.Port) && client.last.Len > 0 && client.last.Len < minLost
}

// servesLDAP reports whether LDAP, or a global catalog of Active Directory, has the port,
// in the clear or in TLS.
func servesLDAP(port uint16) bool { return port == 389 || port == 636 || port == 3268 || port == 3269 }

// otherTTL reports whether the RST has another TTL than everything else of the sender.
func (c *resetCase) otherTTL() bool { return c.sender.habits.OtherTTL(&c.sender.last, &c.rst) }

// otherDevice reports whether a RST that ends a silence comes from another device than the
// sender's last segment, though not all before had one TTL: a load balancer that answers
// SYNs itself speaks in its name, too. The RST advertises a window, and not the socket's.
func (c *resetCase) otherDevice() bool {
	last := &c.sender.last
	return c.brokeSilence() && c.rst.Window != 0 && c.rst.Window != last.Window && fsm.Habits{}.OtherTTL(last, &c.rst)
}

// otherID reports whether the sender counts its IP IDs, and that of the RST is not next.
func (c *resetCase) otherID() bool { return c.sender.habits.OtherID(&c.sender.last, &c.rst) }

// ownWindow reports whether the RST has all that a socket would give it: besides SEQ and
// ACK, the window that the sender had offered. Who forges a RST has no use for that, and
// leaves it 0; a load balancer that ends an idle connection has it.
func (c *resetCase) ownWindow() bool {
	last := &c.sender.last
	return !c.bare() && c.atNxt() && c.rst.Ack == last.Ack && c.rst.Window == last.Window && c.rst.Window != 0
}

// minQuiet is the least silence after which a RST that has all of a socket may be a load
// balancer's, in nanoseconds. None of note is set to less.
const minQuiet = int64(10 * time.Second)

// foreign reports whether the RST is not marked as the sender marks its packets, and
// nothing else speaks for the sender.
func (c *resetCase) foreign() bool {
	switch {
	case c.otherTTL():
		return !c.ownWindow() || !c.brokeSilence() || c.idle() < minQuiet
	case c.otherID():
		return !c.ownWindow() && !c.answers()
	}
	return false
}

// noID reports whether the sender counts its IP IDs, and the RST has none. Linux
// answers so for sockets that are gone; but no socket sends such a RST.
func (c *resetCase) noID() bool {
	return c.sender.last.At != 0 && c.sender.habits.CountsIDs && c.rst.IPID == 0
}

// firstIDs is how many packets a host that was restarted may have sent before the RST,
// and maxStep how far the IP ID of one that was not restarted moves on.
const (
	firstIDs = 64
	maxStep  = 4096
)

// restartedIDs reports whether the sender counts its IP IDs, and has begun anew.
func (c *resetCase) restartedIDs() bool {
	return c.sender.habits.CountsIDs && c.rst.IPID < firstIDs && c.rst.IPID-c.sender.last.IPID > maxStep
}

// idNear is how far the IP ID of a RST may lie behind that of the peer's last packet if
// it was made of one of the peer's.
const idNear = 64

// peersID reports whether the RST has the IP ID of one of the peer's last packets, which
// the peer counts: it was made of that packet.
func (c *resetCase) peersID() bool {
	return c.otherID() && c.peer.habits.CountsIDs && c.peer.last.IPID-c.rst.IPID <= idNear
}
