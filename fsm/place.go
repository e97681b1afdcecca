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

// Covered reports whether all of a segment of the side has been acknowledged.
func (c *Conn) Covered(side reassembly.Side, seg *reassembly.Segment) bool {
	return c.Acked(side, seg.End())
}

// Acked reports whether all that the side sent before seq has been acknowledged.
func (c *Conn) Acked(side reassembly.Side, seq reassembly.Seq) bool {
	out := &c.ends[side].out
	return out.Knows(reassembly.KnowUna) && seq.AtOrBefore(out.Una)
}

// Youngest reports whether a segment of the side ends what the side has sent.
func (c *Conn) Youngest(side reassembly.Side, seg *reassembly.Segment) bool {
	return seg.End() == c.ends[side].out.Nxt
}

// IsFirst reports whether a segment of the side is its SYN, or lies right behind
// it: it sent nothing before that.
func (c *Conn) IsFirst(side reassembly.Side, seg *reassembly.Segment) bool {
	return seg.Flags&reassembly.SYN != 0 || seg.Seq == c.ends[side].out.ISS+1 && seg.Flags&reassembly.FIN == 0
}

// Restarts reports whether a segment of the side, sent after its RST, is as the
// first of a connection that a server takes up from a SYN cookie (RFC 4987 3.6):
// an ACK right behind its SYN, of more than had arrived before the RST, or of less.
// Any segment of the client that acknowledges the SYN-ACK makes Linux do so, also
// one that was on its way when the server reset the connection.
func (c *Conn) Restarts(side reassembly.Side, seg *reassembly.Segment, rst *reassembly.Mark) bool {
	return side == reassembly.B && c.bits&midstream == 0 && seg.SeqLen() == 0 && c.IsFirst(side, seg) &&
		rst.Flags&reassembly.ACK != 0 && seg.Ack != rst.Ack
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
	return c.ends[side].half.Phase == PhaseFinAcked && c.ends[side.Peer()].half.Phase < PhaseFinSent && c.bits&(resetByA|resetByB) == 0
}

// LackingBeforeFIN is how many bytes before the side's FIN the peer has not
// acknowledged, and whether the tap has not seen the first of them either.
func (c *Conn) LackingBeforeFIN(side reassembly.Side) (n uint32, unseen bool) {
	e := &c.ends[side]
	if e.half.Phase != PhaseFinSent || !e.out.Knows(reassembly.KnowUna) || !e.out.Una.Before(e.half.FIN) {
		return 0, false
	}
	return uint32(e.half.FIN - e.out.Una), e.out.Skipped(e.out.Una)
}

// ClosingAck reports whether a segment that the side has sent is a pure ACK in
// its place behind the side's FIN, which acknowledges no more than the peer's.
// Nothing but what carries nothing begins at SND.NXT once it has been sent.
func (c *Conn) ClosingAck(side reassembly.Side, seg *reassembly.Mark) bool {
	own, peer := &c.ends[side], &c.ends[side.Peer()]
	return own.half.Phase >= PhaseFinSent && seg.Seq == own.out.Nxt && seg.Ack.AtOrBefore(peer.half.FIN+1)
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

// Prods reports whether a segment that the side has sent has the form of a
// keep-alive or of a probe of the peer's closed window: at SND.NXT-1 nothing, or
// one byte that was acknowledged (RFC 9293 3.8.4, 3.8.6.1; the last byte sent is
// there, too, and is data until then); or one byte into a closed window.
func (c *Conn) Prods(side reassembly.Side, seg *reassembly.Mark) bool {
	own, peer := &c.ends[side], &c.ends[side.Peer()]
	if seg.Len > 1 || seg.Flags&(reassembly.SYN|reassembly.FIN|reassembly.RST) != 0 {
		return false
	}
	return seg.Seq == own.out.Nxt-1 && (seg.Len == 0 || c.Below(side, seg)) || seg.Len == 1 && peer.half.is(shut)
}

// Precedes reports whether a segment of the side was sent before what its peer
// sent last, last, can have reached it, though it was captured later: it does not
// acknowledge that, or came sooner than the side can answer, by the handshake.
func (c *Conn) Precedes(side reassembly.Side, seg, last *reassembly.Mark) bool {
	switch gap := time.Duration(seg.At - last.At); {
	case gap < c.Answer(side)/2:
		return true
	case gap < c.Answer(side):
		return last.End() != last.Seq && seg.Ack.Before(last.End())
	}
	return false
}

// AtNxt reports whether the segment begins where the side would send next.
func (c *Conn) AtNxt(side reassembly.Side, seg *reassembly.Mark) bool {
	return seg.Seq == c.ends[side].out.Nxt
}

// AcksOld reports whether a segment of the side acknowledges less than the side
// has acknowledged before: it is an old duplicate, or late.
func (c *Conn) AcksOld(side reassembly.Side, seg *reassembly.Mark) bool {
	out := &c.ends[side.Peer()].out
	return seg.Flags&reassembly.ACK != 0 && out.Knows(reassembly.KnowUna) && seg.Ack.Before(out.Una)
}

// KnowsFIN reports whether a segment of the side acknowledges the peer's FIN.
func (c *Conn) KnowsFIN(side reassembly.Side, seg *reassembly.Mark) bool {
	h := &c.ends[side.Peer()].half
	return h.Phase >= PhaseFinSent && seg.Flags&reassembly.ACK != 0 && seg.Ack.After(h.FIN)
}

// AtFIN reports whether the segment begins at the side's FIN, not behind it.
func (c *Conn) AtFIN(side reassembly.Side, seg *reassembly.Mark) bool {
	h := &c.ends[side].half
	return h.Phase >= PhaseFinSent && seg.Seq == h.FIN
}

// Held reports whether a FIN of the side could not leave, for all that is known:
// the window is closed, or what is in flight leaves less than a segment of it. A
// window whose scale was not seen is larger than it looks, if anything.
func (c *Conn) Held(side reassembly.Side) bool {
	out := &c.ends[side].out
	return c.WindowShut(side.Peer()) ||
		out.InFlight() > 0 && out.Knows(reassembly.KnowEdge) && out.Nxt.To(out.Edge) < int32(c.fullSegment())
}

// MayHaveClosed reports whether the last that the side has sent was never seen,
// only acknowledged: it may have been its FIN.
func (c *Conn) MayHaveClosed(side reassembly.Side) bool {
	own := &c.ends[side]
	return own.half.Phase < PhaseFinSent && own.out.Skipped(own.out.Nxt-1) || c.OnlyAcks(side)
}

// OnlyAcks reports whether nothing of the side was captured but acknowledgments:
// all that it sent, a FIN perhaps, was acknowledged before the capture began.
func (c *Conn) OnlyAcks(side reassembly.Side) bool {
	own := &c.ends[side]
	return own.half.Phase < PhaseFinSent && own.half.bits&synSeen == 0 && own.bytes == 0
}

// AckedUnseen reports whether the last that was acknowledged of the side was not
// captured: nobody knows whether it was sent.
func (c *Conn) AckedUnseen(side reassembly.Side) bool {
	out := &c.ends[side].out
	return out.Knows(reassembly.KnowUna) && out.Skipped(out.Una-1)
}

// Unacked is how many bytes of the side's payload nothing has acknowledged; by,
// if not nil, is a segment of the peer that may do so as well.
func (c *Conn) Unacked(side reassembly.Side, by *reassembly.Mark) uint32 {
	own := &c.ends[side]
	out := &own.out
	una := out.ISS + 1
	if out.Knows(reassembly.KnowUna) {
		una = out.Una
	}
	if by != nil && by.Flags&reassembly.ACK != 0 && by.Ack.After(una) && by.Ack.AtOrBefore(out.Nxt) {
		una = by.Ack
	}
	end := out.Nxt
	if own.half.Phase >= PhaseFinSent && end == own.half.FIN+1 {
		end--
	}
	if !out.Knows(reassembly.KnowNxt) || !una.Before(end) {
		return 0
	}
	return uint32(end - una)
}

// Filled is by how many bytes the window that the side offers lies below the
// largest that it has offered.
func (c *Conn) Filled(side reassembly.Side) uint32 {
	out := &c.ends[side.Peer()].out
	if !out.Knows(reassembly.KnowEdge | reassembly.KnowUna) {
		return 0
	}
	wnd := uint32(max(out.Una.To(out.Edge), 0))
	if most := c.ends[side].maxWnd; wnd < most {
		return most - wnd
	}
	return 0
}

// Grain is the smallest step in which the side's window can change.
func (c *Conn) Grain(side reassembly.Side) uint32 { return 1 << c.scaleOf(side) }

// Row is how many segments in a row the side has sent again without any
// progress.
func (c *Conn) Row(side reassembly.Side) int { return int(c.ends[side].row) }

// ChallengedLast reports whether the side's last segment is a challenge ACK: it
// answers a SYN or RST that was out of place (RFC 5961 3.2, 4.2).
func (c *Conn) ChallengedLast(side reassembly.Side) bool { return c.ends[side].half.is(challenged) }

// Behind reports whether the segment begins below what the peer has
// acknowledged, and near enough to be something that the side once had to say.
func (c *Conn) Behind(side reassembly.Side, seg *reassembly.Mark) bool {
	out := &c.ends[side].out
	return c.Below(side, seg) && out.Believes(seg.Seq, 0, c.ends[side.Peer()].maxWnd, c.scaleUnknown())
}

// Astray is how far the segment's SACK blocks lie from what it acknowledges:
// the farthest, in bytes.
func Astray(seg *reassembly.Segment) (bytes int32) {
	for _, b := range seg.Opts.Blocks[:seg.Opts.NBlocks] {
		if d := seg.Ack.To(b.From); max(d, -d) > max(bytes, -bytes) {
			bytes = d
		}
	}
	return bytes
}
