package taps

import (
	"cmp"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// clockOf compares the clocks of two taps by all segments that both saw once.
func (j *joiner) clockOf(tap [2]int) *clockEstimate {
	s := j.scan
	n := 0
	for i := range j.pairs {
		if p := &j.pairs[i]; p.tap == tap {
			n += len(p.matches)
		}
	}
	samples := make([]sample, 0, n)
	for i := range j.pairs {
		p := &j.pairs[i]
		if p.tap != tap {
			continue
		}
		row := j.rows[tap[0]][p.conn[0]]
		for _, m := range p.matches {
			r, o := &s.records[m[0]], &s.records[m[1]]
			forward := p.near(sideOf(row, r)) == 0
			samples = append(samples, sample{at: r.at, apart: o.at - r.at, forward: forward, first: m[0], other: m[1]})
		}
	}
	sorting.Stable(samples, func(a, b sample) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.first, b.first)) })
	return estimate(samples, j.resolution(tap[0])+j.resolution(tap[1]), func(before, after *sample) string { return j.stepped(tap, before, after) })
}

// resolution is the unit of a tap's times, in nanoseconds, as they show it.
func (j *joiner) resolution(tap int) int64 {
	unit := int64(1e9)
	for i := range j.scan.records {
		if r := &j.scan.records[i]; pointOf(r) == tap {
			for unit > 1 && r.at%unit != 0 {
				unit /= 10
			}
			if unit == 1 {
				break
			}
		}
	}
	return unit
}

// stepped says whose clock stepped between two samples: that against which the
// timestamps of the senders jump.
func (j *joiner) stepped(tap [2]int, before, after *sample) string {
	s := j.scan
	votes := [2]int{}
	for _, fromHi := range []bool{false, true} {
		tuple := s.records[after.first].tuple
		var a, b, start *record // of one sender at the first tap: long before, just before, just after
		for i := int32(0); i < int32(len(s.records)); i++ {
			r := &s.records[i]
			if r.tuple != tuple || r.fromHi != fromHi || r.tsval == 0 || pointOf(r) != tap[0] {
				continue
			}
			if i <= before.first {
				if start == nil {
					start = r
				}
				a = r
			} else if b = r; i >= after.first {
				break
			}
		}
		if a == nil || b == nil || start == a {
			continue
		}
		rate := float64(a.tsval-start.tsval) / float64(a.at-start.at)
		if rate <= 0 {
			continue
		}
		expected := int64(float64(b.tsval-a.tsval) / rate)
		jump := after.apart - before.apart
		off := (b.at - a.at) - expected
		if max(off, -off) > max(jump, -jump)/2 {
			votes[0]++
		} else {
			votes[1]++
		}
	}
	switch {
	case votes[0] > votes[1]:
		return j.Plan.points[tap[0]].Name
	case votes[1] > votes[0]:
		return j.Plan.points[tap[1]].Name
	}
	return "either"
}
