package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// HasKey reports whether the connection has this four-tuple.
func (c *Conn) HasKey(k *reassembly.Key) bool { return c.key.Lo.Is(&k.Lo) && c.key.Hi.Is(&k.Hi) }

// Sends reports whether a segment has the connection's four-tuple, and if so,
// whether it comes from the key's Lo end. There is no branch for that: it would be
// mispredicted for every other segment.
func (c *Conn) Sends(seg *reassembly.Segment) (fromLo, is bool) {
	lo := seg.Src.Differs(&c.key.Lo) | seg.Dst.Differs(&c.key.Hi)
	hi := seg.Src.Differs(&c.key.Hi) | seg.Dst.Differs(&c.key.Lo)
	return lo == 0, min(lo, hi) == 0
}

// Tunnel is the tunnel hash of the first segment.
func (c *Conn) Tunnel() uint32 { return c.tunnel }

// Distance is how far the segment lies from where the connection is, in
// sequence numbers of both directions; ok says that it can belong to it at all.
// It tells apart connections that share a four-tuple.
func (c *Conn) Distance(seg *reassembly.Segment, side reassembly.Side) (d uint64, ok bool) {
	own, peer := &c.ends[side], &c.ends[side.Peer()]
	wide := c.scaleUnknown()
	ok = own.out.Acceptable(seg.Seq, seg.SeqLen(), peer.maxWnd, wide)
	if own.out.Knows(reassembly.KnowNxt) {
		d += abs(own.out.Nxt.To(seg.Seq))
	}
	if seg.Flags&reassembly.ACK != 0 {
		ok = ok && peer.out.Acceptable(seg.Ack, 0, own.maxWnd, wide)
		if peer.out.Knows(reassembly.KnowNxt) {
			d += abs(peer.out.Nxt.To(seg.Ack))
		}
	}
	return d, ok
}

func abs(n int32) uint64 { return uint64(max(int64(n), -int64(n))) }

// Expects reports whether a SYN or SYN-ACK of side belongs to this connection's
// opening: it repeats the side's own, or is the first that the side can send.
func (c *Conn) Expects(seg *reassembly.Segment, side reassembly.Side) bool {
	own, peer := &c.ends[side], &c.ends[side.Peer()]
	switch {
	case own.out.Knows(reassembly.KnowISS):
		return own.out.ISS == seg.Seq
	case own.out.Knows(reassembly.KnowNxt):
		return false
	case seg.Flags&reassembly.ACK == 0: // simultaneous open (RFC 9293 3.5)
		return peer.dir.Phase == PhaseOpening && !c.Over()
	}
	return peer.out.Knows(reassembly.KnowISS) && seg.Ack.After(peer.out.ISS) && seg.Ack.AtOrBefore(peer.out.Nxt)
}

// leftIn is the side's state at trace time at, as of this connection alone.
func (c *Conn) leftIn(side reassembly.Side, at int64, timeWait time.Duration) State {
	if c.bits&outlivedBit(side) != 0 && !c.isReset(side) {
		return c.readState(side)
	}
	s, _ := c.State(side, at, timeWait)
	return s
}

// IsTranslatedDuplicate reports whether the segment could be the side's last one once more, but
// for its sequence numbers: what a firewall that rewrites them has sent on.
// Without an IP identification, only a SYN or another TTL shows it.
func (c *Conn) IsTranslatedDuplicate(seg *reassembly.Segment, side reassembly.Side) bool {
	last := &c.ends[side].last
	if seg.IPID != last.IPID || seg.Len != last.Len || seg.Flags != last.Flags || seg.Window != last.Window ||
		time.Duration(seg.At-last.At) > reorderTime {
		return false
	}
	return seg.IPID != 0 || seg.Flags&reassembly.SYN != 0 || seg.TTL != last.TTL
}
