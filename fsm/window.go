package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// minProbeGap is how long after the window shut, and after the probe before
// it, payload of more than a byte must come to be a probe: a burst that was
// already in flight is not probing.
const minProbeGap = 200 * time.Millisecond

// offerWindow notes the window that the segment advertises, unless it was sent before
// the one that set the window now in force.
func (s *step) offerWindow() {
	seg, own, peer := s.seg, s.own, s.peer
	sent := s.sentAfterWindow()
	if sent == before {
		if seg.Flags&reassembly.SYN == 0 && seg.Ack+reassembly.Seq(uint32(seg.Window)<<own.shift()) != peer.out.Edge {
			s.emitAfter(WindowOld)
		}
		return
	}
	wlID := own.wlID
	s.setWindow()
	wnd := uint32(seg.Window)
	if seg.Flags&reassembly.SYN == 0 {
		wnd <<= own.shift()
	}
	own.maxWnd = max(own.maxWnd, wnd)
	edge := seg.Ack + reassembly.Seq(wnd)
	shrunk := peer.out.Knows(reassembly.KnowEdge) && edge.Before(peer.out.Edge)
	by := uint32(peer.out.Edge - edge)
	peer.out.Offer(edge)
	switch {
	case wnd == 0 && seg.Flags&reassembly.SYN == 0 && !own.dir.is(shut):
		own.dir.bits |= shut
		peer.stamp, peer.tries = s.c.clock(seg.At), 0
		s.emit(WindowShut, s.side)
	case wnd > 0 && own.dir.is(shut):
		own.dir.bits &^= shut
		peer.tries = 0
		s.emit(WindowOpened, s.side)
	}
	if shrunk {
		s.shrink(by, sent, wlID)
	}
	if wnd < uint32(own.mss) && s.c.windowSmall(s.side) {
		s.emit(WindowSmall, s.side)
	}
}

// misplaced says whether neither number of an empty segment fits: it lies below what its
// peer has acknowledged, and acknowledges what nobody was seen to send. Its receiver
// drops it, and takes no window from it (RFC 9293 3.10.7.4).
func (s *step) misplaced() bool {
	own, peer := &s.own.out, &s.peer.out
	return s.n == 0 && own.Knows(reassembly.KnowUna) && s.seg.Seq.Before(own.Una-1) &&
		peer.Knows(reassembly.KnowNxt) && s.seg.Ack.After(peer.Nxt)
}

// sentAfterWindow says whether the segment was sent before or after the one that set
// its side's window: by SND.WL1 and SND.WL2, the greatest SEG.SEQ and SEG.ACK so far
// (RFC 9293 3.10.7.4), which the last segment need not have, if others overtook it;
// where both are the same, by IP identification, if the host counts.
func (s *step) sentAfterWindow() order {
	seg, own := s.seg, s.own
	switch {
	case s.moved > 0, !s.peer.out.Knows(reassembly.KnowEdge), own.wl1.After(own.out.Nxt): // the last: its sequence space was begun anew
		return after
	case seg.Ack.Before(s.peer.out.Una), seg.Seq.Before(own.wl1):
		return before
	case seg.Seq.After(own.wl1):
		return after
	case !own.dir.is(countsIDs):
		return unordered
	}
	return orderOf(seg.IPID, own.wlID)
}

// setWindow notes that the segment set its side's window. One that carries nothing
// and lies beyond NXT may be anybody's: it does not count as the greatest.
func (s *step) setWindow() {
	own := s.own
	if s.n > 0 || !own.out.Knows(reassembly.KnowNxt) || !s.seg.Seq.After(own.out.Nxt) {
		own.wl1 = s.seg.Seq
	}
	own.wlID = s.seg.IPID
}

// offeredScale is where the scale of a SYN lies in end.scale.
const offeredScale = 4

// agreeScale puts the scales of both SYNs in force, if both carried the option, and none
// otherwise (RFC 7323 2.2).
func (c *Conn) agreeScale() {
	both := c.ends[0].opts&c.ends[1].opts&reassembly.HasScale != 0
	for i := range c.ends {
		e := &c.ends[i]
		if e.scale &^= 1<<offeredScale - 1; both {
			e.scale |= e.scale >> offeredScale
		}
	}
}

// shift is the one in force for the windows that this end offers.
func (e *end) shift() uint8 { return e.scale & (1<<offeredScale - 1) }

// scaleOf is the shift in force for the side's windows.
func (c *Conn) scaleOf(side reassembly.Side) uint8 { return c.ends[side].shift() }

// scaleUnknown says whether windows may be scaled without our knowing.
func (c *Conn) scaleUnknown() bool {
	return c.bits&optionsCut != 0 || c.ends[0].dir.bits&c.ends[1].dir.bits&synSeen == 0
}

// probeClass recognises probes and keep-alives; Plain is everything else. It
// looks at the sender's space as it was before the segment.
func (s *step) probeClass() Class {
	seg, own := s.seg, s.own
	out := &own.out
	if seg.Len > 1 && !s.peer.dir.is(shut) || !out.Knows(reassembly.KnowNxt) {
		return Plain
	}
	below := seg.Seq == out.Nxt-1 || out.Knows(reassembly.KnowUna) && seg.Seq == out.Una-1
	switch {
	case s.peer.dir.is(shut):
		if s.probes(below) {
			return Probe
		}
	case !below || seg.Flags&reassembly.FIN != 0 || s.overtaken():
	case !out.Knows(reassembly.KnowEdge):
		return Ambiguous
	// KEEP-ALIVE: nothing, or one byte that was acknowledged, one below NXT,
	// and a window that is open.
	case seg.Len == 0 || out.InFlight() == 0:
		return KeepAlive
	}
	return Plain
}

// overtaken says whether the segment may have been sent before the one that was
// captured before it, which took the place of what was NXT.
func (s *step) overtaken() bool {
	last := &s.own.last
	return last.End() != last.Seq && time.Duration(s.seg.At-last.At) < reorderTime
}

// probes says whether the segment probes the peer's zero window, in any of the
// forms that stacks use.
func (s *step) probes(below bool) bool {
	seg, own := s.seg, s.own
	switch seg.Len {
	case 0: // LINUX: nothing, at UNA-1. A FIN is a FIN, and what acknowledges something new is an ACK.
		return below && seg.Flags&reassembly.FIN == 0 && !s.isAck()
	case 1: // BSD, WINDOWS, NT: one byte at NXT or UNA, or at UNA-1.
		return below || !seg.Seq.Before(own.out.Una)
	}
	// A SEGMENT beyond the edge, or what was in flight when the window shut,
	// once the peer has had time to say that it shut.
	return seg.End().After(own.out.Una) &&
		time.Duration(s.c.elapsed(own.quietAt(), seg.At))*time.Microsecond >= max(minProbeGap, s.c.smoothedRTT(s.side))
}

// isAck says whether an empty segment at UNA-1 or NXT-1 is an ACK nevertheless: it
// acknowledges something new since its side's last ACK; or it lies at UNA with one byte
// in flight, since a byte that probes the window leaves SND.NXT where it was (BSD).
func (s *step) isAck() bool {
	out := &s.own.out
	return s.moved > 0 && s.own.last.Flags&reassembly.ACK != 0 || s.seg.Seq == out.Una && out.InFlight() == 1
}

// maybeProbe says whether the segment may be one of a series of probes whose
// cause, the window 0, lies before the capture: the peer has not spoken, and
// the segment is small or repeats.
func (s *step) maybeProbe() bool {
	return !s.own.out.Knows(reassembly.KnowEdge) && s.own.dir.Phase == PhaseOpen && s.seg.Flags&reassembly.FIN == 0 &&
		(s.seg.Len <= 1 || s.class == Retransmission || s.class == Ambiguous)
}
