package waits

import (
	"math"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Figures are what is counted and measured of what one side sent: those that people know
// from Ostermann's tcptrace -l -r.
type Figures struct {
	Sizes      Spread // payload of its segments that have any, in bytes
	Windows    Spread // that it offered, scaled, in bytes; SYNs and RSTs aside
	Flight     Spread // its bytes in flight, after each segment with payload
	RTT        Spread // from a segment to its acknowledgment, both at the tap, in nanoseconds; retransmissions aside (Karn)
	IdleMax    int64  // longest time between two of its segments, in nanoseconds
	DupAcks    uint64 // duplicate ACKs that it sent
	TripleAcks uint64 // times that it sent a third duplicate ACK in a row
	OutOfOrder uint64 // its segments that were captured out of order
	DSACKs     uint64 // times that its peer reported that something arrived twice (RFC 2883)

	last  int64          // when it last sent anything
	timed int64          // when the segment that is being timed was sent; 0 = none
	due   reassembly.Seq // acknowledging this ends the timing
	row   uint32         // duplicate ACKs in a row
}

// A Spread is the least, the mean and the most of some values, and how far they scatter.
type Spread struct {
	N        uint64
	Min, Max int64
	sum      float64
	squares  float64
}

func (s *Spread) add(v int64) {
	if s.N == 0 || v < s.Min {
		s.Min = v
	}
	s.N, s.Max = s.N+1, max(s.Max, v)
	s.sum += float64(v)
	s.squares += float64(v) * float64(v)
}

// Mean is the mean of the values; 0 if there are none.
func (s *Spread) Mean() int64 {
	if s.N == 0 {
		return 0
	}
	return int64(math.Round(s.sum / float64(s.N)))
}

// Deviation is the standard deviation of the values; 0 if there is but one.
func (s *Spread) Deviation() int64 {
	if s.N < 2 {
		return 0
	}
	n := float64(s.N)
	return int64(math.Round(math.Sqrt(max(s.squares-s.sum*s.sum/n, 0) / (n - 1))))
}

// measure counts a segment of the side own, after fsm has processed it.
func measure(own, peer *Figures, seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn) {
	if own.last != 0 {
		own.IdleMax = max(own.IdleMax, seg.At-own.last)
	}
	own.last = max(own.last, seg.At)
	if peer.timed != 0 && seg.Flags&reassembly.ACK != 0 && peer.due.AtOrBefore(seg.Ack) {
		peer.RTT.add(max(seg.At-peer.timed, 0))
		peer.timed = 0
	}
	switch ev.Class {
	case fsm.OutOfWindow, fsm.Rst:
		return
	case fsm.Retransmission:
		own.timed = 0
	case fsm.OutOfOrder:
		own.OutOfOrder++
	case fsm.NewData:
		if own.timed == 0 {
			own.timed, own.due = seg.At, seg.End()
		}
	case fsm.DupAck:
		own.DupAcks++
		if own.row++; own.row == 3 {
			own.TripleAcks++
		}
	}
	if ev.Class != fsm.DupAck {
		own.row = 0
	}
	if ev.Kinds.Has(fsm.ArrivedTwice) {
		peer.DSACKs++
	}
	if seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.ACK {
		shift, _ := c.View().WindowScale(side)
		own.Windows.add(int64(seg.Window) << shift)
	}
	if seg.Len > 0 {
		own.Sizes.add(int64(seg.Len))
		own.Flight.add(int64(c.Out(side).InFlight()))
	}
}
