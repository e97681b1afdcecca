package fsm

import (
	"math"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is known at the moment when a segment is sent again: whether the receiver said that
// something is missing, and how long the sender has waited.

// dupThresh is how many duplicate ACKs show a sender that a segment is lost
// (RFC 5681 3.2).
const dupThresh = 3

// lossShown reports whether the peer has shown that something of this end is
// missing: by three duplicate ACKs, or by SACK (RFC 6675, RFC 8985).
func (e *end) lossShown() bool { return e.dups >= dupThresh } // or sacked

// sacked is the bit of dups that says that the peer has something beyond UNA, by SACK, since UNA last moved.
const sacked = 1 << 7

func (e *end) isSacked() bool { return e.dups&sacked != 0 }

// dupACKs is the duplicate ACKs since UNA last moved.
func (e *end) dupACKs() uint8 { return e.dups &^ sacked }

// noProgressResends is how many resends in a row without progress are remarkable.
const noProgressResends = 3

// dupAck counts a duplicate ACK for the peer, unless it shows nothing missing: a receiver
// with SACK that lacks something says what it has beyond (RFC 2018 4), and a D-SACK answers
// what it has already (RFC 2883 4).
func (s *step) dupAck() {
	p := s.peer
	if s.arrivedTwice || s.seg.Opts.NBlocks == 0 && s.c.usesSACK() && s.seg.Opts.Has&reassembly.OptionsCut == 0 {
		return
	}
	shown := p.lossShown()
	if p.dupACKs() < sacked-1 {
		p.dups++
	}
	if !shown && p.lossShown() {
		s.emit(HoleShown, s.side.Peer())
	}
}

// uncounted reports whether the segment begins where its side stands by its own account, though
// the side has sent payload from there on already: the last that it sent is a pure ACK
// with that sequence number, which a host takes from SND.NXT. A proxy that does not count what it
// sends sends other bytes at the same place; to its peer, they are old. A host that knows what it has in flight
// may set SND.NXT back when its timer expires: what follows that counts as sent again.
func (s *step) uncounted() bool {
	own, last := s.own, &s.own.last
	return last.Seq == s.seg.Seq && last.Len == 0 && last.Flags&(reassembly.SYN|reassembly.FIN|reassembly.RST) == 0 &&
		own.out.Nxt.After(s.seg.Seq+1) && own.row == 0 && own.dir.is(timing) &&
		s.c.elapsed(own.rttAt, last.At) > uint32(reorderTime/time.Microsecond)
}

// usesSACK reports whether both SYNs permitted SACK (RFC 2018 2).
func (c *Conn) usesSACK() bool {
	return c.ends[0].opts&c.ends[1].opts&reassembly.HasSACKPermitted != 0
}

// resend is how long it took until something was sent again, in microseconds.
type resend struct {
	silence uint32 // since the last segment of either side
	age     uint32 // since what is in flight was sent, by the segment that is timed; 0 = none is
}

// resend looks at the clocks before the segment restarts them.
func (s *step) resend() (r resend) {
	last := max(s.own.last.At, s.peer.last.At)
	if last != 0 {
		r.silence = uint32(min(max(s.seg.At-last, 0)/int64(time.Microsecond), math.MaxUint32))
	}
	if s.own.dir.is(timing) {
		r.age = s.c.elapsed(s.own.rttAt, s.seg.At)
	}
	return r
}

// sack processes the segment's SACK blocks, in the peer's sequence space.
func (s *step) sack() {
	seg, peer := s.seg, s.peer
	blocks := seg.Opts.Blocks[:seg.Opts.NBlocks]
	outside, reach := false, peer.out.Una
	_, dsack := seg.Opts.Twice(seg.Ack)
	for i, b := range blocks {
		switch {
		case !b.From.Before(b.To): // a block that is none
		case !peer.out.Acceptable(b.From, uint32(b.To-b.From), s.own.maxWnd, s.c.scaleUnknown()):
			outside = outside || peer.out.InFlight() > 0 // else it shows no hole, but a segment of another connection
		case i == 0 && dsack:
			s.arrivedTwice = len(blocks) == 1
			last := &peer.last
			onlyFIN := peer.rexmits == 1 && last.Flags&reassembly.FIN != 0 && last.Len == 0
			again := peer.rexmits > 0 && (!onlyFIN || !b.From.Before(last.Seq))                                 // it may have sent that again
			probed := last.Len == 1 && last.Seq == b.From && last.Flags&reassembly.PSH == 0 && b.From+1 == b.To // a keep-alive sends a byte that has arrived
			if !again && !probed {
				peer.bits |= doubled
			}
			s.emit(ArrivedTwice, s.side.Peer())
			if seg.At-peer.last.At > int64(s.c.rto(s.side.Peer())) { // it answers at once what came the second time (RFC 2883 4)
				s.c.Unobserved(seg.At)
			}
		case b.To.After(peer.out.Una):
			if !peer.lossShown() {
				s.emit(HoleShown, s.side.Peer())
			}
			peer.dups |= sacked
			reach = reach.Max(b.To)
		}
	}
	if reach != peer.out.Una {
		s.ev.reach = reach
		s.emit(Sacked, s.side.Peer())
	}
	if outside {
		s.emit(SackOutOfWindow, s.side)
	}
}

// order is of two packets of one host, by their IP identifications.
type order uint8

const (
	unordered order = iota
	before
	after
)

// numbersApart is how far the IP identifications of two packets of a connection may lie
// apart if the host counts. Where it draws them at random, two lie that close once in 500
// times.
const numbersApart = 64

// numbered says whether the segment was sent before or after the latest of its side
// that was captured, if the host numbers its packets: the one captured last may have been late itself.
func (s *step) numbered() order { return orderOf(s.seg.IPID, s.own.greatestID()) }

// orderOf is that of the packet with the identification id, seen from the one with
// last.
func orderOf(id, last uint16) order {
	switch d := int16(id - last); {
	case id == 0 || last == 0 || d == 0 || d > numbersApart || d < -numbersApart:
		return unordered
	case d < 0:
		return before
	}
	return after
}
