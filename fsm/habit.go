package fsm

import (
	"math"
	"time"
)

// What a side does as a rule, by which a segment of somebody else in its name
// can be told; and how long nobody spoke.

// orderlyStep is by how much the IP identifications of two successive segments
// may differ in a host that counts them, with other connections in between.
const orderlyStep = 16

// habits notes how the side marks its packets.
func (s *step) habits() {
	h, last := &s.own.half, &s.own.last
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

// breakSilence notes for how long nobody had spoken, if the segment ends that.
// Until the other side speaks the longest counts: what is sent again, or on,
// without an answer breaks no new silence. Nor does the acknowledgment of what
// the tap has not seen: it was sent meanwhile.
func (s *step) breakSilence() {
	own, peer := s.own.last.At, s.peer.last.At
	before := max(own, peer)
	if before == 0 {
		return
	}
	if s.ev.Kinds.Has(HoleAcked) { // the peer has spoken, who knows when
		s.c.hush = 0
		return
	}
	first := peer >= own // its side had not spoken last
	if first {
		s.c.hush = 0
	}
	gap := s.seg.At - before
	if gap < int64(time.Second) || !first && (s.class == Retransmission || s.class == Probe) {
		return
	}
	s.c.hush = max(s.c.hush, uint16(min(gap/int64(time.Second), math.MaxUint16)))
}
