package textcap

import "time"

// startOfTime is when a trace begins whose text has no date, as in scenarios.
var startOfTime = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// A clock makes times of stamps.
type clock struct {
	began bool
	dated dated
	last  int64 // the last time that was given out
	prev  stamp // the last stamp
	day   int64 // what midnight, or the first packet, is
	delta bool  // stamps count from the packet before (tcpdump -ttt, tshark -t d)
}

// dated says what the stamps tell of the day.
type dated uint8

const (
	undated dated = iota
	yearless
	wholeDate
)

// untimed is how far apart packets without a time are put.
const untimed = int64(time.Microsecond)

// time is when a packet with such a stamp was captured, in nanoseconds since 1970.
func (c *clock) time(s stamp) int64 {
	at := c.last + untimed
	switch s.kind {
	case noStamp:
		if !c.began {
			at = startOfTime
		}
	case fromDate:
		at, c.dated = s.nanos, wholeDate
	case fromYear:
		const year = 365 * 24 * int64(time.Hour)
		if c.prev.kind == fromYear && s.nanos < c.prev.nanos-year/2 {
			c.day += year
		}
		at, c.dated = startOfTime+c.day+s.nanos, max(c.dated, yearless)
	case fromClock, fromStart:
		const halfDay = int64(12 * time.Hour)
		switch {
		case !c.began:
			c.day = startOfTime
		case c.delta:
			c.day = c.last
		case s.kind == fromClock && s.nanos < c.prev.nanos-halfDay: // midnight
			c.day += 2 * halfDay
		}
		at = c.day + s.nanos
	}
	at = max(at, 0)
	c.began, c.last = true, at
	if s.kind != noStamp {
		c.prev = s
	}
	return at
}

// counts reports whether stamps count from the packet before, rather than from the
// first packet or from midnight: they begin near zero, and go back by more than
// frames do that were captured out of order.
// undecided says that more packets are needed.
func counts(packets []*printed) (delta, undecided bool) {
	last, back := int64(-1), 0
	for _, p := range packets {
		s := p.stamp
		if s.kind != fromClock && s.kind != fromStart {
			continue
		}
		if last < 0 && s.nanos >= int64(10*time.Minute) || s.kind == fromClock && s.nanos >= int64(23*time.Hour) {
			return false, false // a time of day, or an excerpt
		}
		if s.nanos < last-last/4 {
			back++
		}
		last = s.nanos
	}
	if last < 0 {
		return false, false
	}
	return back > 0, back == 0 && len(packets) < lookahead
}

// lookahead is how many packets are read before the meaning of their times is
// decided, if they begin near zero.
const lookahead = 256
