package kernel

import (
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A waitTruth is what those who know say of a case, in nanoseconds.
type waitTruth struct {
	duration  int64
	roundTrip int64       // as the kernels measured it last, queues included
	app       [2]interval // least and most time that an application slept while nothing else was waited for
	rwnd      int64       // limited by the receiver's window, for the kernels: a lower bound
	sndbuf    int64       // limited by the send buffer
	busy      int64       // anything was in flight
	loss      int64       // something that the path lost was due, until it was acknowledged
	dropped   bool        // something was lost
	unopened  bool        // of that, a SYN or SYN-ACK: behind the tap, the handshake only took longer
}

func (r *waitRun) truth() (x waitTruth) {
	first, last := r.packets[0].sent, int64(0)
	for _, p := range r.packets {
		last = max(last, p.arrived)
		x.dropped = x.dropped || p.arrived == 0
		x.unopened = x.unopened || p.arrived == 0 && p.seg.Flags&reassembly.SYN != 0
	}
	x.duration = last - first
	for side, a := range r.parties {
		x.roundTrip = max(x.roundTrip, int64(a.info.Rtt)*1000)
		x.rwnd += int64(a.info.Rwnd_limited) * 1000
		x.sndbuf += int64(a.info.Sndbuf_limited) * 1000
		x.busy += int64(a.info.Busy_time) * 1000
		for _, s := range a.slept {
			least, most, own := r.waited(side, s)
			x.app[side].from += least
			if own { // else it is one of the turns
				x.app[side].to += most
			}
		}
		x.app[side].to += r.turns(side)
	}
	x.loss = r.lossTime(2 * int64(r.oneWay))
	return x
}

// waited is how long at least, and at most, the side's application alone was waited for
// while it slept: from its last payload, or the arrival of the peer's, to what it sent then.
// own is whether it was the side's own payload.
func (r *waitRun) waited(side int, s interval) (least, most int64, own bool) {
	var from, clean, next int64 // clean is when all that was lost meanwhile had been acknowledged
	var nxt, una, edge reassembly.Seq
	var known, again bool
	scale := uint8(0)
	for _, p := range r.packets { // in order of sending
		if p.from != side && p.seg.Flags&reassembly.SYN != 0 {
			scale = p.seg.Opts.Scale
		}
		switch {
		case p.from == side && p.sent <= s.to && p.seg.Len > 0:
			if known && p.seg.Seq.Before(nxt) {
				again = again || p.sent > s.from
			} else {
				from, own = max(from, p.sent), true
			}
			nxt, known = p.seg.Seq+reassembly.Seq(p.seg.Len), true
		case p.from == side && p.sent > s.to && p.seg.Len > 0 && next == 0:
			next = p.sent
		case p.from != side && p.arrived != 0 && p.arrived <= s.to:
			if p.seg.Len > 0 {
				from, own = max(from, p.arrived), own && from > p.arrived
			}
			if w := p.seg.Ack + reassembly.Seq(uint32(p.seg.Window)<<scale); edge.Before(w) || edge == 0 {
				edge = w
			}
			if una.Before(p.seg.Ack) || una == 0 {
				una, clean = p.seg.Ack, p.arrived
			}
		}
	}
	if next == 0 {
		return 0, 0, own
	}
	most = max(next-max(from, s.from), 0)
	least = s.to - max(from, s.from)
	if again {
		least = s.to - max(from, s.from, clean)
	}
	justNow := clean > s.to-max(2*int64(time.Millisecond), int64(r.oneWay)/4) // as if it had waited for that ACK
	if known && (una.Before(nxt) || justNow || nxt.To(edge) < segment) {      // something is in flight, or the window is shut
		least = 0
	}
	return max(least, 0), most, own
}

// turns is how long the side took to answer in all, whatever it did: from the arrival of
// its peer's payload, or of the end of the handshake, to its own. What the path took longer
// than usual counts, too: an account knows only what is usual.
func (r *waitRun) turns(side int) (sum int64) {
	var last *packet
	for _, p := range r.packets {
		switch {
		case p.seg.Len == 0 && (p.seg.Flags&reassembly.SYN == 0 || side == 1) || p.arrived == 0:
		case p.from != side:
			last = p
		case last != nil && p.seg.Len > 0:
			sum += max(p.sent-last.arrived, 0) + max(last.arrived-last.sent-int64(r.oneWay), 0)
			last = nil
		}
	}
	return sum
}

// lossTime is for how long payload was due that the path had lost: from a round trip after
// it was sent, until it was acknowledged.
func (r *waitRun) lossTime(roundTrip int64) (sum int64) {
	var open []interval
	for _, p := range r.packets {
		if p.arrived != 0 || p.seg.Len == 0 {
			continue
		}
		for _, q := range r.packets {
			if q.from != p.from && q.arrived > p.sent && p.seg.End().AtOrBefore(q.seg.Ack) {
				open = append(open, interval{p.sent + roundTrip, q.arrived})
				break
			}
		}
	}
	slices.SortFunc(open, func(a, b interval) int { return int(a.from - b.from) })
	until := int64(0)
	for _, i := range open {
		sum += max(i.to-max(i.from, until), 0)
		until = max(until, i.to)
	}
	return sum
}

var appWaits = [2]detectors.Wait{detectors.ClientApp, detectors.ServerApp}
