package fsm

import (
	"math"
	"time"
)

// What a side does as a rule, by which a segment of somebody else in its name
// can be recognised; and for how long neither side sent anything.

// orderlyStep is by how much the IP identifications of two successive segments
// may differ in a host that counts them, with other connections in between.
const orderlyStep = 16

// habits notes how the side marks its packets.
func (s *step) habits() {
	h, last := &s.own.dir, &s.own.last
	h.bits &^= challenged
	if s.class == ChallengeAck {
		h.bits |= challenged
	}
	if last.At == 0 {
		return
	}
	if s.seg.TTL != last.TTL {
		h.bits |= variesTTL
	}
	if gap := s.seg.IPID - last.IPID; s.seg.IPID == 0 || last.IPID == 0 || gap == 0 || gap > orderlyStep {
		h.bits &^= countsIDs
	} else {
		h.bits |= countsIDs
	}
}

// noteIdle notes for how long neither side had sent anything, if the segment ends that.
// Until the other side sends something the longest counts: what is sent again, or on,
// without an answer breaks no new silence. Nor does the acknowledgment of what
// the tap has not seen: it was sent meanwhile.
func (s *step) noteIdle() {
	own, peer := s.own.last.At, s.peer.last.At
	before := max(own, peer)
	if before == 0 {
		return
	}
	if s.ev.Kinds.Has(HoleAcked) { // the peer has spoken, who knows when
		s.c.idle = 0
		return
	}
	first := peer >= own // its side had not spoken last
	if first {
		s.c.idle = 0
	}
	gap := s.seg.At - before
	if gap < int64(time.Second) || !first && (s.class == Retransmission || s.class == Probe) {
		return
	}
	s.c.idle = max(s.c.idle, uint16(min(gap/int64(time.Second), math.MaxUint16)))
}
