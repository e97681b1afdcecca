package waits

import (
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A clock is what a side's timestamps (RFC 7323 3) say about when it sent something: a
// segment that took long to arrive need not have been sent late.
type clock struct {
	firstAt, lastAt int64 // when these passed the tap; 0 = none yet
	first, last     uint32
}

// minClock is for how long timestamps must have run before their tick is known, minTicks
// how many that takes for a usual one, longRun for how long if that is slow.
const (
	minClock = 200_000_000
	minTicks = 32
	longRun  = 2_000_000_000
)

// usualTicks are those of common systems, in nanoseconds.
var usualTicks = [...]int64{1_000_000, 10_000_000, 4_000_000, 1_000}

// A usualTick is which of these a clock has, counted from 1; 0 if none, or none is known.
type usualTick uint8

// ns is how long it is, in nanoseconds; 0 if it is unknown.
func (u usualTick) ns() int64 {
	if u == 0 {
		return 0
	}
	return usualTicks[u-1]
}

// runs reports whether its timestamps are not all the same.
func (e *end) runs() bool { return e.usual != 0 || e.clock.last != e.clock.first }

// tick is how long one unit of the clock takes, in nanoseconds; 0 if that is unknown. The
// path does not take the same time for the first and the last: what is nearly a usual tick is one.
func (e *end) tick() int64 {
	if e.usual != 0 {
		return e.usual.ns()
	}
	return e.measured()
}

// measured is tick while that is not known to be a usual one.
func (e *end) measured() int64 {
	c := &e.clock
	n, ran := int64(int32(c.last-c.first)), c.lastAt-c.firstAt
	if n <= 0 {
		return 0
	}
	tick := ran / n
	if n >= minTicks {
		for i, usual := range usualTicks {
			if off := tick - usual; max(off, -off) <= usual/8 && (usual <= 1_000_000 || ran >= longRun) { // else it may be a queue
				e.usual = usualTick(i + 1)
				return usual
			}
		}
	}
	if ran < minClock {
		return 0
	}
	return tick
}

// maxDrift is by what part clocks may differ, as a shift: 122 ppm.
const maxDrift = 13

// delayed is how much longer the segment took from its side to the tap than the one that took
// least: it waited in a queue, say. It is 0 if the clock has no usual tick.
func (e *end) delayed(seg *reassembly.Segment) int64 {
	if e.tick(); e.usual == 0 || seg.Opts.Has&reassembly.HasTimestamps == 0 {
		return 0
	}
	c, tick := &e.clock, e.usual.ns()
	since := seg.At - c.firstAt
	took := since - int64(int32(seg.Opts.TSVal-c.first))*tick - since>>maxDrift
	if took <= 0 {
		c.first, c.firstAt = seg.Opts.TSVal, seg.At
	}
	return max(took-tick, 0) // it may have been sent at any moment of its unit
}

// A lag is how much longer segments took to the tap than the one that took least, on average over
// time. It is added up before the tick of their side's clock is known.
type lag struct {
	baseAt  int64 // when this timestamp passed the tap
	base    uint32
	last    int64   // when a segment was counted last
	time    float64 // that is counted, in nanoseconds
	at, val float64 // by when segments passed, and what their timestamps were, after these; times for how long
	least   [len(usualTicks)]int64
}

// note counts a segment for the time since the one before.
func (l *lag) note(seg *reassembly.Segment, e *end) {
	c := &e.clock
	if seg.Opts.Has&reassembly.HasTimestamps == 0 || c.firstAt == 0 {
		return
	}
	if l.baseAt == 0 {
		l.baseAt, l.base, l.last = c.firstAt, c.first, seg.At
	}
	gap := float64(seg.At - l.last)
	l.last = seg.At
	l.time += gap
	at, val := seg.At-l.baseAt, int64(int32(seg.Opts.TSVal-l.base))
	l.at += gap * float64(at)
	l.val += gap * float64(val)
	if e.usual != 0 {
		least := &l.least[e.usual-1]
		*least = min(*least, at-val*e.usual.ns())
		return
	}
	for i, tick := range usualTicks {
		l.least[i] = min(l.least[i], at-val*tick)
	}
}

// mean is the lag in nanoseconds; 0 if nothing was counted, or the clock has no usual tick.
func (l *lag) mean(e *end) int64 {
	if e.usual == 0 || l.time == 0 {
		return 0
	}
	tick := e.usual.ns()
	return max(int64((l.at-l.val*float64(tick))/l.time)-l.least[e.usual-1]-tick/2, 0)
}

// late is by how much the segment passed the tap later than its side's clock explains,
// after the one before it: by so much, at least, it was slower than that.
func (e *end) late(seg *reassembly.Segment) int64 {
	c := &e.clock
	if c.lastAt == 0 || seg.Opts.Has&reassembly.HasTimestamps == 0 {
		return 0
	}
	ran, tick := int32(seg.Opts.TSVal-c.last), e.tick()
	if tick == 0 && ran >= minTicks { // it has hardly run yet: only one that counts nearly as fast as that can be
		for _, usual := range usualTicks {
			if since := seg.At - c.lastAt; int64(ran-2)*usual <= since && since <= int64(ran)*(usual+usual/4) {
				tick = usual
			}
		}
	}
	if tick == 0 || ran < 0 {
		return 0
	}
	return max(seg.At-c.lastAt-int64(ran+2)*tick, 0) // both may have been sent at any moment of their unit
}

// note notes the segment's timestamp.
func (c *clock) note(seg *reassembly.Segment) {
	if seg.Opts.Has&reassembly.HasTimestamps == 0 {
		return
	}
	if c.firstAt == 0 {
		c.first, c.firstAt = seg.Opts.TSVal, seg.At
	}
	c.last, c.lastAt = seg.Opts.TSVal, seg.At
}

// ids are a side's IP identifications: where they count on one by one, a skip shows that
// something was sent that did not reach the tap.
type ids struct {
	last    uint16
	counted uint8 // how many in a row were the one before plus one, counted to minCounted
	own     bool  // the SYN-ACK had none: its socket counts for itself alone, unless something shows that it does not
	step    uint8 // from the one before to the last, if it is more than one and at most maxSkip
}

// minCounted is how many identifications must have counted on for a skip to mean
// something, maxSkip how many segments may be missing.
const (
	minCounted = 3
	maxSkip    = 16
)

// skips reports whether the segment's identification shows that others were sent
// before it that did not reach the tap.
func (i *ids) skips(id uint16) bool {
	gap := id - i.last
	return i.show() && gap > 1 && gap <= maxSkip
}

// nothing reports whether they show that nothing was sent since the one before, as far as the segment's does not skip: the
// next one is right behind that, wherever a host counts packets.
func (i *ids) nothing(id uint16) bool { return i.show() || i.last != 0 && id == i.last+1 }

// show reports whether they would show that something is missing.
func (i *ids) show() bool { return i.counted >= minCounted }

// ownSkips reports whether the segment's identification shows that by its distance from the
// last alone. Linux sends a SYN-ACK with ID 0, and then counts from a random number for each
// connection (ip_select_ident, inet_id). It counts wire segments: see [fsm.Conn.Oversize].
func (i *ids) ownSkips(id uint16) bool {
	gap := id - i.last
	return i.own && i.last != 0 && id != 0 && gap > 1 && gap <= maxSkip && gap != uint16(i.step)
}

func (i *ids) note(id uint16) {
	switch {
	case id == 0 || id != i.last+1:
		i.counted = 0
		gap := id - i.last
		i.own = i.own && (i.last == 0 || id != 0 && gap-1 < maxSkip && gap != uint16(i.step)) // in equal steps: it counts something else
		i.step = uint8(min(gap, maxSkip+1))
	default:
		if i.step = 0; i.counted < minCounted {
			i.counted++
		}
	}
	i.last = id
}
