package fsm

import (
	"math"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An end is one side of a connection: what it sent, how far its direction has
// come, and what it offers its peer.
type end struct {
	out  reassembly.Stream // its sequence space
	dir  direction
	last reassembly.Mark // the last segment it sent

	since int64 // when it entered its state
	bytes uint64

	// Times of the short past, in microseconds of trace time modulo 2^32 (71
	// minutes), to keep a connection small.
	rttAt uint32 // when the segment being timed was sent, or the last that was
	stamp uint32 // see quietAt and synTSVal

	rttSeq  reassembly.Seq // what must be acknowledged to end the timing
	wl1     reassembly.Seq // SEG.SEQ of the segment that set the window it offers: its peer's SND.WL1 (RFC 9293 3.10.7.4)
	srtt    uint32         // microseconds (RFC 6298 2.3)
	rttvar  uint32         // microseconds
	answer  uint32         // microseconds it took to answer the peer's part of the handshake, from the last time that was sent on; 0 = not seen; midstream, the least that an ACK took
	maxWnd  uint32         // largest window it offered, in bytes
	packets uint32
	rexmits uint32
	recent  [2]uint32 // new payload bytes in the connection's current second, and in the one before

	wlID   uint16 // IP identification of the segment that set its window
	mss    uint16
	tries  uint16 // probes in a row: the article's retry was at 0x333
	state  State
	scale  uint8 // its window scale as its SYN has it, shifted by offeredScale; below, the one in force: see agreeScale
	row    uint8 // retransmissions in a row
	acks   uint8 // pure ACKs, counted to 255
	dups   uint8 // duplicate ACKs of the peer since UNA last moved, counted to 127; see sacked
	device Device
	bits   endBits
	ahead  uint8 // by how much the greatest IP identification captured lies beyond that of last
	opts   reassembly.OptionBits
	wrote  finPause // when it sent new payload although it had received its peer's FIN
}

// quietAt is when the peer shut its window, or this side last probed it; meaningful while the window is shut.
func (e *end) quietAt() uint32 { return e.stamp }

// synTSVal is the TSval of the side's SYN, 0 if that had none. It is forgotten when quietAt needs its room, and at the
// side's FIN.
func (e *end) synTSVal() uint32 { return e.stamp }

// Conn is the two-sided state of one connection. The zero value is not ready:
// call Begin. It holds no pointers, so that a million of them cost the garbage
// collector nothing.
type Conn struct {
	ends    [2]end
	key     reassembly.Key
	beyond  uint32 // nanoseconds by which the latest segment lies after both sides' last ones: in a capture, time may go back a little
	first   int64
	history uint64
	hole    uint32 // second of the connection, plus one, in which bytes were last acknowledged that the tap never saw, or may not have seen
	second  uint32 // current second of the connection, for ends.recent
	wrote   uint32 // history letters that were written
	tunnel  uint32
	bits    connBits
	idle    silence // that was broken last; see View.Idle
	file    uint16  // that its last segment came from
}

// Begin readies a connection for the segment that shows it first. A sent the
// SYN if one was seen, or was sent the SYN-ACK; otherwise it sent the first segment.
func (c *Conn) Begin(seg *reassembly.Segment) {
	key, fromLo := reassembly.KeyOf(seg)
	*c = Conn{} // in place: a literal with fields would be made elsewhere, and copied
	c.key, c.first, c.tunnel, c.file = key, seg.At, seg.Tunnel, seg.File
	senderIsA := seg.Flags&(reassembly.SYN|reassembly.ACK) != reassembly.SYN|reassembly.ACK
	if fromLo == senderIsA {
		c.bits |= aIsLo
	}
	if seg.Flags&reassembly.SYN == 0 {
		c.bits |= midstream
		if seg.Flags&(reassembly.ACK|reassembly.RST) != 0 { // else no connection can have it (RFC 9293 3.10.7.4): a port scan
			c.ends[0].dir.Phase, c.ends[1].dir.Phase = PhaseOpen, PhaseOpen
		}
	}
}

// Release gives back what the connection has in room: call it before it is forgotten.
func (c *Conn) Release(room *reassembly.Gaps) {
	c.ends[0].out.Release(room)
	c.ends[1].out.Release(room)
}

// SideOf says which side sends a segment from lo, given KeyOf's second answer.
func (c *Conn) SideOf(fromLo bool) reassembly.Side {
	if fromLo == (c.bits&aIsLo != 0) {
		return reassembly.A
	}
	return reassembly.B
}

// Out is the side's sequence space, for packages that see every segment: to be read
// only. Detectors get a copy, View.Stream.
func (c *Conn) Out(side reassembly.Side) *reassembly.Stream {
	own, _ := c.both(side)
	return &own.out
}

// Endpoint is the side's address and port.
func (c *Conn) Endpoint(side reassembly.Side) reassembly.Endpoint {
	if (side == reassembly.A) == (c.bits&aIsLo != 0) {
		return c.key.Lo
	}
	return c.key.Hi
}

// Key is the connection's four-tuple.
func (c *Conn) Key() reassembly.Key { return c.key }

// First is the time of the first segment.
func (c *Conn) First() int64 { return c.first }

// Last is the time of the latest segment of either side; what was not acceptable
// does not count.
func (c *Conn) Last() int64 {
	return max(c.first, max(c.ends[0].last.At, c.ends[1].last.At)+int64(c.beyond))
}

// wentBack notes that the segment at hand, which becomes its side's last, may not be the latest.
func (c *Conn) wentBack(peer *end, at int64) {
	c.beyond = uint32(min(max(c.Last(), at)-max(peer.last.At, at), math.MaxUint32))
}

// Packets is how many segments the side sent, without duplicate frames.
func (c *Conn) Packets(side reassembly.Side) uint64 { return uint64(c.ends[side].packets) }

// Bytes is how much payload the side sent, each byte counted once.
func (c *Conn) Bytes(side reassembly.Side) uint64 { return c.ends[side].bytes }

// Retransmissions is how many segments the side sent again.
func (c *Conn) Retransmissions(side reassembly.Side) uint64 { return uint64(c.ends[side].rexmits) }

// DuplicateTime is how much later a copy of a frame may be captured: mirror ports and two
// taps on one switch are well below that.
const DuplicateTime = 2 * time.Millisecond

// roll moves the count of recent bytes on to the second of at.
func (c *Conn) roll(at int64) {
	if at-c.first >= (int64(c.second)+1)*int64(time.Second) {
		c.rollTo(c.secondOf(at))
	}
}

func (c *Conn) rollTo(now uint32) {
	for i := range c.ends {
		r := &c.ends[i].recent
		if r[1] = 0; now == c.second+1 {
			r[1] = r[0]
		}
		r[0] = 0
	}
	c.second = now
}

// recentBytes is how much new payload the side sent in the second before at, or up to two.
func (c *Conn) recentBytes(side reassembly.Side, at int64) uint64 {
	r := c.ends[side].recent
	switch now := c.secondOf(at); {
	case now <= c.second:
		return uint64(r[0]) + uint64(r[1])
	case now == c.second+1:
		return uint64(r[0])
	}
	return 0
}

func (c *Conn) secondOf(at int64) uint32 {
	return uint32(max(at-c.first, 0) / int64(time.Second))
}

// Opener says who sent the first SYN: A if anybody was seen to.
func (c *Conn) Opener() (side reassembly.Side, known bool) {
	return reassembly.A, c.bits&midstream == 0
}

// ResetBy says which side ended the connection by an acceptable RST.
func (c *Conn) ResetBy() (side reassembly.Side, is bool) {
	switch {
	case c.bits&resetByA != 0:
		return reassembly.A, true
	case c.bits&resetByB != 0:
		return reassembly.B, true
	}
	return 0, false
}

// FINRank says whether the side's FIN was the first or the second of the
// connection: 0 or 1.
func (c *Conn) FINRank(side reassembly.Side) int {
	if c.ends[side].dir.is(finSecond) {
		return 1
	}
	return 0
}

// HalfCloseGrace is how long a connection may be half closed before any detector is told:
// an ordinary close passes through CLOSE_WAIT in less.
const HalfCloseGrace = time.Second

// HalfClosed reports whether the side's FIN is acknowledged and the peer has
// sent none, nor a RST: FIN_WAIT_2 here, CLOSE_WAIT there.
func (c *Conn) HalfClosed(side reassembly.Side) bool {
	return c.ends[side].dir.Phase == PhaseFinAcked && c.ends[side.Peer()].dir.Phase < PhaseFinSent && c.bits&(resetByA|resetByB) == 0
}
