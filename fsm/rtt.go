package fsm

import (
	"math"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The bounds of RFC 6298: 2.4 floor, 2.1 without samples (as RFC 1122 had it),
// 2.5 ceiling.
const (
	minRTO     = time.Second
	defaultRTO = 3 * time.Second
	maxRTO     = 120 * time.Second
)

// clock is a time in microseconds of the connection modulo 2^32: enough for
// differences of up to 71 minutes.
func (c *Conn) clock(at int64) uint32 { return uint32((at - c.first) / int64(time.Microsecond)) }

// elapsed is how many microseconds went by from a reading of the clock to at; 0
// if it was captured the other way round. Trace time goes back by a second at
// most.
func (c *Conn) elapsed(since uint32, at int64) uint32 {
	const back = 2_000_000
	if d := c.clock(at) - since; d <= math.MaxUint32-back {
		return d
	}
	return 0
}

// time begins to time the segment, until what it sends is acknowledged.
func (c *Conn) time(own *end, seg *reassembly.Segment) {
	own.rttAt, own.rttSeq = c.clock(seg.At), seg.End()
	own.dir.bits |= timing
}

// timed is how long the peer's segment has been timed, in microseconds: at
// least one, so that zero can mean "not seen".
func (s *step) timed() uint32 { return max(s.c.elapsed(s.peer.rttAt, s.seg.At), 1) }

// unheard is for how long this side had sent nothing, in microseconds, since the peer's segment was sent that was timed before it was sent
// again, if this acknowledges it, by which UNA moved so far; 0 if it does not.
func (s *step) unheard(moved uint32) uint32 {
	p := s.peer
	if p.rttSeq.After(s.seg.Ack) || !p.rttSeq.After(s.seg.Ack-reassembly.Seq(moved)) {
		return 0
	}
	silence := s.timed()
	if last := s.own.last.At; last != 0 {
		silence = min(silence, s.c.elapsed(s.c.clock(last), s.seg.At))
	}
	return silence
}

// timedFor is how long the side's segment that is being timed had been in flight; 0 if none is.
func (c *Conn) timedFor(side reassembly.Side, at int64) time.Duration {
	e := &c.ends[side]
	if !e.dir.is(timing) {
		return 0
	}
	return time.Duration(max(c.elapsed(e.rttAt, at), 1)) * time.Microsecond
}

// leastRTT is how long the side's data takes at least until it is acknowledged: two mean deviations below the mean. The first
// of these is the handshake's, which may be slow (ARP, a radio that wakes up); later ones correct it step by step.
func (c *Conn) leastRTT(side reassembly.Side) time.Duration {
	e := &c.ends[side]
	return time.Duration(max(int64(e.srtt)-2*int64(e.rttvar), 0)) * time.Microsecond
}

// lateAnswer is how long an answer takes that is worth an event, in microseconds:
// few paths are that long.
const lateAnswer = 200_000

// timeAnswer notes how long this side took to answer the peer's SYN, or its
// SYN-ACK.
func (s *step) timeAnswer() {
	if !s.peer.dir.is(timing) {
		if s.peer.last.Flags&reassembly.SYN != 0 && s.own.answer == 0 {
			s.own.answer, s.own.bits = max(s.c.elapsed(s.c.clock(s.peer.last.At), s.seg.At), 1), s.own.bits|atLeast
		}
		return
	}
	s.own.answer, s.own.bits = s.timed(), s.own.bits&^atLeast
	crossing := s.seg.Flags&reassembly.SYN != 0 && s.own.dir.is(synSeen)
	if s.own.answer >= lateAnswer && !crossing {
		s.ev.addWas(AnsweredLate, s.side, peerLast, &s.peer.last)
	}
}

// sampleRTT ends the timing of one of the peer's segments (RFC 6298 2.2, 2.3).
func (s *step) sampleRTT() {
	p := s.peer
	if !p.dir.is(timing) || s.seg.Ack.Before(p.rttSeq) {
		return
	}
	r := s.timed()
	p.dir.bits &^= timing
	if s.c.bits&midstream != 0 && (s.own.answer == 0 || r < s.own.answer) {
		s.own.answer, s.own.bits = r, s.own.bits|atLeast
	}
	if s.own.answer >= s.minRelayed() && s.own.answer/timesRelayed >= r {
		s.own.bits |= acksSooner
	}
	s.timeAfterBare(r)
	if p.srtt == 0 {
		p.srtt, p.rttvar = r, r/2
		return
	}
	d := max(p.srtt, r) - min(p.srtt, r)
	p.rttvar = uint32((3*uint64(p.rttvar) + uint64(d)) / 4)
	p.srtt = max(uint32((7*uint64(p.srtt)+uint64(r))/8), 1)
}

// How long an answer in the handshake must take, in microseconds, and how many times as long as
// an ACK of data, for something to acknowledge for the host: hosts are late by a few
// milliseconds (ARP), and queues make round trips a few times as long. A SYN-ACK without MSS is no
// host's in the first place: hosts send it (RFC 9293 3.7.1), VPN programs on telephones do not.
const (
	minRelayed      = 20_000
	minRelayedNoMSS = 1_000
	timesRelayed    = 10
)

// minRelayed is how long this side's answer in the handshake must take for [Conn.Relayed].
func (s *step) minRelayed() uint32 {
	if s.peer.opts&reassembly.HasMSS != 0 && s.own.dir.is(synSeen) && s.own.opts&reassembly.HasMSS == 0 && s.c.bits&optionsCut == 0 {
		return minRelayedNoMSS
	}
	return minRelayed
}

// minBare is minRelayed, in microseconds, where the SYN-ACK refused all that SYNs of today offer:
// the NAT of VMware answers so. A small host does so, too, and may be late once; there, two
// ACKs in a row must come so soon.
const minBare = 5_000

// timeAfterBare notes whether an ACK of this side, which took so many microseconds, came soon
// after such an answer.
func (s *step) timeAfterBare(took uint32) {
	own := s.own
	switch soon := own.bits&ackSoon != 0; {
	case own.answer < minBare, own.opts&^reassembly.HasMSS != 0, !own.dir.is(synSeen), s.peer.opts&modern != modern, s.c.bits&optionsCut != 0:
	case own.answer/timesRelayed < took:
		own.bits &^= ackSoon
	case soon:
		own.bits |= acksSooner
	default:
		own.bits |= ackSoon
	}
}

// modern are the options that all SYNs have today.
const modern = reassembly.HasMSS | reassembly.HasScale | reassembly.HasSACKPermitted

// Relayed is how long the side took at least to answer the peer's part of the handshake, if an ACK of
// data took so much less that it seems to come from something between: a NAT or a proxy that
// acknowledges for it; else 0.
func (c *Conn) Relayed(side reassembly.Side) time.Duration {
	if c.ends[side].bits&acksSooner == 0 {
		return 0
	}
	return time.Duration(c.ends[side].answer) * time.Microsecond
}

// smoothedRTT is the smoothed time from the side's data, at the tap, to its
// acknowledgment there; 0 if nothing was timed.
func (c *Conn) smoothedRTT(side reassembly.Side) time.Duration {
	return time.Duration(c.ends[side].srtt) * time.Microsecond
}

// handshakeRTT is how long the side took to answer the peer's part of the handshake:
// SYN to SYN-ACK, or SYN-ACK to ACK; 0 if that was not seen, or was sent twice.
func (c *Conn) handshakeRTT(side reassembly.Side) time.Duration {
	if c.ends[side].bits&atLeast != 0 {
		return 0
	}
	return time.Duration(c.ends[side].answer) * time.Microsecond
}

// soonestACK is the least that it took the side to acknowledge a segment, where the handshake was not captured; else 0.
func (c *Conn) soonestACK(side reassembly.Side) time.Duration {
	if c.bits&midstream == 0 {
		return 0
	}
	return time.Duration(c.ends[side].answer) * time.Microsecond
}

// rto is the side's retransmission timeout without backoff (RFC 6298), from
// the samples seen: at least a second, three without samples.
func (c *Conn) rto(side reassembly.Side) time.Duration {
	e := &c.ends[side]
	if e.srtt == 0 {
		return defaultRTO
	}
	return min(max(time.Duration(uint64(e.srtt)+4*uint64(e.rttvar))*time.Microsecond, minRTO), maxRTO)
}

// RTT is the round trip of the handshake, both parts as the tap sees
// them; without one, of the data that was timed; 0 if there is neither.
func (c *Conn) RTT() time.Duration {
	if a, b := c.handshakeRTT(reassembly.A), c.handshakeRTT(reassembly.B); a != 0 && b != 0 {
		return a + b
	}
	return c.smoothedRTT(reassembly.A) + c.smoothedRTT(reassembly.B)
}
