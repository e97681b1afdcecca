package taps

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A strand is one connection as the sequence numbers of one place have it: a device that
// rewrites initial ones makes two of a connection, and so does each further use of a
// four-tuple.
type strand struct {
	tuple uint32
	iss   [2]reassembly.Seq
	next  [2]reassembly.Seq // what each side sends next
	syn   [2]bool           // iss is known

	opener int // side
}

// maxStrands is how many strands of one four-tuple a segment is compared with, the latest.
const maxStrands = 8

// strands are those of records, and of which each record of the scan is; negative if it is none's.
func (s *scan) strands(records []int32) (all []strand, of []int32) {
	of = slices.Repeat([]int32{-1}, len(s.records))
	latest := map[uint32][]int32{} // by four-tuple
	for _, i := range records {
		r := &s.records[i]
		n := int32(-1)
		for _, k := range latest[r.tuple] {
			if x := &all[k]; x.holds(r) && (n < 0 || x.distance(r) < all[n].distance(r)) {
				n = k
			}
		}
		if n < 0 && r.flags&reassembly.SYN != 0 {
			n = int32(len(all))
			x := strand{tuple: r.tuple, opener: r.side()}
			if r.flags&reassembly.ACK != 0 { // its SYN was not captured
				x.opener = 1 - x.opener
				x.iss[x.opener], x.next[x.opener], x.syn[x.opener] = r.ack-1, r.ack, true
			}
			all = append(all, x)
			list := append(latest[r.tuple], n)
			latest[r.tuple] = list[max(0, len(list)-maxStrands):]
		}
		if of[i] = n; n >= 0 {
			all[n].add(r)
		}
	}
	return all, of
}

// holds reports whether a segment may be of the strand. A SYN is if it is that of the strand.
func (x *strand) holds(r *record) bool {
	own, peer := r.side(), 1-r.side()
	switch {
	case r.flags&reassembly.SYN == 0:
		return x.syn[own] || r.flags&reassembly.ACK != 0 && x.syn[peer]
	case x.syn[own]:
		return x.iss[own] == r.seq
	case r.flags&reassembly.ACK != 0:
		return x.syn[peer] && x.iss[peer]+1 == r.ack
	}
	return false
}

// distance is how far the segment's numbers are from those of the strand.
func (x *strand) distance(r *record) (d uint64) {
	own, peer := r.side(), 1-r.side()
	if x.syn[own] {
		d += apart(r.seq, x.next[own])
	}
	if r.flags&reassembly.ACK != 0 && x.syn[peer] {
		d += apart(r.ack, x.next[peer])
	}
	return d
}

func apart(a, b reassembly.Seq) uint64 { return uint64(min(uint32(a-b), uint32(b-a))) }

func (x *strand) add(r *record) {
	own := r.side()
	if r.flags&reassembly.SYN != 0 && !x.syn[own] {
		x.iss[own], x.next[own], x.syn[own] = r.seq, r.end(), true
	} else if x.next[own].Before(r.end()) {
		x.next[own] = r.end()
	}
}

// rewritings are the pairs of strands that half of the segments of each share but for their initial
// numbers, and of which strand a record is. Without IP IDs and timestamps, nothing but the same
// four-tuple says that they are one connection; then each side's segments must be seen
// earlier where it is nearer.
func (s *scan) rewritings(u *unit) (all []translation, of func(int32) uint32) {
	strands, at := s.strands(u.records)
	of = func(i int32) uint32 { return uint32(at[i]) }
	if len(strands) < 2 {
		return nil, of
	}
	total := map[uint32]int{}
	pairs := s.movedTwice(u.records, strands, at, total)
	for _, t := range s.passages(pairs, total, of) {
		x, y := &strands[t.conn[0]], &strands[t.conn[1]]
		if x.tuple == y.tuple {
			side := x.opener
			if t.plain && !(10*t.before[side] >= 9*t.n[side] && 10*t.before[1-side] <= t.n[1-side]) {
				continue
			}
			k := &s.tuples[x.tuple]
			t.ends = [2][16]byte{k.Lo.Addr, k.Hi.Addr}
			if side == 1 {
				t.ends[0], t.ends[1] = t.ends[1], t.ends[0]
			}
		} else {
			t.ends[0], t.ends[1] = s.differing([2]uint32{x.tuple, y.tuple})
		}
		all = append(all, t)
	}
	return all, of
}

// movedTwice are the segments that a healthy host sends once, and that come twice, in two strands
// whose initial numbers differ. total counts all of them by strand.
func (s *scan) movedTwice(records []int32, all []strand, of []int32, total map[uint32]int) [][2]int32 {
	prints := make([]print, 0, len(records))
	w := make(walker, len(all))
	for _, i := range records {
		r, n := &s.records[i], of[i]
		if n < 0 {
			continue
		}
		x := &all[n]
		own, peer := r.side(), 1-r.side()
		once, _ := w.of(uint32(n), r)
		if !once || !x.syn[own] || r.flags&reassembly.ACK != 0 && !x.syn[peer] {
			continue
		}
		total[uint32(n)]++
		seq, ack, more := r.seq-x.iss[own], r.ack, uint64(0)
		if r.flags&reassembly.ACK != 0 {
			ack -= x.iss[peer]
		}
		if r.ipid == 0 && r.tsval == 0 {
			more = hashKey(&s.tuples[r.tuple])
		}
		prints = append(prints, print{hash: r.content(seq, ack, more), record: i})
	}
	slices.SortFunc(prints, byHash)
	return twice(prints, func(a, b int32) bool { return of[a] != of[b] && all[of[a]].iss != all[of[b]].iss })
}
