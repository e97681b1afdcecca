package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ACKs that come late, and ACKs that answer ACKs.

const (
	// minAckDelay is the shortest timer of a delayed ACK that is waited for, Linux's
	// 40 ms, with room for a timer that is not exact; maxAckDelay is the longest
	// that RFC 1122 4.2.3.2 allows.
	minAckDelay = 35 * time.Millisecond
	maxAckDelay = 500 * time.Millisecond
	// reactTime is how long a host needs to send on once an ACK lets it.
	reactTime = 3 * time.Millisecond
	// ackAnswerTime is how soon an ACK follows the one that draws it, twice the longest
	// round trip or so. No timer that sends ACKs is shorter.
	ackAnswerTime = 200 * time.Millisecond
)

// nagleDelayed says whether the payload waited for an ACK that the peer delayed:
// Nagle (RFC 9293 3.7.4) meets a delayed ACK (RFC 9293 3.8.6.3). The ACK is
// pure and covers all that was sent, it came later than the path explains, and
// what is less than a full segment followed it at once, as soon as the path
// allows and no sooner. The path ends at whatever acknowledges for the side.
// Behind several segments, captured as one before or after offload, it did not
// wait because of Nagle: a stack sends the end of a long write at once.
func (s *step) nagleDelayed() bool {
	seg, before, ack := s.seg, &s.own.last, &s.peer.last
	delay := time.Duration(ack.At - before.At)
	if delay < minAckDelay || ack.Len > 0 || before.Len == 0 {
		return false
	}
	there, back := s.c.handshakeRTT(s.side.Peer()), s.c.handshakeRTT(s.side)
	if s.own.bits&acksSooner != 0 {
		back = 0
	}
	react := time.Duration(seg.At - ack.At)
	return delay-there >= minAckDelay && delay-there <= maxAckDelay &&
		react+reactTime >= back/2 && react <= back+back/2+reactTime &&
		ack.Flags&(reassembly.SYN|reassembly.FIN|reassembly.RST|reassembly.ACK) == reassembly.ACK &&
		ack.Ack == seg.Seq && before.End() == seg.Seq &&
		s.c.isSmall(seg.Len) && before.Len <= s.largest() && s.hasRoom()
}

// hasRoom says whether the peer's window has room for two full segments, so that
// it was not the window that was waited for. A window whose scale was not seen is
// larger than it looks, if anything: what looks hasRoom is.
func (s *step) hasRoom() bool {
	out := &s.own.out
	if s.c.bits&optionsCut == 0 && s.c.scaleUnknown() { // who waits for the window fills it
		return s.seg.End().Before(out.Edge)
	}
	return uint32(max(out.Una.To(out.Edge), 0)) >= 2*s.c.fullSegment()
}

// largest is the most payload of one segment on the wire.
func (s *step) largest() uint32 {
	if s.own.mss|s.peer.mss == 0 {
		return ethernetMSS
	}
	return s.c.fullSegment()
}

// ethernetMSS is the payload of a full segment where the MTU is 1500.
const ethernetMSS = 1460

// fullSegment is segmentSize, or more where an MSS may have been cut off.
func (c *Conn) fullSegment() uint32 {
	size := c.segmentSize()
	if c.bits&optionsCut != 0 {
		size = max(size, ethernetMSS)
	}
	return size
}

// segmentSize is the payload of a full segment, options left out: the smaller of
// both sides' MSS, 536 where none was seen (RFC 9293 3.7.1).
func (c *Conn) segmentSize() uint32 {
	if least := min(c.ends[0].mss-1, c.ends[1].mss-1) + 1; least != 0 { // one that was not seen, which is 0, counts as the largest
		return uint32(least)
	}
	return 536
}

// maxOptions is the most that a TCP header's options take (RFC 9293 3.1).
const maxOptions = 40

// isSmall reports whether a segment with so much payload is less than a full one,
// whatever its options: one that Nagle holds back.
func (c *Conn) isSmall(payload uint32) bool {
	return payload+maxOptions < c.segmentSize()
}

// repeatsAck says whether the segment is the side's last pure ACK once more, and
// all that came in between is a pure ACK of the peer's. Nothing calls for that
// but an ACK that is not acceptable (RFC 9293 3.10.7.4).
func (s *step) repeatsAck() bool {
	seg, own, peer := s.seg, &s.own.last, &s.peer.last
	return seg.Seq == own.Seq && seg.Ack == own.Ack && own.At <= peer.At && time.Duration(seg.At-own.At) < ackAnswerTime &&
		isPure(own) && isPure(peer) && seg.Flags&(reassembly.FIN|reassembly.RST) == 0 &&
		!s.own.dir.is(shut) && !s.peer.dir.is(shut)
}

func isPure(m *reassembly.Mark) bool {
	return m.Len == 0 && m.Flags&(reassembly.SYN|reassembly.FIN|reassembly.RST|reassembly.ACK) == reassembly.ACK
}
