package waits

import (
	"math"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Figures are what is counted and measured of what one side sent: those that people know
// from Ostermann's tcptrace -l -r.
type Figures struct {
	Sizes      Sizes  // payload of its segments that have any
	Windows    Sizes  // that it offered, scaled; SYNs and RSTs aside
	Flight     Sizes  // its bytes in flight, after each segment with payload
	RTT        Times  // from a segment to its acknowledgment, both at the tap; retransmissions aside (Karn)
	IdleMax    int64  // longest time between two of its segments, in nanoseconds
	DupAcks    uint32 // duplicate ACKs that it sent
	TripleAcks uint32 // times that it sent a third duplicate ACK in a row
	OutOfOrder uint32 // its segments that were captured out of order
	DSACKs     uint32 // times that its peer reported that something arrived twice (RFC 2883)
}

// Sizes are the minimum, mean and maximum of some numbers of bytes.
type Sizes struct {
	N, Min, Max uint32
	sum         uint64
}

func (s *Sizes) add(bytes uint32) {
	if s.N == 0 || bytes < s.Min {
		s.Min = bytes
	}
	if bytes > s.Max {
		s.Max = bytes
	}
	s.N++
	s.sum += uint64(bytes)
}

// Mean is the mean of the sizes, rounded; 0 if there are none.
func (s *Sizes) Mean() uint64 {
	if s.N == 0 {
		return 0
	}
	return uint64(math.Round(float64(s.sum) / float64(s.N)))
}

// Times are the minimum, mean, maximum and deviation of some durations in nanoseconds.
type Times struct {
	N        uint64
	Min, Max int64
	sum      float64
	squares  float64
}

func (t *Times) add(ns int64) {
	if t.N == 0 || ns < t.Min {
		t.Min = ns
	}
	t.N, t.Max = t.N+1, max(t.Max, ns)
	t.sum += float64(ns)
	t.squares += float64(ns) * float64(ns)
}

// Mean is the mean of the durations; 0 if there are none.
func (t *Times) Mean() int64 {
	if t.N == 0 {
		return 0
	}
	return int64(math.Round(t.sum / float64(t.N)))
}

// Deviation is the standard deviation of the durations; 0 if there are fewer than two.
func (t *Times) Deviation() int64 {
	if t.N < 2 {
		return 0
	}
	n := float64(t.N)
	return int64(math.Round(math.Sqrt(max(t.squares-t.sum*t.sum/n, 0) / (n - 1))))
}

// A gauge is what is measured of one side while its account is open.
type gauge struct {
	last  int64          // when it last sent anything
	timed int64          // when the segment that is being timed was sent; 0 = none
	due   reassembly.Seq // acknowledging this ends the timing
	row   uint32         // duplicate ACKs in a row
}

// measure counts a segment of the side, after fsm has processed it.
func (o *openRecord) measure(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn) {
	own, peer, now, then := &o.Figures[0], &o.Figures[1], &o.gauges[0], &o.gauges[1]
	if side == reassembly.B { // costs less than four indexes
		own, peer, now, then = peer, own, then, now
	}
	if now.last != 0 {
		own.IdleMax = max(own.IdleMax, seg.At-now.last)
	}
	now.last = max(now.last, seg.At)
	if then.timed != 0 && seg.Flags&reassembly.ACK != 0 && then.due.AtOrBefore(seg.Ack) {
		peer.RTT.add(max(seg.At-then.timed, 0))
		then.timed = 0
	}
	switch ev.Class {
	case fsm.OutOfWindow, fsm.Rst:
		return
	case fsm.Retransmission:
		now.timed = 0
	case fsm.OutOfOrder:
		own.OutOfOrder++
	case fsm.NewData:
		if now.timed == 0 {
			now.timed, now.due = seg.At, seg.End()
		}
	case fsm.DupAck:
		own.DupAcks++
		if now.row++; now.row == 3 {
			own.TripleAcks++
		}
	}
	if ev.Class != fsm.DupAck {
		now.row = 0
	}
	if ev.Kinds.Has(fsm.ArrivedTwice) {
		peer.DSACKs++
	}
	if seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.ACK {
		shift, _ := c.View().WindowScale(side)
		own.Windows.add(uint32(seg.Window) << shift)
	}
	if seg.Len > 0 {
		own.Sizes.add(seg.Len)
		own.Flight.add(c.Out(side).InFlight())
	}
}
