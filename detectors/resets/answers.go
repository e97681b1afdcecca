package resets

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What the RST answers.

// answerTime is how long after a segment a RST may answer it, or four round trips if
// that is longer: hosts answer at once, but paths have queues.
const answerTime = 250 * time.Millisecond

// lateAnswer is how long, in nanoseconds, a segment that a RST without ACK answers may have been held up:
// mobile networks buffer for seconds, and three are what a host waits before it has measured anything (RFC 1122 4.2.3.1).
const lateAnswer = int64(3 * time.Second)

// prompt reports whether to came soon enough after from to answer it.
func (c *resetCase) prompt(from, to *reassembly.Mark) bool {
	return to.At-from.At <= int64(max(4*c.rtt, answerTime))
}

// bare reports whether the RST has no ACK.
func (c *resetCase) bare() bool { return !c.rst.Flags.Has(reassembly.ACK) }

// replies reports whether the RST is what a host without the connection answers to the
// peer's last segment (RFC 9293 3.10.7.1), or to one just before it.
func (c *resetCase) replies() bool {
	last := &c.peer.last
	switch {
	case last.At == 0 || last.Flags.Has(reassembly.RST) || !c.inTime() || !detectors.Answers(&c.rst, last) && !c.withoutSocket():
		return false
	// The sender had answered it otherwise already, unless the RST is below what it
	// sent, or that was in flight.
	case c.spokeSince() && c.atNxt() && !c.crossed() && !c.synAgainUnderway():
		return false
	}
	// With ACK, a RST says what has arrived; it answers what has no ACK itself, and
	// what a socket would not acknowledge so.
	return c.bare() || !last.Flags.Has(reassembly.ACK) || c.peer.probe && last.Len == 0 || c.withoutSocket()
}

// inTime reports whether the RST comes soon enough after the peer's last segment to answer it. A RST without ACK answers something:
// right after a probe of an idle connection there is nothing else, nor after a FIN that comes to a side which had closed itself, however
// long the path holds either up.
func (c *resetCase) inTime() bool {
	last := &c.peer.last
	alone := c.peer.probe || c.sender.finSent() && last.Flags.Has(reassembly.FIN) && last.Len == 0 && last.End() == c.peer.stream.Nxt
	return c.prompt(last, &c.rst) || c.bare() && alone && c.rst.At-last.At <= lateAnswer
}

// spokeSince reports whether the sender sent something after the peer's last segment, or acknowledged it in the same
// tick of a coarse clock.
func (c *resetCase) spokeSince() bool {
	last, own := &c.peer.last, &c.sender.last
	return last.At < own.At || last.At == own.At && last.SeqLen() > 0 && own.Flags.Has(reassembly.ACK) && last.End().AtOrBefore(own.Ack)
}

// overran reports whether the RST answers data beyond the window. A device that tracks
// windows answers at once; what the host itself acknowledges meanwhile says nothing. Once it has closed, it may have no socket to answer otherwise.
func (c *resetCase) overran() bool {
	last := &c.peer.last
	return c.bare() && !c.sender.finSent() && c.excess() > 0 && (c.prompt(last, &c.rst) || c.madeOf) && detectors.Answers(&c.rst, last)
}

// drawnBy notes that the RST answers the peer's last segment where that lies beyond the window, so far
// that it does not count as the peer's own otherwise; or is a SYN-ACK, after something that did not fit it.
func (c *resetCase) drawnBy(out *reassembly.Mark) {
	if out.At == 0 || out.At < c.peer.last.At {
		return
	}
	last, probe := c.peer.last, c.peer.probe
	if c.peer.last, c.peer.probe = *out, false; !c.overran() && !c.silentSince() {
		c.peer.last, c.peer.probe = last, probe
	}
}

// hostTime is how long a host itself may take to answer. A handshake that took no longer says nothing about how far away it is.
const hostTime = 200 * time.Microsecond

// early reports whether the RST came too soon after the peer's last segment to answer
// it: in less than a quarter of the time that the sender took in the handshake.
func (c *resetCase) early() bool {
	return !c.challenging && !c.old() && c.handshakeRTT > hostTime && c.rst.At-c.peer.last.At < int64(c.handshakeRTT/4)
}

// answers reports whether the RST answers the peer's last segment.
func (c *resetCase) answers() bool { return c.replies() && !c.early() }

// answersLate reports whether the RST has no IP ID, and the number that data of the peer acknowledges which nothing else
// has answered: the path held that up for longer than usual, or the RST.
func (c *resetCase) answersLate() bool {
	last := &c.peer.last
	return c.bare() && c.noID() && !c.inWindow && !c.halfCaptured() && last.Len > 0 && c.lost() > 0 && detectors.Answers(&c.rst, last)
}

// unansweredData reports whether the RST, without ACK, has the number that would acknowledge data which nothing has answered for a round trip:
// of its peer, only a SYN-ACK was captured. If the capture lacks what else the peer sent, the RST answers that.
func (c *resetCase) unansweredData() bool {
	return c.bare() && c.atNxt() && c.missing > 0 && c.peer.bytes == 0 && c.peer.last.Flags.Has(reassembly.SYN|reassembly.ACK) && !c.gaveUp() &&
		time.Duration(c.rst.At-c.sender.last.At) >= c.rtt
}

// sole reports whether the RST can answer no other segment than the peer's last: there is no other, or it acknowledges
// just that, or nothing had been sent for longer than a path holds a segment up.
func (c *resetCase) sole() bool {
	last := &c.peer.last
	quiet := !c.brokeSilence() && c.idle() > max(lateAnswer, int64(4*c.rtt))
	return c.peer.packets == 1 || !c.bare() && last.SeqLen() > 0 && c.rst.Ack == last.End() || quiet
}

// amongOthers reports whether the RST, without ACK, has the number that all data in flight acknowledges, of which the peer's last segment is
// only a part: it may answer any of that, up to a round trip or more before.
func (c *resetCase) amongOthers() bool {
	last := &c.peer.last
	return c.bare() && last.Len > 0 && c.lost() > last.Len && detectors.Answers(&c.rst, last)
}

// oneOf reports whether the RST is the first of several, which answer several segments of
// the peer: it answers the earliest, of which only the last is known. With ACK, it says so.
func (c *resetCase) oneOf() bool {
	return c.answers() && c.peer.packets > 1 && (c.bare() && c.more > 0 || !c.bare() && !detectors.Answers(&c.rst, &c.peer.last))
}

// oneForSeveral reports whether the RST may as well answer data right before the peer's FIN:
// both came after the sender's FIN, and a RST without ACK has the number of either.
func (c *resetCase) oneForSeveral() bool {
	last := &c.peer.last
	return c.answers() && c.bare() && c.more == 0 && last.Flags.Has(reassembly.FIN) && last.Len == 0 && c.secondFIN() == 0 &&
		c.sender.fin.Used && c.lost() > 0 && c.recent > 0
}

// minSooner is by how much sooner than a round trip a RST must come to answer something before:
// queues and hosts vary by less than that, or by a sixteenth on long paths.
const minSooner = 2 * time.Millisecond

// dataBeforeFIN reports whether such a RST answers the data: it came sooner after the FIN than
// the handshake took, and than data is acknowledged.
func (c *resetCase) dataBeforeFIN() bool { return c.oneForSeveral() && c.sooner(&c.peer.last) }

// sooner reports whether the RST came sooner after the segment than its sender has ever answered.
func (c *resetCase) sooner(m *reassembly.Mark) bool {
	least := c.handshakeRTT
	if c.peer.srtt > 0 {
		least = min(least, c.peer.srtt)
	}
	return time.Duration(c.rst.At-m.At) < least-max(minSooner, least/16)
}

// oneOfEqual reports whether the RST came too soon to answer the peer's last segment: it answers one before that which acknowledges as
// much, and has the number of either. There is none if the sender had only just sent what they acknowledge; a challenge ACK has none like it.
func (c *resetCase) oneOfEqual() bool {
	own, last := &c.sender.last, &c.peer.last
	just := own.SeqLen() > 0 && own.End() == last.Ack && c.sooner(own)
	nearer := c.continued.At != 0 || c.unlikeLast() // a device before the sender
	return c.bare() && !c.challenging && c.replies() && (c.tries > 0 || !c.sole() && !just && !nearer) && c.sooner(last)
}

// crossedFIN reports whether the RST does not acknowledge the peer's FIN: it was sent before that came.
func (c *resetCase) crossedFIN() bool { return !c.bare() && c.rst.Ack == c.peer.fin.Seq }

// synAgainUnderway reports whether the peer's last segment is its SYN, sent again. What the
// sender has answered meanwhile may be the first one (random kernel case 1171).
func (c *resetCase) synAgainUnderway() bool {
	return c.peer.last.Flags.Has(reassembly.SYN) && c.peer.packets > 1
}

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
	case gap < c.handshakeRTT: // no socket has sent a RST without IP ID, so it answers something (random kernel case 310854)
		return last.SeqLen() > 0 || c.noID() && c.onTime()
	}
	return false
}

// onTime reports whether the RST came as long after the peer's last segment as the sender took
// to answer in the handshake, give or take an eighth.
func (c *resetCase) onTime() bool {
	took, usual := time.Duration(c.rst.At-c.peer.last.At), c.handshakeRTT
	return took >= usual-usual/8 && took <= usual+usual/8
}

// crossedACK reports whether the RST was sent before the peer's last segment, an ACK of all
// that the sender had sent, can have reached it, by the handshake, or if that was not captured, by how long it has taken to acknowledge data.
func (c *resetCase) crossedACK() bool {
	last, least := &c.peer.last, c.handshakeRTT
	if least == 0 {
		least = c.peer.srtt / 4
	}
	return last.SeqLen() == 0 && last.Ack == c.sender.stream.Nxt && c.rst.At-last.At < int64(least)
}

// askedAgain reports whether the RST answers a SYN-ACK, however late, of a client that has
// meanwhile sent a SYN of another connection from the same port.
func (c *resetCase) askedAgain() bool {
	last := &c.peer.last
	return c.states[c.side] == fsm.Closed && c.sender.last.Flags.Has(reassembly.SYN) && last.Flags.Has(reassembly.SYN|reassembly.ACK) && detectors.Answers(&c.rst, last)
}

// silentSince reports whether the RST has the number of a SYN-ACK, however late, to which the client has said nothing else.
func (c *resetCase) silentSince() bool {
	own, last := &c.sender.last, &c.peer.last
	return c.fromClient() && c.bare() && c.sender.bytes == 0 && last.Flags.Has(reassembly.SYN|reassembly.ACK) && own.At < last.At && detectors.Answers(&c.rst, last) && c.continued.At == 0
}

// justSpoke reports whether the sender had the connection so shortly before that it has
// hardly lost it: the peer's last segment only acknowledges, at once, what it had just sent.
// The RST lies at its SND.NXT, and a socket that aborts may send it so; with an IP ID, if
// its data had one.
func (c *resetCase) justSpoke() bool {
	return c.atNxt() && !c.peer.finSent() && c.peer.last.SeqLen() == 0 && !c.late() && c.prompt(&c.sender.last, &c.rst) && c.rst.IPID != 0 && c.sender.last.IPID != 0
}

// misacks reports whether the RST answers an ACK that no SYN-ACK of the sender, which has sent nothing else, can
// have called for: it lies below that, or beyond any window.
func (c *resetCase) misacks() bool {
	const most = 1 << 20 // that the sender may have sent, and the capture missed
	own, last := &c.sender.last, &c.peer.last
	return c.bare() && c.answers() && own.Flags.Has(reassembly.SYN|reassembly.ACK) && c.sender.bytes == 0 && last.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.ACK &&
		(last.Ack.Before(own.End()) || c.peer.scaleKnown && uint32(last.Ack-own.End()) > max(2*c.peer.window.Max, most))
}

// tooLate reports whether the sender had repeated its SYN-ACK, but not again when that was due, before what the RST answers came:
// it had given up (RFC 9293 3.8.3), and the handshake ended too late. Timeouts double (RFC 6298 5.5).
func (c *resetCase) tooLate() bool {
	own, repeats := &c.sender.last, min(c.sender.packets, 12)-2 // without the first SYN-ACK and the RST
	took, since := own.At-c.first, c.peer.last.At-own.At
	return c.bare() && c.replies() && c.fromServer() && c.sender.bytes == 0 && own.Flags.Has(reassembly.SYN) && c.sender.packets > 2 &&
		took >= leastWait && since > took+took/(1<<repeats-1)+int64(time.Second) && c.idle() > since-leastWait // it was not accepted before
}

// finOnSYN reports whether the peer's last segment is a FIN with the sequence number of its SYN: no host accepts that.
func (c *resetCase) finOnSYN() bool {
	last, out := &c.peer.last, &c.peer.stream
	return last.Flags.Has(reassembly.FIN) && out.Knows(reassembly.KnowISS) && (last.End() - 1).AtOrBefore(out.ISS)
}

// answersOutOfWindow reports whether the RST answers an out-of-window ACK of the peer's so, which is the peer's last segment then.
func (c *resetCase) answersOutOfWindow(out *reassembly.Mark) bool {
	c.peer.last = *out
	return c.misacks()
}

// old reports whether the peer's last segment acknowledges less than the peer had
// acknowledged before: it is an old duplicate, or late.
func (c *resetCase) old() bool {
	return c.peer.last.Flags.Has(reassembly.ACK) && c.sender.stream.Below(c.peer.last.Ack)
}

// behindFIN reports whether both sides have sent their FINs, and the peer's last segment is an ACK that the peer had sent before its own and
// the path delivered after it: it has the FIN's number, and acknowledges less than the peer had acknowledged, or comes within a second after
// something else, as no keep-alive does.
func (c *resetCase) behindFIN() bool {
	last := &c.peer.last
	return c.sender.finSent() && c.peer.finSent() && last.SeqLen() == 0 && last.Flags&(reassembly.ACK|reassembly.RST) == reassembly.ACK &&
		last.Seq == c.peer.fin.Seq && (c.bare() || c.crossedFIN()) && (c.old() || c.idleBefore == 0) && c.prompt(last, &c.rst)
}

// late reports whether the peer's last segment is not the prompt acknowledgment of what
// the sender had sent before it.
func (c *resetCase) late() bool {
	own, last := &c.sender.last, &c.peer.last
	return c.old() || own.Len == 0 || own.End() != last.Ack || !c.prompt(own, last)
}

// refusal reports whether the RST answers a SYN as a closed port does.
func (c *resetCase) refusal() bool {
	return c.peer.phase == fsm.PhaseOpening && c.sender.phase == fsm.PhaseIdle
}

// craftedSYN reports whether the RST answers a SYN without an MSS: a program wrote that, as nearly every TCP sends one (RFC 9293
// 3.7.1), and no client need have asked for the connection.
func (c *resetCase) craftedSYN() bool { return c.refusal() && c.peer.noMSS }

// scanned reports whether the RST answers a segment with which no connection can begin.
// Port scans send such, and a closed port answers (RFC 9293 3.10.7.1).
func (c *resetCase) scanned() bool {
	return c.answers() && !c.peer.last.Flags.Any(reassembly.SYN|reassembly.ACK)
}
