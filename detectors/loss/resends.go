package loss

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A trigger is what made a sender send a segment again.
type trigger uint8

// The triggers.
const (
	unknownTrigger trigger = iota
	fast                   // the receiver showed a hole: three duplicate ACKs (RFC 5681 3.2), SACK (RFC 6675, RFC 8985)
	timeout                // nothing was acknowledged until the timer ran out (RFC 6298)
	tailProbe              // the last segment once more, to draw a SACK (RFC 8985 7)
	triggers
)

// resends is the account of what one side sent again: what made it, and whether
// it was for nothing. It keeps the latest few while proof of that may come, and
// the counts of all. What comes before an ACK of anything new counts only then:
// where nothing is acknowledged any more, the trouble is not loss.
type resends struct {
	sum      tally
	row      tally  // since something new was last acknowledged
	base     uint64 // what the side had sent that was acknowledged when this account began
	episodes uint32 // each until what had been sent when it began is acknowledged

	open   [openResends]openResend // the latest, oldest first
	opened uint8
	cause  trigger          // of the episode, which lasts until all before covers is acknowledged
	covers reassembly.Seq   // RFC 6582: "recover"
	hole   reassembly.Block // what was in flight when the receiver last showed holes
	shown  int64            // when that was
	stamp  uint32           // timestamp of the row's first, if that is marked as the head
}

// An openResend is a segment that was sent again, of which nobody knows yet
// whether that was needed.
type openResend struct {
	reassembly.Block
	frame   uint32
	trigger trigger
	head    bool // holds the oldest byte, is the first of its row, and has a timestamp
}

const (
	openResends = 8
	// ackClock is what an ACK may take beyond the round trip to make its receiver
	// send: less than the shortest timeout that is common, Linux's 200 ms.
	ackClock = 150 * time.Millisecond
	// leastTimeout is a little less than that timeout.
	leastTimeout = 180 * time.Millisecond
)

// tally counts resends.
type tally struct {
	count [triggers]uint32
	vain  [triggers]uint32 // of these, for nothing
	holes uint32           // whose original the tap has not seen
	bytes uint64
	spare uint64 // bytes sent again for nothing
}

func (t *tally) add(o *tally) {
	for k := range t.count {
		t.count[k] += o.count[k]
		t.vain[k] += o.vain[k]
	}
	t.holes += o.holes
	t.bytes += o.bytes
	t.spare += o.spare
}

func (t *tally) all() uint32    { return sum(&t.count) }
func (t *tally) inVain() uint32 { return sum(&t.vain) }

func sum(counts *[triggers]uint32) (n uint32) {
	for _, c := range counts {
		n += c
	}
	return n
}

// begin starts the account: what is in flight by now may be sent again.
func (a *resends) begin(side reassembly.Side, r *detectors.Report) {
	sent := r.Old.Bytes(side)
	a.base = sent - min(uint64(r.Old.Stream(side).InFlight()), sent)
}

// sent is all payload since then, counted as often as it was sent.
func (a *resends) sent(side reassembly.Side, r *detectors.Report) float64 {
	return float64(r.Old.Bytes(side) - a.base + a.sum.bytes)
}

// resent takes a segment that the side sent again and says what made it, whether
// its timer had just run out, and whether its ACK had been captured by then.
func (a *resends) resent(ev fsm.Event, r *detectors.Report) (expired, late bool) {
	side, seg := ev.Side, ev.Seg
	k, expired := a.triggerOf(ev, r)
	if a.episodes == 0 || r.Old.Acked(side, a.covers) {
		a.episodes++
		a.cause, a.covers = k, r.Old.Stream(side).Nxt
	} else if k == fast || k == timeout {
		a.cause = k
	}
	if r.Old.Covered(side, seg) {
		a.sum.count[k]++
		a.sum.vain[k]++
		a.sum.bytes += uint64(seg.Len)
		a.sum.spare += uint64(seg.Len)
		return false, true
	}
	o := openResend{Block: reassembly.Block{From: seg.Seq, To: seg.End()}, frame: seg.Frame, trigger: k}
	if m := reassembly.MarkOf(seg); a.row.all() == 0 && seg.Opts.Has&reassembly.HasTimestamps != 0 && r.Old.Oldest(side, &m) {
		o.head, a.stamp = true, seg.Opts.TSVal
	}
	if a.opened == openResends {
		a.close(0)
	}
	a.open[a.opened] = o
	a.opened++
	a.row.count[k]++
	a.row.bytes += uint64(seg.Len)
	if ev.Place == reassembly.Filling {
		a.row.holes++
	}
	return expired, false
}

// holeShown notes what the receiver may be missing. What it showed within the
// last round trip may still be sent again.
func (a *resends) holeShown(ev fsm.Event, r *detectors.Report) {
	out := r.Old.Stream(ev.Side)
	if a.shown == 0 || ev.Seg.At-a.shown > int64(r.Old.RTT()) {
		a.hole.From = out.Una
	}
	a.hole.To, a.shown = out.Nxt, ev.Seg.At
}

// triggerOf says what made the side send the segment again, as far as the wire
// shows it, and whether this is the segment for which a timer ran out, not one
// that follows in its recovery.
func (a *resends) triggerOf(ev fsm.Event, r *detectors.Report) (k trigger, expired bool) {
	c, side := r.Old, ev.Side
	silence, waited := waits(ev)
	byTimer := silence >= c.RTT()+ackClock // no ACK that the tap saw made it
	m := reassembly.MarkOf(ev.Seg)
	oldest, youngest := c.Oldest(side, &m), c.Youngest(side, ev.Seg)
	srtt := c.SRTT(side)
	switch {
	// CROSSED: by now all has been acknowledged that the receiver had asked for.
	case !byTimer && c.Covered(side, ev.Seg) && a.hole.Holds(reassembly.Block{From: ev.Seg.Seq, To: ev.Seg.End()}) &&
		ev.Seg.At-a.shown <= int64(c.RTT()+ackClock):
		return fast, false
	// RECOVERY: what else was lost with it is sent again as ACKs come in (RFC 5681
	// 3.1, RFC 6582, RFC 6675).
	case !byTimer && (a.cause == fast || a.cause == timeout) && !c.Acked(side, a.covers):
		return a.cause, false
	case !byTimer && c.LossShown(side) && !c.Covered(side, ev.Seg):
		return fast, false
	// TLP: the last segment, though older ones are in flight (RFC 8985 7.3).
	case youngest && !oldest && waited >= srtt && waited > 0:
		return tailProbe, false
	// A single segment in flight is probed as soon as two round trips later; where
	// that would be later than the timeout, the probe takes its place (RFC 8985 7.2).
	case youngest && oldest && srtt > 0 && waited >= srtt+srtt/2 && waited < leastTimeout:
		return tailProbe, false
	// RTO: the oldest, and nothing showed that it is missing (RFC 6298 5.4).
	case oldest && (srtt > 0 && waited >= srtt+srtt/2 || waited >= leastTimeout):
		return timeout, true
	}
	return unknownTrigger, false
}

// waits are how long both sides had been silent before the segment was sent
// again, and how long its sender had waited for an ACK at most.
func waits(ev fsm.Event) (silence, waited time.Duration) {
	silence = time.Duration(ev.N) * time.Microsecond
	return silence, max(silence, time.Duration(ev.Age)*time.Microsecond)
}

// acked takes the ACK that moved UNA after something was sent again. If it shows
// that this was for nothing, it returns the resend.
func (a *resends) acked(ack *reassembly.Segment) (vain openResend, is bool) {
	a.sum.add(&a.row)
	a.row = tally{}
	for i := range a.open[:a.opened] {
		if !a.open[i].head {
			continue
		}
		a.open[i].head = false
		// EIFEL: the ACK echoes what was stamped before the segment was sent again, so
		// that it answers the original (RFC 3522 3.2).
		if ack.Opts.Has&reassembly.HasTimestamps != 0 && ack.Opts.TSEcr != 0 &&
			reassembly.Seq(ack.Opts.TSEcr).Before(reassembly.Seq(a.stamp)) {
			return a.wasted(i), true
		}
	}
	return vain, false
}

// arrivedTwice takes a D-SACK: what it tells of had been sent again for nothing,
// if it had been (RFC 2883 5).
func (a *resends) arrivedTwice(twice reassembly.Block) (vain openResend, is bool) {
	for i := range a.open[:a.opened] {
		if a.open[i].Meets(twice) {
			return a.wasted(i), true
		}
	}
	return vain, false
}

// wasted notes that the i-th of those open was sent again for nothing.
func (a *resends) wasted(i int) openResend {
	o := a.open[i]
	t := &a.sum
	if a.row.count[o.trigger] > a.row.vain[o.trigger] {
		t = &a.row
	}
	t.vain[o.trigger]++
	t.spare += uint64(o.To - o.From)
	a.close(i)
	return o
}

// close forgets the i-th of those open.
func (a *resends) close(i int) {
	copy(a.open[i:], a.open[i+1:a.opened])
	a.opened--
}
