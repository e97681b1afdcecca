package taps

import (
	"fmt"
	"math"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A translation is one connection under two four-tuples in one unit, before and after an
// address was translated.
type translation struct {
	tuple       [2]uint32 // in the order of their first segments
	n           [2]int    // segments that come twice, of the end that both have, and of the other
	least, most int64     // of the time differences
	first, last [2]int64  // times of these segments, by four-tuple
}

// overlap reports whether the four-tuples were in use at the same time: a small stack that is
// started again may send the same numbers.
func (t *translation) overlap() bool { return t.first[0] < t.last[1] && t.first[1] < t.last[0] }

// translated divides a unit in which both sides of a NAT were merged, such as a capture of all
// interfaces of the router: the same segments come twice, under two four-tuples.
func (b *builder) translated(i int) {
	s, u := b.scan, &b.scan.units[i]
	pairs := s.translations(u)
	if len(pairs) == 0 || u.full {
		return
	}
	place := map[uint32]int{} // by four-tuple: 0 or 1
	side := map[[16]byte]int{}
	for _, t := range pairs {
		own, other := s.differing(t.tuple)
		at, known := side[own]
		if back, is := side[other]; is {
			if known && at == back {
				return // the address is on both sides
			}
			at = 1 - back
		}
		side[own], side[other] = at, 1-at
		place[t.tuple[0]], place[t.tuple[1]] = at, 1-at
	}
	p := b.unitTap[i]
	first := &b.points[p]
	first.group = len(b.points) + maxUnits // nobody else's
	first.Reason = fmt.Sprintf("segments of %s come twice, under two four-tuples: both sides of an address translation were captured", b.unitName(i))
	first.Recognised = "found"
	other := b.add(result.Tap{Reason: first.Reason, Recognised: "found"}, first.group, u.file)
	b.points[p].Name, b.points[other].Name = b.unitName(i)+" (1)", b.unitName(i)+" (2)"
	for _, k := range u.records {
		r := &s.records[k]
		b.mark(r, []int{p, other}[place[r.tuple]])
	}
}

// differing are the addresses that two four-tuples do not have in common.
func (s *scan) differing(tuple [2]uint32) (a, b [16]byte) {
	x, y := &s.tuples[tuple[0]], &s.tuples[tuple[1]]
	only := func(k, other *reassembly.Key) [16]byte {
		if k.Lo == other.Lo || k.Lo == other.Hi {
			return k.Hi.Addr
		}
		return k.Lo.Addr
	}
	return only(x, y), only(y, x)
}

// translations are the pairs of four-tuples that have one end in common and half of the
// segments of each at least, at different times, while both were in use.
func (s *scan) translations(u *unit) (all []translation) {
	s.printsOf(u, 0)
	if len(u.twice) == 0 {
		return nil
	}
	found := map[[2]uint32]*translation{}
	total, twice := map[uint32]int{}, map[uint32]int{}
	w := s.walker()
	for _, i := range u.records {
		if once, _ := w.once(&s.records[i]); once {
			total[s.records[i].tuple]++
		}
	}
	for _, p := range u.twice {
		r, o := &s.records[p[0]], &s.records[p[1]]
		if r.tuple > o.tuple {
			r, o = o, r
		}
		if !s.oneEnd(r, o) {
			continue
		}
		key := [2]uint32{r.tuple, o.tuple}
		t := found[key]
		if t == nil {
			t = &translation{tuple: key, least: math.MaxInt64, most: math.MinInt64, first: [2]int64{r.at, o.at}}
			found[key] = t
		}
		if s.sender(r) == s.sender(o) {
			t.n[0]++
		} else {
			t.n[1]++
		}
		t.least, t.most = min(t.least, o.at-r.at), max(t.most, o.at-r.at)
		for n, at := range [2]int64{r.at, o.at} {
			t.first[n], t.last[n] = min(t.first[n], at), max(t.last[n], at)
		}
		twice[r.tuple]++
		twice[o.tuple]++
	}
	for _, t := range found {
		half := 2*twice[t.tuple[0]] >= total[t.tuple[0]] && 2*twice[t.tuple[1]] >= total[t.tuple[1]]
		if half && min(t.n[0], t.n[1]) >= minEach && t.overlap() && t.most-t.least > samePrecision {
			all = append(all, *t)
		}
	}
	slices.SortFunc(all, func(a, b translation) int { return slices.Compare(a.tuple[:], b.tuple[:]) })
	return all
}

// oneEnd reports whether two records are of one direction between four-tuples that have one
// end in common.
func (s *scan) oneEnd(r, o *record) bool {
	a, b := s.sender(r), s.sender(o)
	x, y := s.receiver(r), s.receiver(o)
	return (a == b) != (x == y)
}

// printsTwice are the segments, of those that a healthy host sends once, that come twice, under two
// four-tuples.
func (s *scan) printsTwice(all []print) (pairs [][2]int32) {
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j].hash == all[i].hash {
			j++
		}
		if j == i+2 && s.records[all[i].record].tuple != s.records[all[i+1].record].tuple {
			pairs = append(pairs, [2]int32{all[i].record, all[i+1].record})
		}
		i = j
	}
	return pairs
}
