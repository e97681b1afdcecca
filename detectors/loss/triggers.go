package loss

import (
	"slices"
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
	tooLarge               // an ICMP error said that the segment is larger than a link's MTU (RFC 1191 6.2)
	triggers
)

const (
	// dupThresh is how many duplicate ACKs make a sender send again (RFC 5681 3.2).
	dupThresh = 3
	// ackClock is what an ACK may take beyond the round trip to make its receiver
	// send: less than the shortest common timeout, Linux's 200 ms.
	ackClock = 150 * time.Millisecond
	// leastTimeout is a little less than that timeout.
	leastTimeout = 180 * time.Millisecond
	// commonPath is within what time most hosts answer from wherever they are, if nothing shows how far
	// away one is: the capture has no handshake, and nothing that was sent to it was timed.
	commonPath = 250 * time.Millisecond
	// farAway is from how many on a round trip to the sender shows that it cannot have been asked yet: what is
	// nearer answers at once.
	farAway = 3 * time.Millisecond
	// leastTimer is the shortest timer of a host that is tuned for a data centre (Linux:
	// net.ipv4.tcp_rto_min_us).
	leastTimer = time.Millisecond
)

// holeShown notes what the receiver may be missing. What it showed within the last round
// trip, or with what it still misses, may yet be sent again.
func (a *resends) holeShown(ev fsm.Event, r *detectors.Report) {
	out := r.Conn.Stream(ev.Side)
	a.skipped.begin(ev.Side, r.Conn)
	if blocks := ev.Seg.Opts.Blocks[:ev.Seg.Opts.NBlocks]; r.Conn.Bytes(ev.Side) == 0 && !out.Knows(reassembly.KnowISS) && len(blocks) > 0 {
		a.begun = blocks[0].To
		for _, b := range blocks[1:] {
			a.begun = a.begun.Max(b.To)
		}
		a.midway = true
	}
	recovering := a.episodes.n > 0 && !out.Covered(a.recover) // what it lacks now, it lacked when that began (RFC 6582)
	// The ACK before it had no SACK: nothing was missing then.
	if ev.Seg.Opts.NBlocks > 0 && (ev.Class == fsm.DupAck || a.shown == 0 && r.Conn.Packets(ev.Side.Peer()) > 1) {
		a.gapAt = ev.Seg.At
		a.stamps.set(gapStamp, ev.Seg)
		a.gapNxt = ev.Seg.Seq
	}
	if a.shown == 0 || ev.Seg.At-a.shown > int64(r.Conn.RTT()) && out.Covered(a.hole.To) && !recovering {
		a.hole.From, a.since = out.Una, ev.Seg.At
		a.stamps.set(askedStamp, ev.Seg)
		a.gapNxt = ev.Seg.Seq
		if !a.stamps.known[earliestStamp] {
			a.first = ev.Seg.At
			a.stamps.set(earliestStamp, ev.Seg)
		}
	}
	a.hole.To, a.shown = out.Nxt, ev.Seg.At
	a.sacked, a.sacks = ev.Seg.Opts.Blocks, ev.Seg.Opts.NBlocks
	a.reports = a.reports || a.sacks > 0
}

// stamps are the timestamps (RFC 7323) of some ACKs, as far as these have one.
type stamps struct {
	of    [3]reassembly.Seq
	known [3]bool
}

// The ACKs.
const (
	gapStamp      = iota // that at gapAt
	askedStamp           // that at since
	earliestStamp        // the first that showed any hole and has one
)

func (s *stamps) set(which int, seg *reassembly.Segment) {
	s.of[which], s.known[which] = reassembly.Seq(seg.Opts.TSVal), seg.Opts.Has&reassembly.HasTimestamps != 0
}

// triggerOf is what made the side send the segment again, as far as the wire shows it,
// and whether this is the segment whose timer expired, not one that follows in its
// recovery.
func (a *resends) triggerOf(ev fsm.Event, out *reassembly.Stream, r *detectors.Report) (k trigger, expired bool) {
	seg, srtt, rtt := ev.Seg, r.Conn.SRTT(ev.Side), r.Conn.RTT()
	silence, waited := waits(ev)
	patience := rtt + ackClock
	if r.Conn.HandshakeRTT(ev.Side) == 0 && r.Conn.SRTT(ev.Side.Peer()) == 0 {
		// One or two duplicate ACKs trigger nothing when the timer is about to expire (RFC 5827).
		if rtt += commonPath; ev.Dups >= dupThresh {
			patience = rtt + ackClock
		} else {
			patience = rtt
		}
	}
	byTimer := silence >= patience // no captured ACK made it
	oldest, last := out.Oldest(seg.Seq), seg.End() == out.Nxt
	arrived, block := out.Covered(seg.End()), reassembly.Block{From: seg.Seq, To: seg.End()}
	switch {
	// MTU: it comes as soon as its sender knows, and is smaller now.
	case a.tooLarge != 0 && !arrived && seg.At-a.tooLarge <= int64(r.Conn.HandshakeRTT(ev.Side)+ackClock):
		return tooLarge, false
	// CROSSED: by now all has been acknowledged that the receiver had asked for.
	case !byTimer && arrived && a.hole.Holds(block) && !a.wasResent(block) && seg.At-a.shown <= int64(rtt+ackClock):
		return fast, false
	// AGAIN: without SACK, a sender repeats a hole once in a recovery (RFC 6582 3.2): the second time, its timer has
	// expired, though duplicate ACKs came meanwhile. What follows in slow start belongs to that.
	case oldest && detectors.NoSACK(r.Conn) && a.resentBefore(block, seg.At-int64(max(srtt+srtt/2, leastTimeout))):
		return timeout, true
	// UNASKED: since it was sent again, its receiver has sent nothing that could make its sender do that once more.
	case !arrived && a.unasked(ev, r):
		if waited >= max(srtt+srtt/2, leastTimer) {
			return timeout, oldest
		}
		return unknownTrigger, false
	// SHOWN: also in the recovery after a timeout, SACK shows what is missing (RFC 6675 5.1, RFC 8985 6.2).
	case !byTimer && a.cause == timeout && a.sacks > 0 && r.Conn.LossShown(ev.Side) && !arrived && len(a.open) > 0 && a.open[len(a.open)-1].at < a.shown:
		return fast, false
	// RECOVERY: what else was lost with it is sent again as ACKs come in (RFC 5681
	// 3.1, RFC 6582, RFC 6675). Of a flight that was not captured, only its end is known.
	case !byTimer && (a.cause == fast || a.cause == timeout) && (!out.Covered(a.recover) || a.goesOn(ev, rtt)):
		return a.cause, false
	case !byTimer && r.Conn.LossShown(ev.Side) && !arrived:
		return fast, false
	// TLP: the last segment, though older ones are in flight (RFC 8985 7.3).
	case last && !oldest && waited >= srtt && waited > 0 && a.mayProbe(out, r):
		return tailProbe, false
	// A single segment in flight is probed as soon as two round trips later; where
	// that would be later than the timeout, the probe takes its place (RFC 8985 7.2).
	case last && oldest && srtt > 0 && waited >= max(srtt+srtt/2, leastTimer) && waited < leastTimeout && a.mayProbe(out, r):
		return tailProbe, false
	// RTO: the oldest, and nothing showed that it is missing (RFC 6298 5.4). Of several that
	// follow each other at once, another may have been captured first.
	case byTimer && !oldest && !last && !arrived && waited >= leastTimeout:
		return timeout, true
	case oldest && (srtt > 0 && waited >= max(srtt+srtt/2, leastTimer) || waited >= leastTimeout):
		return timeout, true
	// EARLY RETRANSMIT: with too little in flight for three duplicate ACKs, as many as there
	// can be show the hole (RFC 5827 3.1).
	case oldest && !byTimer && ev.Dups > 0 && uint32(ev.Dups+1)*seg.Len >= out.InFlight():
		return fast, false
	// UNHEARD: its ACK was captured, and did not reach the sender, which has sent it again before: a probe is sent once.
	case arrived && a.wasResent(block) && ev.Was.Seq == seg.Seq && time.Duration(seg.At-ev.Was.At) >= max(srtt+srtt/2, leastTimeout):
		return timeout, true
	}
	return unknownTrigger, false
}

// goesOn reports whether the segment was not captured before, and follows another that was sent again
// within a round trip: an empty segment has shown that a whole flight was lost before the tap.
func (a *resends) goesOn(ev fsm.Event, rtt time.Duration) bool {
	return ev.Place == reassembly.Fresh && len(a.open) > 0 && ev.Seg.At-a.open[len(a.open)-1].at <= int64(rtt+ackClock)
}

// unasked reports whether the segment was sent again before, and its receiver has sent nothing since: what shows that a
// repeat was lost, too, comes after that (RFC 8985 6.2). Within a moment, two may have been captured in the wrong order.
func (a *resends) unasked(ev fsm.Event, r *detectors.Report) bool {
	was, heard := ev.Was, r.Conn.Last(ev.Side.Peer()).At
	return was.Seq == ev.Seg.Seq && was.Len == ev.Seg.Len && heard <= was.At && ev.Seg.At-was.At >= int64(leastTimer) &&
		a.resentBefore(reassembly.Block{From: was.Seq, To: was.End()}, was.At)
}

// wasResent reports whether the side sent the block again before: what shows a hole makes it do
// that once (RFC 6675 5), a timer as often as it expires.
func (a *resends) wasResent(b reassembly.Block) bool {
	return slices.ContainsFunc(a.late.list(), func(l lateResend) bool { return l.Block == b }) || slices.ContainsFunc(a.open, func(o openResend) bool { return o.Block == b })
}

// resentBefore reports whether the side sent the block again at that time or before, and has not had an ACK of it since.
func (a *resends) resentBefore(b reassembly.Block, at int64) bool {
	return slices.ContainsFunc(a.open, func(o openResend) bool { return o.Block == b && o.at <= at })
}

// resentFast reports whether duplicate ACKs made the side send the segment again before.
func (a *resends) resentFast(seg *reassembly.Segment) bool {
	return slices.ContainsFunc(a.open, func(o openResend) bool { return o.From == seg.Seq && o.To == seg.End() && o.trigger == fast })
}

// mayProbe reports whether the side can be sending a tail loss probe: only with SACK (RFC 8985
// 3.1), and only if nothing of the flight was sent again before, until all of that is acknowledged (7.3). An ACK that was captured need not
// have reached the side: that it sends the end of the same flight again shows that it did not.
func (a *resends) mayProbe(out *reassembly.Stream, r *detectors.Report) bool {
	return !detectors.NoSACK(r.Conn) && !(a.probing && (out.Nxt == a.probed || !out.Covered(a.probed)))
}

// waits are how long both sides had been silent before the segment was sent again, and
// how long its sender had waited for an ACK at most.
func waits(ev fsm.Event) (silence, waited time.Duration) {
	silence = time.Duration(ev.N) * time.Microsecond
	return silence, max(silence, time.Duration(ev.Age)*time.Microsecond)
}
