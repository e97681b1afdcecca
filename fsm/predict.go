package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// Header prediction, as Van Jacobson has it in 4.3BSD-Reno's tcp_input: nearly every segment
// of an established connection is the next of a flight, or acknowledges one. A few
// comparisons recognise it, and a few stores process it.

// What keeps the next segment of a connection from being an expected one, and what
// prediction requires.
const (
	unpredictableBits = synAckLost | finFirst | shut
	harmlessBits      = aIsLo | midstream | optionsCut | duplicates | skippedIDs | rejectedByA | unobserved | textMask | seqUnknown | timeUnknown | copiedID
)

// settle notes whether the connection is one of which such a segment can be expected, as far as
// only Step changes that: open on both sides, with nothing missing.
func (c *Conn) settle() {
	a, b := &c.ends[0], &c.ends[1]
	c.bits &^= settled
	if a.dir.Phase == PhaseOpen && b.dir.Phase == PhaseOpen && (a.dir.bits|b.dir.bits)&unpredictableBits == 0 &&
		a.last.At != 0 && b.last.At != 0 && a.out.Whole() && b.out.Whole() {
		c.bits |= settled
	}
}

// Predicts returns the kinds of event that the segment brings, if it is an expected one of this
// connection, and 0 otherwise. They are all that it brings, and it belongs to no other connection
// of the four-tuple.
func (c *Conn) Predicts(seg *reassembly.Segment, side reassembly.Side) Kinds {
	own, peer := c.both(side)
	moved, n := uint32(seg.Ack-peer.out.Una), seg.Len
	if seg.Seq != own.out.Nxt || n|moved == 0 || moved > uint32(peer.out.Nxt-peer.out.Una) || c.bits&^harmlessBits != settled ||
		seg.Flags&(reassembly.SYN|reassembly.FIN|reassembly.RST|reassembly.ACK) != reassembly.ACK ||
		seg.Opts.NBlocks|uint8(seg.Opts.Has&reassembly.OptionsCut)|uint8(seg.Missing) != 0 || seg.Tunnel != c.tunnel || seg.File != c.file || peer.row != 0 {
		return 0
	}
	shift := own.shift()
	wnd := uint32(seg.Window) << shift
	switch edge := seg.Ack + reassembly.Seq(wnd); {
	case wnd < max(uint32(own.mss), 1) || int32(edge-peer.out.Edge) <= -(1<<shift), // WindowShut, WindowSmall, WindowShrunk
		seg.At-max(own.last.At, peer.last.At) >= int64(idleTime),
		seg.IPID == own.last.IPID && c.IsTranslatedDuplicate(seg, side),
		moved == 0 && seg.Seq == own.wl1 && own.dir.is(countsIDs) && orderOf(seg.IPID, own.wlID) == before: // an older window
		return 0
	case n == 0:
		return 1<<Sent | 1<<Advanced
	case uint32(own.out.Edge-seg.Seq) < n, // Overran
		peer.last.Len == 0 && own.last.Len > 0 && peer.last.At-own.last.At >= int64(minAckDelay): // NagleDelay
		return 0
	case moved == 0:
		return 1<<Sent | 1<<DataSent
	}
	return 1<<Sent | 1<<DataSent | 1<<Advanced
}

// StepPredicted processes a segment of which the connection Predicts that it brings these kinds of
// event, as Step does. Nobody may read anything of them but their kinds.
func (c *Conn) StepPredicted(seg *reassembly.Segment, side reassembly.Side, kinds Kinds, ev *Events) {
	own, peer := c.both(side)
	ev.Kinds, ev.Class, ev.n = kinds, PureAck, 0
	own.packets++
	if kinds.Has(Advanced) {
		peer.out.Una = seg.Ack
		peer.dups = 0
		if peer.dir.is(timing) && peer.rttSeq.AtOrBefore(seg.Ack) {
			s := step{c: c, seg: seg, own: own, peer: peer}
			s.sampleRTT()
		}
	}
	wnd := uint32(seg.Window) << (own.shift() & 31)
	own.wl1, own.wlID = seg.Seq, seg.IPID
	if wnd > own.maxWnd {
		own.maxWnd = wnd
	}
	peer.out.Edge = seg.Ack + reassembly.Seq(wnd)
	bits := own.dir.bits&^(doubted|challenged) | spoke
	letter := uint32(wroteA)
	if n := seg.Len; n > 0 {
		ev.Class, letter = NewData, wroteD
		own.out.Nxt += reassembly.Seq(n)
		own.bytes += uint64(n)
		c.roll(seg.At)
		own.recent[0] += n
		if bits = c.pushes(own, peer, seg, bits); n > uint32(peer.mss) && peer.mss != 0 { // see noteSize
			bits |= oversize
		}
		if bits&timing == 0 {
			own.rttAt, own.rttSeq = c.clock(seg.At), own.out.Nxt
			bits |= timing
		}
	} else {
		own.acks = satInc(own.acks)
	}
	c.letter(side, letter)
	own.dir.bits = bits
	own.mark(seg)
	if own.breaksSilence(peer, seg.At) || c.idle != 0 {
		c.noteIdle(own, peer, seg.At, ev.Class)
	}
	if seg.At < own.last.At || c.beyond != 0 {
		c.wentBack(peer, seg.At)
	}
	own.last.Set(seg)
}
