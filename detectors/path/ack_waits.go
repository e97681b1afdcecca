package path

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A wait is one stall: what was sent, its ACK, and what waited for the ACK.
type wait struct{ data, ack, held reassembly.Mark }

func (x *wait) lasted() int64 { return x.ack.At - x.data.At }

// soonAfter reports whether the segment that was held came a round trip to the sender after the ACK, but for a quarter of one. What
// comes later than that from a far sender, its application may have written by then.
func (x *wait) soonAfter(side reassembly.Side, r *detectors.Report) bool {
	rtt := int64(r.Conn.HandshakeRTT(side))
	return rtt <= int64(farSender) || x.held.At-x.ack.At <= rtt+rtt/4
}

// A tally is what several waits have in common.
type tally struct {
	first, longest wait
	n              int
	lost           int64
	certain        int64 // of that, after which the next segment came as soon as the path allows: see soonAfter
	shortest       int64
	last           int64 // when it last waited
}

func (t *tally) add(x *wait, side reassembly.Side, r *detectors.Report) {
	if t.n == 0 {
		t.first, t.shortest = *x, x.lasted()
	}
	if x.lasted() > t.longest.lasted() {
		t.longest = *x
	}
	lost := x.lasted() - int64(r.Conn.HandshakeRTT(side.Peer()))
	if x.soonAfter(side, r) {
		t.certain += lost
	}
	t.n, t.lost, t.shortest, t.last = t.n+1, t.lost+lost, min(t.shortest, x.lasted()), x.held.At
}

// and is both together.
func (t tally) and(o *tally) tally {
	switch {
	case o.n == 0:
		return t
	case t.n == 0:
		return *o
	case o.first.data.At < t.first.data.At:
		t.first = o.first
	}
	if o.longest.lasted() > t.longest.lasted() {
		t.longest = o.longest
	}
	t.n, t.lost, t.certain = t.n+o.n, t.lost+o.lost, t.certain+o.certain
	t.shortest, t.last = min(t.shortest, o.shortest), max(t.last, o.last)
	return t
}

// steady reports whether all of them lasted about as long, as a timer runs: a path that holds segments up does not do so by the same time.
func (t *tally) steady() bool { return t.longest.lasted() <= t.shortest+t.shortest/4 }
