package waits

import (
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A clock is what a side's timestamps (RFC 7323 3) say about when it sent something: a
// segment that took long to arrive was not sent late.
type clock struct {
	firstAt, lastAt int64 // when these passed the tap; 0 = none yet
	first, last     uint32
}

// minClock is for how long timestamps must have run before their tick is known.
const minClock = 200_000_000

// tick is how long one unit of the clock takes, in nanoseconds; 0 if that is unknown.
func (c *clock) tick() int64 {
	if n := int32(c.last - c.first); n > 0 && c.lastAt-c.firstAt >= minClock {
		return (c.lastAt - c.firstAt) / int64(n)
	}
	return 0
}

// late is by how much the segment passed the tap later than its side's clock explains,
// after the one before it: so long, at least, it took more than that.
func (c *clock) late(seg *reassembly.Segment) int64 {
	if c.lastAt == 0 || seg.Opts.Has&reassembly.HasTimestamps == 0 {
		return 0
	}
	ran, tick := int32(seg.Opts.TSVal-c.last), c.tick()
	if tick == 0 || ran < 0 {
		return 0
	}
	return max(seg.At-c.lastAt-int64(ran+2)*tick, 0) // both may have been anywhere in their unit
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

// show reports whether they would show that something is missing.
func (i *ids) show() bool { return i.counted >= minCounted }

func (i *ids) note(id uint16) {
	switch {
	case id == 0 || id != i.last+1:
		i.counted = 0
	case i.counted < minCounted:
		i.counted++
	}
	i.last = id
}
