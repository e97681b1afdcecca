package taps

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A relation is what two units have to do with each other.
type relation uint8

const (
	unrelated   relation = iota
	continues            // they share a connection, and no segment
	samePlace            // one is a copy of the other
	otherPlace           // they saw the same segments at different times
	otherSilent          // they saw the same connection, at a different distance from a host, and share no segment
)

// samePrecision is how far apart the time differences of two copies of one capture
// may be: their formats may have different resolutions.
const samePrecision = int64(time.Microsecond)

const (
	minEach = 2 // segments of each direction that show two places
	minIDs  = 3 // segments with equal IP IDs that show them in one direction
)

// A comparison is what two units have in common.
type comparison struct {
	n          int
	least, max int64 // of the time differences
	looks      bool  // link-layer addresses, TTL and tunnel are the same, too
	pairs      map[[2]uint32]*[2]shared
	moved      bool // sequence numbers differ
	sameTTL    bool
	matches    [][2]int32 // while they may have no path between them
}

// shared are the segments of one direction that both units saw of one connection.
type shared struct {
	n, ids int
	differ bool // in TTL or link-layer addresses
}

// exact reports whether one of the units is a copy of the other, frame by frame.
func (c *comparison) exact() bool { return c.looks && c.max-c.least <= samePrecision }

// compare finds the segments that two units share.
func (s *scan) compare(a, b []print) *comparison {
	c := &comparison{looks: true, sameTTL: true, pairs: map[[2]uint32]*[2]shared{}}
	common(a, b, func(i, j int32) {
		c.add(&s.records[i], &s.records[j])
		if c.mayBeOne() {
			c.matches = append(c.matches, [2]int32{i, j})
		}
	})
	return c
}

func (c *comparison) add(r, o *record) {
	d := o.at - r.at
	if c.n == 0 {
		c.least, c.max = d, d
	}
	c.n++
	c.least, c.max = min(c.least, d), max(c.max, d)
	differ := r.ttl != o.ttl || r.link != o.link
	c.looks = c.looks && !differ && r.tunnel == o.tunnel
	c.sameTTL = c.sameTTL && r.ttl == o.ttl
	key := [2]uint32{r.tuple, o.tuple}
	p := c.pairs[key]
	if p == nil {
		p = new([2]shared)
		c.pairs[key] = p
	}
	q := &p[r.side()]
	q.n++
	q.differ = q.differ || differ
	if r.ipid != 0 {
		q.ids++
	}
}

// places reports whether the units are two places of one connection at least.
// overlap says that they were capturing at the same time, by their clocks.
func (c *comparison) places(overlap bool) bool {
	for _, p := range c.pairs {
		if p[0].n >= minEach && p[1].n >= minEach {
			return true
		}
		for side := range p {
			if q := &p[side]; q.ids >= minIDs && p[1-side].n == 0 && (q.differ || overlap) {
				return true
			}
		}
	}
	return false
}

// relate says what two units have to do with each other.
func (s *scan) relate(a, b *unit) (relation, *comparison) {
	for k, moved := range []bool{false, true} {
		c := s.compare(s.printsOf(a, k), s.printsOf(b, k))
		c.moved = moved
		overlap := s.first(a) <= s.last(b) && s.first(b) <= s.last(a)
		enough := c.n > minEach || c.n == minEach && (c.n == len(s.printsOf(a, 0)) || c.n == len(s.printsOf(b, 0))) // or all that one has
		switch {
		case enough && !moved && (c.exact() || s.noPath(c)):
			return samePlace, c
		case c.n > 0 && !c.exact() && c.places(overlap):
			return otherPlace, c
		}
	}
	return s.tuplesOf(a, b), nil
}

// printsOf are the prints of a unit; moved is 1 for those relative to the initial numbers.
func (s *scan) printsOf(u *unit, moved int) []print {
	if !u.ready[moved] {
		all := s.allPrints(u.records, moved == 1)
		if moved == 0 {
			u.twice = twice(all, func(a, b int32) bool { return s.records[a].tuple != s.records[b].tuple })
		}
		u.printed[moved], u.ready[moved] = unique(all), true
	}
	return u.printed[moved]
}

func (s *scan) first(u *unit) int64 {
	if len(u.records) == 0 {
		return 0
	}
	return s.records[u.records[0]].at
}

func (s *scan) last(u *unit) int64 {
	if len(u.records) == 0 {
		return 0
	}
	return s.records[u.records[len(u.records)-1]].at
}

// tuplesOf relates two units without common segments by the connections that they
// show: none in common; the same, which goes on in the other; or the same at another
// distance from one of its ends.
func (s *scan) tuplesOf(a, b *unit) relation {
	type ttls [2]map[uint8]bool
	seen := map[uint32]*ttls{}
	for _, i := range a.records {
		r := &s.records[i]
		t := seen[r.tuple]
		if t == nil {
			t = &ttls{{}, {}}
			seen[r.tuple] = t
		}
		t[r.side()][r.ttl] = true
	}
	result := unrelated
	known, other := map[uint32]bool{}, 0
	for _, i := range b.records {
		r := &s.records[i]
		t := seen[r.tuple]
		if t == nil {
			continue
		}
		result = continues
		known[r.tuple] = true
		if len(t[r.side()]) > 0 && !t[r.side()][r.ttl] && r.flags&reassembly.RST == 0 && r.ttl != 0 {
			other++
		}
	}
	if result == continues && other >= minEach {
		return otherSilent
	}
	return result
}
