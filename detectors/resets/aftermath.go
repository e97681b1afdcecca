package resets

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What came after the RST.

// An aftermath is what few RSTs have, before them or since.
type aftermath struct {
	confirms    reassembly.Mark // the sender's RST that the peer challenged, if this one is the answer
	ended       reassembly.Mark // the sender's RST that its peer had to ignore, and after which it sent nothing else
	before      burst           // RSTs of the sender right before this one, which answer segments from before
	continued   reassembly.Mark // the first segment since that proves that the sender still has the connection
	synAckAgain reassembly.Mark // the SYN-ACK that the sender had sent, once more: see repeatsSYNACK
	twin        reassembly.Mark // another RST right behind it, with the same TTL
	guess       reassembly.Mark // another RST right behind it, beyond all that was sent or acknowledged
	beyondSYN   reassembly.Mark // another RST before the peer sent anything else, beyond the SYN, which is all that the sender had sent
	otherRSTs   burst           // RSTs in the sender's name since, from another distance than this one
	met         reassembly.Mark // another RST, which answers data that this one crossed
	stayedOpen  reassembly.Mark // the first segment of the peer that shows that the RST has not closed it
	closesToo   bool            // by then, the peer has sent its FIN
	arrived     reassembly.Mark // the peer's ACK of data that was in flight
}

// noAftermath is that of nearly all: a third of what a case takes, and a capture may have tens of thousands.
var noAftermath aftermath

// note is the aftermath, to be written.
func (c *resetCase) note() *aftermath {
	if c.aftermath == &noAftermath {
		c.aftermath = new(aftermath)
	}
	return c.aftermath
}

// continues reports whether the sender continued as if it had sent no RST. Of a
// refusal, the peer decides whether it is accepted.
func (c *resetCase) continues() bool {
	if c.refusal() {
		return c.survived && !c.synAgain
	}
	return c.continued.At != 0
}

// repeatsSYNACK reports whether the segment is the SYN-ACK that was all that the sender had sent before a RST of a host without the connection,
// and that its timer has sent again since. A TCP that resets a connection in SYN-RECEIVED deletes it (RFC 9293 3.10.7.4): its sender has
// received neither the ACK nor what the RST answers, and sent no RST. A copy from behind a router has another TTL, and comes no timeout later.
func (c *resetCase) repeatsSYNACK(seg *reassembly.Segment) bool {
	last := &c.sender.last
	return c.synAckAgain.At == 0 && !c.synAgain && c.bare() && c.atNxt() && last.Flags.Has(reassembly.SYN|reassembly.ACK) && c.rst.Seq == last.End() &&
		seg.Flags.Has(reassembly.SYN|reassembly.ACK) && seg.Seq == last.Seq && seg.Ack == last.Ack && seg.TTL == last.TTL &&
		(seg.IPID == 0 || seg.IPID != last.IPID) && seg.At-c.rst.At >= leastRTO
}

// acceptedLater reports whether a SYN was refused, and the next one accepted.
func (c *resetCase) acceptedLater() bool { return c.refusal() && c.survived && c.synAgain }

// restarts reports whether what continues may be a new connection, which a server
// accepts by a SYN cookie (RFC 4987 3.6). Any segment of the client that acknowledges
// the SYN-ACK makes Linux do so, also one that was in flight when the server reset the
// connection. It begins right behind the SYN-ACK, with an ACK of more than had arrived
// before the RST, or of less; with data, too, if the first ACK was not captured. With an ACK of the
// same, if its IP ID does not follow that of the RST: a Linux socket has its own count (random kernel case 350659).
func (c *resetCase) restarts() bool {
	m := &c.continued
	begins := m.Seq == c.sender.stream.ISS+1 && (m.SeqLen() == 0 || c.sender.bytes == 0) // else it may be sent again
	otherSocket := c.sender.last.Flags.Has(reassembly.SYN) && c.rst.IPID != 0 && m.IPID != 0 && m.IPID-c.rst.IPID > maxStep
	return m.At != 0 && c.fromServer() && begins && !c.bare() && (m.Ack != c.rst.Ack || otherSocket)
}

// overtook reports whether the sender sent the segment before the RST: it counts its IP IDs, and has used
// a later one, or the segment is its last one, captured again behind a router, for which IDs may be random.
func (c *resetCase) overtook(seg *reassembly.Segment) bool {
	last := &c.sender.last
	return last.IPID != 0 && seg.IPID != 0 && (last.IPID-seg.IPID-1 < idNear || c.routed(seg))
}

// routedTime is how much later a packet may be captured once more behind a router, in nanoseconds.
const routedTime = int64(2 * time.Second)

// routed reports whether the segment is the sender's last one, with a TTL that routers have lowered since.
func (c *resetCase) routed(seg *reassembly.Segment) bool {
	last := &c.sender.last
	return seg.IPID == last.IPID && seg.TTL < last.TTL && seg.Seq == last.Seq && seg.Ack == last.Ack && seg.Len == last.Len &&
		seg.Flags == last.Flags && seg.At-last.At <= routedTime
}

// provesLife reports whether only somebody who still has the connection can have sent
// the segment. An old one may be a duplicate of the network, or of the capture. So may
// what looks like a keep-alive, once both sides have closed.
func provesLife(ev fsm.Event, v fsm.View) bool {
	if detectors.MayBeForged(ev) {
		return false
	}
	out := v.Stream(ev.Side)
	closed := v.Phase(reassembly.A) == fsm.PhaseFinAcked && v.Phase(reassembly.B) == fsm.PhaseFinAcked
	return !out.Below(ev.Seg.Seq) || (ev.Class == fsm.KeepAlive || ev.Class == fsm.Probe) && !closed
}

// provesOpen takes a later segment of the peer in place of one that may have left before the RST arrived, and reports whether this one
// did not.
func (c *resetCase) provesOpen(ev fsm.Event, v fsm.View) bool {
	if ev.Side == c.side || ev.Class == fsm.Rst || c.stayedOpen.At == 0 || !c.passedBy(&c.stayedOpen) {
		return false
	}
	c.note().stayedOpen, c.closesToo = reassembly.MarkOf(ev.Seg), v.Phase(ev.Side) >= fsm.PhaseFinSent
	return !c.passedBy(&c.stayedOpen)
}
