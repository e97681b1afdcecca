package taps

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A pair is one connection at two taps.
type pair struct {
	tap     [2]int
	conn    [2]uint64
	swapped bool       // A is B at the other
	matches [][2]int32 // records of what both saw once
	shift   [2]uint32  // what the second has in addition in the sequence numbers of each side, as the first has them
	nearB   bool       // the first is nearer to B
}

// canonical is the Flow.Conn of a connection at the first tap that saw it.
func (j *joiner) canonical(conn uint64) uint64 {
	for {
		first, is := j.first[conn]
		if !is {
			return conn
		}
		conn = first
	}
}

// swapped reports whether A is B where the connection was first seen.
func (j *joiner) swapped(conn uint64) bool {
	i, is := j.second[conn]
	return is && j.pairs[i].swapped != j.swapped(j.pairs[i].conn[0])
}

// findPairs finds the connections that several taps saw.
func (j *joiner) findPairs() {
	if j.known() {
		j.knownPairs()
		return
	}
	for q := range j.Plan.points {
		for p := range q {
			if g := j.Plan.points[p].group; g == 0 || g != j.Plan.points[q].group {
				continue
			}
			j.pairPoints(p, q)
		}
	}
}

// pairPoints finds the connections that two taps share by the segments that both saw
// of them once.
func (j *joiner) pairPoints(p, q int) {
	s := j.scan
	a, b := j.recordsOf(p), j.recordsOf(q)
	found := map[uint64][]*pair{} // by connection at q
	for _, moved := range []bool{false, true} {
		common(s.prints(a, moved), s.prints(b, moved), func(x, y int32) {
			r, o := &s.records[x], &s.records[y]
			if moved && r.seq == o.seq && r.ack == o.ack { // found before
				return
			}
			cr, co := j.connOf(x), j.connOf(y)
			row, other := j.rows[p][cr], j.rows[q][co]
			if row == nil || other == nil {
				return
			}
			var at *pair
			if n := slices.IndexFunc(found[co], func(x *pair) bool { return x.conn[0] == cr }); n >= 0 {
				at = found[co][n]
			} else {
				at = &pair{tap: [2]int{p, q}, conn: [2]uint64{cr, co}, swapped: sideOf(row, r) != sideOf(other, o)}
				found[co] = append(found[co], at)
			}
			at.shift[sideOf(row, r)] = uint32(o.seq - r.seq)
			at.matches = append(at.matches, [2]int32{x, y})
		})
	}
	taken := map[uint64]bool{}
	for _, co := range slices.Sorted(keys(found)) {
		var best *pair
		for _, at := range found[co] {
			if n := len(at.matches); !taken[at.conn[0]] && (best == nil || n > len(best.matches) || n == len(best.matches) && at.conn[0] < best.conn[0]) {
				best = at
			}
		}
		if best == nil {
			continue
		}
		taken[best.conn[0]] = true
		j.place(best)
		j.addPair(best)
	}
	j.pairLater(p, q)
}

// addPair adds a connection that both taps saw.
func (j *joiner) addPair(p *pair) {
	first, second := p.conn[0], p.conn[1]
	j.paired[first], j.paired[second] = true, true
	j.pairs = append(j.pairs, *p)
	if _, is := j.first[second]; !is {
		j.first[second] = first
		j.second[second] = len(j.pairs) - 1
	}
}

func keys[V any](m map[uint64]V) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// sideOf is the side of a connection that sent the segment.
func sideOf(row *result.Flow, r *record) reassembly.Side {
	sender := row.Key.Lo
	if r.fromHi {
		sender = row.Key.Hi
	}
	if sender == row.End[reassembly.A] {
		return reassembly.A
	}
	return reassembly.B
}

// recordsOf are the records of one point, in order.
func (p *Plan) recordsOf(point int) (all []int32) {
	for i := range p.scan.records {
		if pointOf(&p.scan.records[i]) == point {
			all = append(all, int32(i))
		}
	}
	return all
}

// pointOf is the point of a record; negative if it counts for nothing.
func pointOf(r *record) int {
	if r.point == noPoint {
		return -1
	}
	return int(r.point)
}

// connOf is the connection of a record, as its point has it.
func (p *Plan) connOf(record int32) uint64 {
	at := record
	if p.engine.Positions == nil {
		at = int32(p.scan.records[record].position - 1)
	}
	return uint64(p.engine.Conns[at])
}

// placeOf is the point of a record by the marks of its frame, and else of its unit.
func (p *Plan) placeOf(r *record) uint8 {
	if by := p.frames[r.file]; int(r.frame) < len(by) && by[r.frame] != 0 {
		if by[r.frame] == leftOut {
			return noPoint
		}
		return uint8(by[r.frame] - 1)
	}
	return uint8(min(p.unitTap[r.unit], noPoint))
}

// place finds out which of the two taps is nearer to A. Two segments that follow one
// another in opposite directions took time on both ways, so their differences tell,
// whatever the clocks say. Without two directions it is the TTL.
func (j *joiner) place(p *pair) {
	sorting.Stable(p.matches, func(a, b [2]int32) int { return cmp.Compare(a[0], b[0]) })
	row := j.rows[p.tap[0]][p.conn[0]]
	var trips []int64 // there and back; negative if the first tap is nearer to B
	ttl := 0
	var last [2]*[2]int32
	apart := func(m *[2]int32) int64 { return j.scan.records[m[1]].at - j.scan.records[m[0]].at }
	for i := range p.matches {
		m := &p.matches[i]
		r, o := &j.scan.records[m[0]], &j.scan.records[m[1]]
		side := sideOf(row, r)
		nearer := 0
		if r.ttl > o.ttl {
			nearer = 1
		} else if r.ttl < o.ttl {
			nearer = -1
		}
		if side == reassembly.B {
			nearer = -nearer
		}
		ttl += nearer
		last[side] = m
		if other := last[side.Peer()]; other != nil && i > 0 && &p.matches[i-1] == other {
			trip := apart(m) - apart(other)
			if side == reassembly.B {
				trip = -trip
			}
			trips = append(trips, trip)
		}
	}
	slices.Sort(trips)
	if len(trips) > 0 && trips[len(trips)/2] != 0 {
		p.nearB = trips[len(trips)/2] < 0
	} else {
		p.nearB = ttl < 0
	}
}

// near says which of the two taps is nearer to a side of the first's.
func (p *pair) near(side reassembly.Side) int {
	if p.nearB == (side == reassembly.B) {
		return 0
	}
	return 1
}
