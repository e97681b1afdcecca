package fsm

import (
	"math"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
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

// strangeStep is how far a counted IP identification may go on between two
// segments of one connection before it is called strange.
const strangeStep = 4096

// Strange says in what a RST of the side breaks with the habits of the side,
// which had sent prev before: it came with another TTL than all else, with an IP
// identification that is not next in a side that counts, or with none, though
// the side counts. The last is no break in an answer, as Linux makes it for
// sockets that are gone; but no socket that is there made it.
func (c *Conn) Strange(side reassembly.Side, prev, rst *reassembly.Mark) (ttl, id, none bool) {
	h := &c.ends[side].half
	if prev.At == 0 {
		return false, false, false
	}
	ttl = !h.is(variesTTL) && rst.TTL != prev.TTL
	gap := rst.IPID - prev.IPID
	id = h.is(countsIDs) && rst.IPID != 0 && (gap == 0 || gap > strangeStep)
	return ttl, id, h.is(countsIDs) && rst.IPID == 0
}

// Borrowed reports whether a RST of the side bears the IP identification of one
// of the last packets of its peer, which counts them: it was made of that packet.
func (c *Conn) Borrowed(side reassembly.Side, rst *reassembly.Mark) bool {
	peer := &c.ends[side.Peer()]
	return peer.half.is(countsIDs) && rst.IPID != 0 && peer.last.IPID-rst.IPID <= numbersApart
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

// Silence is how long nobody had spoken before the side that spoke last, RSTs
// aside, did so: in seconds, 18 hours at most, zero if it was less than one.
func (c *Conn) Silence() time.Duration { return time.Duration(c.hush) * time.Second }
