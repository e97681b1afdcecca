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
	rttAt uint32 // when the segment being timed was sent; meaningful while timing is set
	stamp uint32 // see quietAt and synTSVal

	rttSeq  reassembly.Seq // what must be acknowledged to end the timing
	wl1     reassembly.Seq // SEG.SEQ of the segment that set the window it offers: its peer's SND.WL1 (RFC 9293 3.10.7.4)
	srtt    uint32         // microseconds (RFC 6298 2.3)
	rttvar  uint32         // microseconds
	answer  uint32         // microseconds it took to answer the peer's part of the handshake, from the last time that was sent on; 0 = not seen
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
	dups   uint8 // duplicate ACKs of the peer since UNA last moved, counted to 255
	sacked bool  // the peer has something beyond UNA, by SACK, since UNA last moved
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

// endBits are what a side's answer in the handshake shows, see Relayed, and its close.
type endBits uint8

const (
	acksSooner endBits = 1 << iota // its ACKs come much sooner than the answer did
	atLeast                        // the answer took that long or longer: what it answers was sent again
	asked                          // it sent FIN with payload, or right behind payload, before any answer to that
	carried                        // its FIN came with payload that was not seen before: who acknowledges that has the FIN
	askedShort                     // that payload was shorter than ShortPayload
	ackSoon                        // its last ACK that was timed came so soon, see timeAfterBare
	withdrawn                      // a FIN in its name was not its own, and it has sent none
	doubled                        // payload of it arrived twice, as its peer's D-SACK shows, though it had sent none again
)

type connBits uint32

const (
	aIsLo connBits = 1 << iota
	midstream
	optionsCut
	duplicates
	skippedIDs
	resetByA
	resetByB
	pendingByA // a doubtful RST of A waits for what comes next
	pendingByB
	challengeA // A sent a SYN or RST that calls for a challenge ACK (RFC 5961)
	challengeB
	rejectedByA // the last implausible segment was A's
	outlivedA   // A has another connection on the four-tuple, and said nothing in this one since
	outlivedB
	openA // A has not closed, although B ended the connection with a RST: see stayedOpen
	openB
	foreignA // the RST that A seems to have sent does not fit A: see foreignReset
	foreignB
	foreignFINofA // the FIN that A seems to have sent does not fit A
	foreignFINofB
	deniedFINofA // a segment of A denies its FIN: see afterFIN
	deniedFINofB
	takenFINofA // B acknowledged a FIN that was not A's own: for B, A has closed
	takenFINofB
	unobserved // there is time in which nobody captured it
	textNoIP   // of textMask
	textPartly // of textMask
	seqUnknown
	timeUnknown
	contested // A's SYN may be forged: A has, or had, another connection on the four-tuple
	settled   // see settle
	copiedID  // B's SYN-ACK has the IP identification of A's SYN
)

// textMask has one of four values: 0 is no text; textNoIP a text without IP identification and TTL;
// textNoWindow one without windows, too; textPartly one in which segments are missing, beside which
// nothing else that it lacks matters.
const (
	textMask     = textNoIP | textPartly
	textNoWindow = textNoIP | textPartly
)

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
	idle    uint16 // seconds of silence that were broken last; see Silence
	file    uint16 // that its last segment came from
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

// resetBit, pendingBit, challengeBit, outlivedBit, openBit, foreignBit,
// foreignFINBit, deniedFINBit and takenFINBit pick a side's bit. The mask spares a check of
// how far to shift.
func resetBit(s reassembly.Side) connBits     { return resetByA << (s & 1) }
func pendingBit(s reassembly.Side) connBits   { return pendingByA << (s & 1) }
func challengeBit(s reassembly.Side) connBits { return challengeA << (s & 1) }
func outlivedBit(s reassembly.Side) connBits  { return outlivedA << (s & 1) }
func openBit(s reassembly.Side) connBits      { return openA << (s & 1) }
func foreignBit(s reassembly.Side) connBits   { return foreignA << (s & 1) }

func foreignFINBit(s reassembly.Side) connBits { return foreignFINofA << (s & 1) }
func deniedFINBit(s reassembly.Side) connBits  { return deniedFINofA << (s & 1) }
func takenFINBit(s reassembly.Side) connBits   { return takenFINofA << (s & 1) }

// isReset reports whether a RST, its own or its peer's, has closed the side, for all that
// is known.
func (c *Conn) isReset(side reassembly.Side) bool {
	return c.bits&(resetByA|resetByB) != 0 && (c.bits&resetBit(side) != 0 || c.bits&openBit(side) == 0)
}

// State is one end's state at trace time at, and since when. A time later than
// the last segment's only lets TIME_WAIT, which lasts timeWait, run out.
// TIME_WAIT starts again with whatever the peer sends into it, as Linux does
// and RFC 9293 3.10.7.4 asks for a repeated FIN.
func (c *Conn) State(side reassembly.Side, at int64, timeWait time.Duration) (s State, since int64) {
	own := &c.ends[side]
	if own.state == TimeWait {
		over := max(own.since, c.ends[side.Peer()].last.At) + int64(timeWait)
		if at >= over {
			return Closed, over
		}
	}
	return own.state, own.since
}

// Bounded reports whether the side's state rests on an ACK that was seen but
// is not known to have arrived: the side is at most there. So is a side that was in
// TIME_WAIT when its peer sent a RST: it has closed, or has ignored the RST (RFC 1337 3;
// gVisor always does, Linux with net.ipv4.tcp_rfc1337). And so is a side of which nothing
// shows yet whether its SYN is its own, or forged while it had another connection.
func (c *Conn) Bounded(side reassembly.Side) bool {
	own := &c.ends[side]
	switch {
	case c.bits&outlivedBit(side) != 0:
		return false
	case c.isReset(side):
		return c.bits&resetBit(side) == 0 && c.readState(side) == TimeWait
	case own.state == SynSent:
		return c.bits&contested != 0 && side == reassembly.A
	case !own.dir.is(doubted):
		return false
	}
	switch own.state {
	case Established, FinWait2, TimeWait, Closed:
		return true
	}
	return false
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

// DuplicateTime is how much later a copy of a frame may be captured: mirror ports and
// two taps on one switch stay well below.
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

// Over reports whether nothing more is due: reset, or both FINs acknowledged.
func (c *Conn) Over() bool {
	return c.bits&(resetByA|resetByB) != 0 || c.ends[0].dir.Phase == PhaseFinAcked && c.ends[1].dir.Phase == PhaseFinAcked
}

// FINRank says whether the side's FIN was the first or the second of the
// connection: 0 or 1.
func (c *Conn) FINRank(side reassembly.Side) int {
	if c.ends[side].dir.is(finSecond) {
		return 1
	}
	return 0
}

// HalfCloseGrace is how long a connection may be half closed without anybody
// taking note: an ordinary close passes through CLOSE_WAIT in less.
const HalfCloseGrace = time.Second

// HalfClosed reports whether the side's FIN is acknowledged and the peer has
// sent none, nor a RST: FIN_WAIT_2 here, CLOSE_WAIT there.
func (c *Conn) HalfClosed(side reassembly.Side) bool {
	return c.ends[side].dir.Phase == PhaseFinAcked && c.ends[side.Peer()].dir.Phase < PhaseFinSent && c.bits&(resetByA|resetByB) == 0
}
