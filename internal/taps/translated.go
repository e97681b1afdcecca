package taps

import (
	"fmt"
	"math"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A translation is one connection twice in one unit: under two four-tuples, before and after an
// address was translated, or with two initial sequence numbers, before and after these were.
type translation struct {
	conn        [2]uint32   // four-tuples or strands, in the order of their first segments
	ends        [2][16]byte // addresses, each at the side of one of them
	n           [2]int      // segments that come twice, of each side
	before      [2]int      // of these, those that the first has before the second
	least, most int64       // of the time differences
	first, last [2]int64    // times of these segments, by four-tuple or strand
	plain       bool        // segments have neither IP IDs nor timestamps
}

// overlap reports whether the four-tuples were in use at the same time: a small stack that is
// started again may send the same numbers.
func (t *translation) overlap() bool { return t.first[0] < t.last[1] && t.first[1] < t.last[0] }

// translated divides a unit in which both sides of a NAT were merged, such as a capture of all
// interfaces of the router, or of what rewrites initial sequence numbers: the same segments come
// twice, under two four-tuples or with other numbers.
func (b *builder) translated(i int) {
	s, u := b.scan, &b.scan.units[i]
	if u.full {
		return
	}
	pairs, of := s.translations(u)
	how := "under two four-tuples: both sides of an address translation were captured"
	if len(pairs) == 0 {
		pairs, of = s.rewritings(u)
		how = "with other initial sequence numbers: both sides of something that rewrites these were captured"
	}
	if len(pairs) == 0 {
		return
	}
	place := map[uint32]int{} // by four-tuple or strand: 0 or 1
	side := map[[16]byte]int{}
	for _, t := range pairs {
		own, other := t.ends[0], t.ends[1]
		at, known := side[own]
		if back, is := side[other]; is || own == other {
			if known && at == back || own == other {
				return // the address is on both sides
			}
			at = 1 - back
		}
		side[own], side[other] = at, 1-at
		place[t.conn[0]], place[t.conn[1]] = at, 1-at
	}
	p := b.unitTap[i]
	first := &b.points[p]
	first.group = len(b.points) + maxUnits // nobody else's
	first.Reason = fmt.Sprintf("segments of %s come twice, %s", b.unitName(i), how)
	first.Recognised = "found"
	other := b.add(result.Tap{Reason: first.Reason, Recognised: "found"}, first.group, u.file)
	b.points[p].Name, b.points[other].Name = b.unitName(i)+" (1)", b.unitName(i)+" (2)"
	for _, k := range u.records {
		r := &s.records[k]
		b.mark(r, []int{p, other}[place[of(k)]])
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
// segments of each at least, at different times, while both were in use; and of which four-tuple a
// record is.
func (s *scan) translations(u *unit) (all []translation, of func(int32) uint32) {
	of = func(i int32) uint32 { return s.records[i].tuple }
	s.printsOf(u, 0)
	if len(u.twice) == 0 {
		return nil, of
	}
	total := map[uint32]int{}
	w := s.walker()
	for _, i := range u.records {
		if once, _ := w.once(&s.records[i]); once {
			total[s.records[i].tuple]++
		}
	}
	all = s.passages(u.twice, total, of)
	for i := range all {
		all[i].ends[0], all[i].ends[1] = s.differing(all[i].conn)
	}
	return all, of
}

// passages are the connections that half of the segments of each share, at different times, while
// both were in use. pairs are segments that come twice; total counts all by connection.
func (s *scan) passages(pairs [][2]int32, total map[uint32]int, of func(int32) uint32) (all []translation) {
	found := map[[2]uint32]*translation{}
	twice := map[uint32]int{}
	for _, p := range pairs {
		if of(p[0]) > of(p[1]) {
			p[0], p[1] = p[1], p[0]
		}
		r, o := &s.records[p[0]], &s.records[p[1]]
		same := r.tuple == o.tuple
		if !same && !s.oneEnd(r, o) {
			continue
		}
		key := [2]uint32{of(p[0]), of(p[1])}
		t := found[key]
		if t == nil {
			t = &translation{conn: key, least: math.MaxInt64, most: math.MinInt64, first: [2]int64{r.at, o.at}, plain: r.ipid == 0 && r.tsval == 0}
			found[key] = t
		}
		side := r.side()
		if !same {
			side = 1
			if s.sender(r) == s.sender(o) {
				side = 0
			}
		}
		if t.n[side]++; r.at < o.at {
			t.before[side]++
		}
		t.least, t.most = min(t.least, o.at-r.at), max(t.most, o.at-r.at)
		for n, at := range [2]int64{r.at, o.at} {
			t.first[n], t.last[n] = min(t.first[n], at), max(t.last[n], at)
		}
		twice[key[0]]++
		twice[key[1]]++
	}
	for _, t := range found {
		half := 2*twice[t.conn[0]] >= total[t.conn[0]] && 2*twice[t.conn[1]] >= total[t.conn[1]]
		if half && min(t.n[0], t.n[1]) >= minEach && t.overlap() && t.most-t.least > samePrecision {
			all = append(all, *t)
		}
	}
	sorting.Stable(all, func(a, b translation) int { return slices.Compare(a.conn[:], b.conn[:]) })
	return all
}

// oneEnd reports whether two records are of one direction between four-tuples that have one
// end in common.
func (s *scan) oneEnd(r, o *record) bool {
	a, b := s.sender(r), s.sender(o)
	x, y := s.receiver(r), s.receiver(o)
	return (a == b) != (x == y)
}

// twice are the records of prints that there are two of, where these may be of one segment.
func twice(sorted []print, may func(a, b int32) bool) (pairs [][2]int32) {
	for same := range sameHash(sorted) {
		if a, b := same[0].record, same[len(same)-1].record; len(same) == 2 && may(a, b) {
			pairs = append(pairs, [2]int32{a, b})
		}
	}
	return pairs
}
