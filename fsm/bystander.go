package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Bystander tells one connection about a segment of another one on the same four-tuple.
type Bystander struct {
	Seg      *reassembly.Segment
	Side     reassembly.Side // the bystander's side that sent it
	Conn     *Conn           // the other connection
	From     reassembly.Side // its side that sent it
	Begins   bool            // it begins with the segment
	Waits    bool            // of the connections whose SYN is unanswered, this one is meant
	TimeWait time.Duration   // how long TIME_WAIT lasts
}

// How much later a SYN with another ISN still asks for the same as the first:
// later than any burst, and no later than a stack that backs off would ask
// again.
const (
	minRenewal = 200 * time.Millisecond
	maxRenewal = 64 * time.Second
)

// Bystand takes a segment of another connection of the four-tuple, which has brought
// ev there, and fills aside with what it brings to light here. It adds to ev that the
// segment, a SYN, uses the ports of this connection early, and reports whether it did;
// of several connections, the one with the latest segment counts.
func (c *Conn) Bystand(b *Bystander, ev, aside *Events) (reused bool) {
	aside.reset(c, b.Seg)
	aside.Class = ev.Class
	switch {
	case b.Begins && b.Seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN:
		aside.Class = Syn
		c.superseded(b, aside)
		reused = c.reusedBy(b, ev)
	case b.Waits:
		c.observe(b, ev.Class, aside)
	}
	if ev.Kinds.Has(Opened) || ev.Kinds.Has(Resumed) {
		c.share(b)
	}
	if ev.Kinds.Has(ResetSent) {
		c.refused(b)
	}
	return reused
}

// refused processes the RST with which the side refuses the SYN of the other connection: it
// has no socket for the four-tuple any more. In this connection it had sent a SYN-ACK, and
// the SYN in its window ended it (RFC 9293 3.10.7.4; Linux tcp_check_req). In later states,
// a host challenges the SYN, and a RST is somebody else's.
func (c *Conn) refused(b *Bystander) {
	x := b.Conn
	if x.isReset(b.From) && x.ends[b.From].dir.Phase == PhaseIdle && c.ends[b.Side].state == SynReceived {
		c.outlive(b.Side, b.Seg.At)
	}
}

// superseded processes a SYN that begins another connection. If the peer still has this
// one, it will answer with an ACK (RFC 5961 4.2).
func (c *Conn) superseded(b *Bystander, aside *Events) {
	c.bits |= challengeBit(b.Side)
	last := &c.ends[b.Side].last
	if since := time.Duration(b.Seg.At - last.At); b.Waits && c.AwaitsAnswer(b.Side) && since >= minRenewal && since <= maxRenewal &&
		(last.Flags|b.Seg.Flags)&reassembly.FIN == 0 { // no host opens with SYN and FIN: scanners do
		aside.addWas(SynRenewed, b.Side, ownLast, last)
	}
}

// reusedBy compares that SYN with this connection, if the SYN's receiver has it in
// TIME_WAIT.
func (c *Conn) reusedBy(b *Bystander, ev *Events) bool {
	own, peer := &c.ends[b.Side], &c.ends[b.Side.Peer()]
	again := ev.Kinds.Has(ReusedEarly)
	if st, _ := c.State(b.Side.Peer(), b.Seg.At, b.TimeWait); st != TimeWait || again && ev.was[oldLast].At >= peer.last.At {
		return false
	}
	if again {
		ev.n--
	}
	l := ev.addWas(ReusedEarly, reassembly.A, oldLast, &peer.last) // who sends the first SYN is A there
	if b.Seg.Seq.After(own.out.Nxt) {                              // the ISN lies beyond all that was used here (RFC 9293 3.6.1)
		l.n = 1
	}
	return true
}

// observe processes a segment of an older connection: the ACK that answered the SYN of
// this one, or the RST that this drew.
func (c *Conn) observe(b *Bystander, class Class, aside *Events) {
	own, peer := &c.ends[b.Side], &c.ends[b.Side.Peer()]
	switch {
	case class == ChallengeAck && c.AwaitsAnswer(b.Side.Peer()):
		peer.out.Reject(b.Seg.Ack)
		own.countFrom(b.Seg)
		aside.addWas(SynChallenged, b.Side.Peer(), peerLast, &peer.last)
	case class == Rst && c.AwaitsAnswer(b.Side):
		c.bits &^= contested // the side has no older connection any more
		if own.out.RejectedAt(b.Seg.Seq) {
			aside.add(ChallengeRst, b.Side, 0)
		}
	}
}

// share decides in which of both connections the side, which has sent the segment in the
// other one, has its socket: a host has one for a four-tuple. It is the one in which it
// sent last; but anybody can send a SYN in its name. A SYN with another TTL leaves an open
// connection as it is, and so does one after which the side continues there. Any other SYN
// counts, and the state is bounded until something proves it: the IP ID is next, or the
// side answers with RST what its peer sends in the older connection. That the IP ID is not
// next proves nothing: on Linux each socket counts its own.
func (c *Conn) share(b *Bystander) {
	x := b.Conn
	if b.Seg.Tunnel != c.tunnel || x.bits&outlivedBit(b.From) != 0 {
		return // both have a socket, or the SYN was found to be forged
	}
	attempt, live := x.AwaitsAnswer(b.From), !c.Over() && !c.IsAttempt()
	own, m := &c.ends[b.Side], reassembly.MarkOf(b.Seg)
	switch h := own.dir.habits(); {
	case !attempt && b.Seg.Flags&reassembly.SYN == 0 && !c.IsAttempt():
		// Both exist at once, behind a firewall that rewrites numbers.
	case live && h.OtherTTL(&own.last, &m):
		if attempt {
			x.outlive(b.From, b.Seg.At)
		}
	default:
		if attempt && live && !h.follows(&own.last, &m) {
			x.bits |= contested
		}
		c.outlive(b.Side, b.Seg.At)
	}
}

// outlive notes that the side has another connection, and its socket there.
func (c *Conn) outlive(side reassembly.Side, at int64) {
	c.bits |= outlivedBit(side)
	c.updateState(side, at)
}
