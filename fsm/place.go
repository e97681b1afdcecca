package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Where a segment stands, for those who judge it: all sequence arithmetic is
// here or in reassembly.

// Below reports whether a segment of the side begins below what its peer has
// acknowledged.
func (c *Conn) Below(side reassembly.Side, seg *reassembly.Mark) bool {
	out := &c.ends[side].out
	return out.Knows(reassembly.KnowUna) && seg.Seq.Before(out.Una)
}

// Oldest reports whether a segment of the side begins with what its peer must
// acknowledge next: with RTO, the earliest segment is sent again (RFC 6298 5.4).
// Where nothing was acknowledged, any may be the oldest.
func (c *Conn) Oldest(side reassembly.Side, seg *reassembly.Mark) bool {
	out := &c.ends[side].out
	return !out.Knows(reassembly.KnowUna) || seg.Seq == out.Una
}

// AcksUna reports whether a segment of the side acknowledges exactly what it
// has acknowledged so far.
func (c *Conn) AcksUna(side reassembly.Side, seg *reassembly.Segment) bool {
	return seg.Flags&reassembly.ACK != 0 && seg.Ack == c.ends[side.Peer()].out.Una
}

// FINDue reports whether the side's FIN is what it must send next: all before
// it is acknowledged (RFC 6298 5.4: the earliest segment is sent again), and
// the peer's window is open.
func (c *Conn) FINDue(side reassembly.Side) bool {
	own, peer := &c.ends[side], &c.ends[side.Peer()]
	return !peer.half.is(shut) && (!own.out.Knows(reassembly.KnowUna) || own.out.Una == own.half.FIN)
}

// HalfCloseGrace is how long a connection may be half closed without anybody
// taking note: an ordinary close passes through CLOSE_WAIT in less.
const HalfCloseGrace = time.Second

// HalfClosed reports whether the side's FIN is acknowledged and the peer has
// sent none, nor a RST: FIN_WAIT_2 here, CLOSE_WAIT there.
func (c *Conn) HalfClosed(side reassembly.Side) bool {
	return c.ends[side].half.Phase == Done && c.ends[side.Peer()].half.Phase < Shut && c.bits&(resetByA|resetByB) == 0
}

// ClosingAck reports whether a segment that the side has sent is a pure ACK in
// its place behind the side's FIN, which acknowledges no more than the peer's.
// Nothing but what carries nothing begins at SND.NXT once it has been sent.
func (c *Conn) ClosingAck(side reassembly.Side, seg *reassembly.Mark) bool {
	own, peer := &c.ends[side], &c.ends[side.Peer()]
	return own.half.Phase >= Shut && seg.Seq == own.out.Nxt && seg.Ack.AtOrBefore(peer.half.FIN+1)
}

// Echoes reports whether the segment could be the side's last one once more, but
// for its sequence numbers: what a firewall that rewrites them has sent on.
// Without an IP identification, only a SYN or another TTL shows it.
func (c *Conn) Echoes(seg *reassembly.Segment, side reassembly.Side) bool {
	last := &c.ends[side].last
	if seg.IPID != last.IPID || seg.Len != last.Len || seg.Flags != last.Flags || seg.Window != last.Window ||
		time.Duration(seg.At-last.At) > reorderTime {
		return false
	}
	return seg.IPID != 0 || seg.Flags&reassembly.SYN != 0 || seg.TTL != last.TTL
}

// Answers reports whether a RST answers the given segment of the other side,
// as RFC 9293 3.10.7.1 builds one: bare, at the segment's acknowledgment; or
// with an ACK of exactly what the segment sent.
func Answers(rst, seg *reassembly.Mark) bool {
	if rst.Flags&reassembly.ACK == 0 {
		return seg.Flags&reassembly.ACK != 0 && rst.Seq == seg.Ack
	}
	return rst.Ack == seg.End()
}
