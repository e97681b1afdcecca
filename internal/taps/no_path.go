package taps

import (
	"cmp"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

const (
	// besides is how far apart the times are that one host gives to the two copies of a packet which it hands to two
	// sockets: that of the interface, and that of all interfaces. Clocks of two hosts do not agree so well.
	besides = int64(20 * time.Microsecond)
	// soon is for how long two clocks run alike, as far as a path can be seen: 50 ppm of it are 5 us.
	soon = int64(100 * time.Millisecond)
)

// mayBeOne reports whether both units may have captured the segments at one place, by what every one
// of them shows.
func (c *comparison) mayBeOne() bool {
	return c.sameTTL && max(c.max, -c.least) <= int64(fsm.DuplicateTime)
}

// noPath reports whether there is no path between two units: Linux gives a packet to the socket of its interface and to
// that of the device "any", each of which stamps it, and cooked headers hide the link-layer addresses. A path
// delays the segments of both directions, so what they take there and back is never less than nothing, whatever the
// clocks say. Of two sockets of one host, either may be later; or one always is, by microseconds, whoever sent the
// segment.
func (s *scan) noPath(c *comparison) bool {
	defer func() { c.matches = nil }()
	if !c.mayBeOne() || !c.bothWays() {
		return false
	}
	sorting.Stable(c.matches, func(a, b [2]int32) int { return cmp.Compare(a[0], b[0]) })
	later, earlier, close := 0, 0, 0
	trips, there, back := 0, 0, 0
	last := map[uint32][2]int32{} // by four-tuple
	for _, m := range c.matches {
		r, d := &s.records[m[0]], s.apart(m)
		switch {
		case d > 0:
			later++
		case d < 0:
			earlier++
		}
		if max(d, -d) <= besides {
			close++
		}
		before, is := last[r.tuple]
		last[r.tuple] = m
		if !is {
			continue
		}
		o := &s.records[before[0]]
		if o.fromHi == r.fromHi || r.at-o.at > soon {
			continue
		}
		trip := d - s.apart(before)
		if r.fromHi {
			trip = -trip
		}
		trips++
		switch {
		case trip > 0:
			there++
		case trip < 0:
			back++
		}
	}
	n := len(c.matches)
	mostly := func(k, of int) bool { return 10*k >= 9*of }
	if mostly(close, n) && (mostly(n-earlier, n) || mostly(n-later, n)) {
		return true
	}
	return trips >= minTrips && !mostly(max(there, back), trips)
}

// minTrips is how many times a segment must follow one of the other direction for chance not to make
// all of them look like a path.
const minTrips = 4

// bothWays reports whether the units share enough segments of both directions of one connection.
func (c *comparison) bothWays() bool {
	for _, p := range c.pairs {
		if p[reassembly.A].n >= minEach && p[reassembly.B].n >= minEach {
			return true
		}
	}
	return false
}

// apart is how much later the second unit captured the segment than the first.
func (s *scan) apart(m [2]int32) int64 { return s.records[m[1]].at - s.records[m[0]].at }
