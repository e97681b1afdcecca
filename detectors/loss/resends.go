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
	timeout                // nothing was acknowledged until the timer expired (RFC 6298)
	tailProbe              // the last segment once more, to elicit a SACK (RFC 8985 7)
	triggers
)

// resends counts what one side sent again, by trigger, and how much of it was
// spurious. It keeps the latest few while proof of that may come. What was sent again
// before an ACK of anything new counts only from that ACK on: if nothing is
// acknowledged any more, the problem is not loss.
type resends struct {
	total    counts
	pending  counts // since something new was last acknowledged
	base     uint64 // payload that was acknowledged before the first retransmission
	episodes uint32 // each lasts until what had been sent when it began is acknowledged

	open    [openResends]openResend // the latest, oldest first
	opened  uint8
	cause   trigger          // of the episode, which lasts until all before recover is acknowledged
	recover reassembly.Seq   // RFC 6582
	hole    reassembly.Block // what was in flight when the receiver last showed holes
	shown   int64            // when that was
	stamp   uint32           // timestamp of the first pending one, if that is marked as the head
}

// An openResend is a segment that was sent again, and may yet prove spurious.
type openResend struct {
	reassembly.Block
	frame   uint32
	trigger trigger
	head    bool // holds the oldest byte, is the first pending one, and has a timestamp
}

const (
	openResends = 8
	// ackClock is what an ACK may take beyond the round trip to make its receiver
	// send: less than the shortest common timeout, Linux's 200 ms.
	ackClock = 150 * time.Millisecond
	// leastTimeout is a little less than that timeout.
	leastTimeout = 180 * time.Millisecond
)

// counts are numbers of segments that were sent again, and their payload.
type counts struct {
	by            [triggers]uint32
	spurious      [triggers]uint32 // of these
	unseen        uint32           // whose original was not captured
	bytes         uint64
	spuriousBytes uint64
}

func (c *counts) add(o *counts) {
	for k := range c.by {
		c.by[k] += o.by[k]
		c.spurious[k] += o.spurious[k]
	}
	c.unseen += o.unseen
	c.bytes += o.bytes
	c.spuriousBytes += o.spuriousBytes
}

func (c *counts) all() uint32         { return sum(&c.by) }
func (c *counts) allSpurious() uint32 { return sum(&c.spurious) }

func sum(counts *[triggers]uint32) (n uint32) {
	for _, c := range counts {
		n += c
	}
	return n
}

// begin starts the count: what is in flight now may be sent again.
func (a *resends) begin(side reassembly.Side, r *detectors.Report) {
	sent, out := r.Conn.Bytes(side), r.Conn.Stream(side)
	a.base = sent - min(uint64(out.InFlight()), sent)
}

// sent is all payload since then, counted as often as it was sent.
func (a *resends) sent(side reassembly.Side, r *detectors.Report) float64 {
	return float64(r.Conn.Bytes(side) - a.base + a.total.bytes)
}

// resent takes a segment that the side sent again, and says whether the side's timer had
// just expired, and whether the segment's ACK had been captured by then.
func (a *resends) resent(ev fsm.Event, r *detectors.Report) (expired, late bool) {
	seg, out := ev.Seg, r.Conn.Stream(ev.Side)
	k, expired := a.triggerOf(ev, &out, r)
	if a.episodes == 0 || out.Covered(a.recover) {
		a.episodes++
		a.cause, a.recover = k, out.Nxt
	} else if k == fast || k == timeout {
		a.cause = k
	}
	if out.Covered(seg.End()) {
		a.total.by[k]++
		a.total.spurious[k]++
		a.total.bytes += uint64(seg.Len)
		a.total.spuriousBytes += uint64(seg.Len)
		return false, true
	}
	o := openResend{Block: reassembly.Block{From: seg.Seq, To: seg.End()}, frame: seg.Frame, trigger: k}
	if a.pending.all() == 0 && seg.Opts.Has&reassembly.HasTimestamps != 0 && out.Oldest(seg.Seq) {
		o.head, a.stamp = true, seg.Opts.TSVal
	}
	if a.opened == openResends {
		a.close(0)
	}
	a.open[a.opened] = o
	a.opened++
	a.pending.by[k]++
	a.pending.bytes += uint64(seg.Len)
	if ev.Place == reassembly.Filling {
		a.pending.unseen++
	}
	return expired, false
}

// holeShown notes what the receiver may be missing. What it showed within the last round
// trip, or with what it still misses, may yet be sent again.
func (a *resends) holeShown(ev fsm.Event, r *detectors.Report) {
	out := r.Conn.Stream(ev.Side)
	if a.shown == 0 || ev.Seg.At-a.shown > int64(r.Conn.RTT()) && out.Covered(a.hole.To) {
		a.hole.From = out.Una
	}
	a.hole.To, a.shown = out.Nxt, ev.Seg.At
}

// triggerOf is what made the side send the segment again, as far as the wire shows it,
// and whether this is the segment whose timer expired, not one that follows in its
// recovery.
func (a *resends) triggerOf(ev fsm.Event, out *reassembly.Stream, r *detectors.Report) (k trigger, expired bool) {
	seg, srtt, rtt := ev.Seg, r.Conn.SRTT(ev.Side), r.Conn.RTT()
	silence, waited := waits(ev)
	byTimer := silence >= rtt+ackClock // no captured ACK made it
	oldest, last := out.Oldest(seg.Seq), seg.End() == out.Nxt
	arrived := out.Covered(seg.End())
	switch {
	// CROSSED: by now all has been acknowledged that the receiver had asked for.
	case !byTimer && arrived && a.hole.Holds(reassembly.Block{From: seg.Seq, To: seg.End()}) && seg.At-a.shown <= int64(rtt+ackClock):
		return fast, false
	// RECOVERY: what else was lost with it is sent again as ACKs come in (RFC 5681
	// 3.1, RFC 6582, RFC 6675).
	case !byTimer && (a.cause == fast || a.cause == timeout) && !out.Covered(a.recover):
		return a.cause, false
	case !byTimer && r.Conn.LossShown(ev.Side) && !arrived:
		return fast, false
	// TLP: the last segment, though older ones are in flight (RFC 8985 7.3).
	case last && !oldest && waited >= srtt && waited > 0:
		return tailProbe, false
	// A single segment in flight is probed as soon as two round trips later; where
	// that would be later than the timeout, the probe takes its place (RFC 8985 7.2).
	case last && oldest && srtt > 0 && waited >= srtt+srtt/2 && waited < leastTimeout:
		return tailProbe, false
	// RTO: the oldest, and nothing showed that it is missing (RFC 6298 5.4).
	case oldest && (srtt > 0 && waited >= srtt+srtt/2 || waited >= leastTimeout):
		return timeout, true
	}
	return unknownTrigger, false
}

// waits are how long both sides had been silent before the segment was sent again, and
// how long its sender had waited for an ACK at most.
func waits(ev fsm.Event) (silence, waited time.Duration) {
	silence = time.Duration(ev.N) * time.Microsecond
	return silence, max(silence, time.Duration(ev.Age)*time.Microsecond)
}

// acked takes the first ACK of anything new after something was sent again. If it shows
// that this was spurious, it returns the resend.
func (a *resends) acked(ack *reassembly.Segment) (o openResend, is bool) {
	a.total.add(&a.pending)
	a.pending = counts{}
	for i := range a.open[:a.opened] {
		if !a.open[i].head {
			continue
		}
		a.open[i].head = false
		// EIFEL: the ACK echoes what was stamped before the segment was sent again, so
		// it answers the original (RFC 3522 3.2).
		if ack.Opts.Has&reassembly.HasTimestamps != 0 && ack.Opts.TSEcr != 0 &&
			reassembly.Seq(ack.Opts.TSEcr).Before(reassembly.Seq(a.stamp)) {
			return a.wasSpurious(i), true
		}
	}
	return o, false
}

// arrivedTwice takes a D-SACK: what it reports had been sent again for nothing, if it had
// been (RFC 2883 5).
func (a *resends) arrivedTwice(twice reassembly.Block) (o openResend, is bool) {
	for i := range a.open[:a.opened] {
		if a.open[i].Meets(twice) {
			return a.wasSpurious(i), true
		}
	}
	return o, false
}

// wasSpurious counts the i-th of those open as spurious.
func (a *resends) wasSpurious(i int) openResend {
	o := a.open[i]
	c := &a.total
	if a.pending.by[o.trigger] > a.pending.spurious[o.trigger] {
		c = &a.pending
	}
	c.spurious[o.trigger]++
	c.spuriousBytes += uint64(o.To - o.From)
	a.close(i)
	return o
}

// close forgets the i-th of those open.
func (a *resends) close(i int) {
	copy(a.open[i:], a.open[i+1:a.opened])
	a.opened--
}
