package fsm

import (
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Header prediction, as Van Jacobson has it in 4.3BSD-Reno's tcp_input: nearly every segment
// of an established connection is the next of a flight, or acknowledges one. That is seen
// by a few comparisons, and processed by a few stores.

// predictable is all that such a segment brings.
const predictable Kinds = 1<<Advanced | 1<<DataSent | 1<<Sent

// What makes the next segment of a connection more than that, and how it is: bits that
// Step only sets and reads.
const (
	unpredictableBits = synAckLost | finFirst | shut
	harmlessBits      = aIsLo | midstream | optionsCut | duplicates | skippedIDs | rejectedByA | unobserved | fromText | seqUnknown | timeUnknown | windowMissing
)

// predicted processes the segment if it is an expected one, as Step does, and leaves it
// alone otherwise. Nobody may read the entries of the events that it brings.
func (c *Conn) predicted(seg *reassembly.Segment, side reassembly.Side, ev *Events) bool {
	own, peer := c.both(side)
	moved, n := uint32(seg.Ack-peer.out.Una), seg.Len
	shift := c.scaleOf(side)
	wnd := uint32(seg.Window) << shift
	edge := seg.Ack + reassembly.Seq(wnd)
	switch {
	case seg.Seq != own.out.Nxt || moved > uint32(peer.out.Nxt-peer.out.Una) || n|moved == 0,
		seg.Flags&(reassembly.SYN|reassembly.FIN|reassembly.RST|reassembly.ACK) != reassembly.ACK,
		own.dir.Phase != PhaseOpen || peer.dir.Phase != PhaseOpen || c.bits&^harmlessBits != 0,
		(own.dir.bits|peer.dir.bits)&unpredictableBits != 0,
		!own.out.Whole() || !peer.out.Whole() || peer.row != 0,
		seg.Opts.NBlocks|uint8(seg.Opts.Has&reassembly.OptionsCut)|uint8(seg.Missing) != 0,
		own.last.At == 0 || peer.last.At == 0 || seg.At-max(own.last.At, peer.last.At) >= int64(idleTime),
		wnd < max(uint32(own.mss), 1) || int32(edge-peer.out.Edge) <= -(1<<shift),                          // WindowShut, WindowSmall, WindowShrunk
		n > 0 && uint32(own.out.Edge-seg.Seq) < n,                                                          // Overran
		n > 0 && peer.last.Len == 0 && own.last.Len > 0 && peer.last.At-own.last.At >= int64(minAckDelay),  // NagleDelay
		moved == 0 && seg.Seq == own.wl1 && own.dir.is(countsIDs) && orderOf(seg.IPID, own.wlID) == before: // an older window
		return false
	}
	ev.reset(c, seg)
	ev.Kinds, ev.Class = 1<<Sent, PureAck
	own.packets++
	if moved > 0 {
		peer.out.Una = seg.Ack
		peer.dups, peer.sacked = 0, false
		if peer.dir.is(timing) {
			s := step{c: c, seg: seg, own: own, peer: peer}
			s.sampleRTT()
		}
		ev.Kinds |= 1 << Advanced
	}
	own.wl1, own.wlID = seg.Seq, seg.IPID
	own.maxWnd = max(own.maxWnd, wnd)
	peer.out.Edge = edge
	own.dir.bits = own.dir.bits&^(doubted|challenged) | spoke
	if n > 0 {
		ev.Kinds |= 1 << DataSent
		ev.Class = NewData
		own.out.Nxt += reassembly.Seq(n)
		c.count(own, peer, seg, n)
		own.noteSize(peer, seg)
		if !own.dir.is(timing) {
			c.time(own, seg)
		}
		c.letter(side, wroteD)
	} else {
		own.acks = satInc(own.acks)
		c.letter(side, wroteA)
	}
	own.mark(seg)
	c.noteIdle(own, peer, seg.At, ev.Class)
	if seg.At < own.last.At || c.beyond != 0 {
		c.wentBack(peer, seg.At)
	}
	own.last = reassembly.MarkOf(seg)
	return true
}
