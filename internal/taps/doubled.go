package taps

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A doubling is two records of one segment in one unit.
type doubling struct{ first, second int32 }

// A look is what distinguishes frames of two places in one interface.
type look struct {
	link, tunnel uint32
	ttl          uint8
}

func (r *record) look() look { return look{r.link, r.tunnel, r.ttl} }

// alike are the fingerprints of the unit's segments that count, in which those alike follow each other, in
// the order of the file.
func (b *builder) alike(u *unit) []print {
	all := make([]print, 0, len(u.records))
	for _, i := range u.records {
		r := &b.scan.records[i]
		if b.isLeftOut(r) {
			continue
		}
		h := r.content(r.seq, r.ack, uint64(r.tuple)<<32|uint64(r.window))
		all = append(all, print{hash: h ^ uint64(r.side()), record: i})
	}
	slices.SortFunc(all, byHash)
	return all
}

// doublings pairs the records of the unit's segments, where most of them came twice
// at a consistent distance in both directions: alike, or cut.
func (b *builder) doublings(u *unit) (pairs, cut [2][]doubling, are bool) {
	s := b.scan
	all := b.alike(u)
	var twice [2][]doubling
	var total [2]int
	for same := range sameHash(all) {
		r := &s.records[same[0].record]
		if r.seqLen() > 0 || len(same) == 2 {
			total[r.side()] += len(same)
		}
		if len(same) == 2 {
			twice[r.side()] = append(twice[r.side()], doubling{same[0].record, same[1].record})
		}
	}
	var distance [2]int64
	for side := range twice {
		if len(twice[side]) < minEach {
			return pairs, cut, false
		}
		d, mostly := s.distance(twice[side])
		if d <= int64(fsm.DuplicateTime) || !mostly {
			return pairs, cut, false
		}
		distance[side] = d
	}
	for same := range sameHash(all) {
		side := s.records[same[0].record].side()
		pairs[side] = s.pairUp(same, distance[side], pairs[side])
	}
	for side := range pairs {
		var n int
		if cut[side], n = s.cuts(u, pairs[side], side, distance[side]); 2*(2*len(twice[side])+n) < total[side] { // half of the segments, both of each
			return pairs, cut, false
		}
	}
	return pairs, cut, true
}

// distance is the median time between the two records of the pairs, and whether four of five pairs are
// that far apart, or as far as the pair before: a clock may step.
func (s *scan) distance(pairs []doubling) (median int64, mostly bool) {
	sorting.Stable(pairs, func(a, b doubling) int { return cmp.Compare(a.first, b.first) })
	d := make([]int64, len(pairs))
	for i, p := range pairs {
		d[i] = s.records[p.second].at - s.records[p.first].at
	}
	median = slices.Sorted(slices.Values(d))[len(d)/2]
	n := 0
	for k, x := range d {
		if consistent(x, median) || k > 0 && consistent(x, d[k-1]) {
			n++
		}
	}
	return median, 5*n >= 4*len(d)
}

// consistent reports whether a distance fits the median.
func consistent(d, median int64) bool {
	return d >= median/2 && d <= 2*median
}

// pairUp pairs frames alike, in order: each with the one nearest to the distance.
func (s *scan) pairUp(alike []print, distance int64, pairs []doubling) []doubling {
	taken := make([]bool, len(alike))
	for i := range alike {
		if taken[i] {
			continue
		}
		best, off := -1, int64(0)
		for j := i + 1; j < len(alike); j++ {
			d := s.records[alike[j].record].at - s.records[alike[i].record].at
			o := max(d-distance, distance-d)
			if !taken[j] && (len(alike) == 2 && d > int64(fsm.DuplicateTime)/2 || consistent(d, distance)) && (best < 0 || o < off) {
				best, off = j, o
			}
		}
		if best >= 0 {
			taken[best] = true
			pairs = append(pairs, doubling{alike[i].record, alike[best].record})
		}
	}
	return pairs
}

// doubled divides a unit in which two taps were merged, and reports whether it is one.
func (b *builder) doubled(i int) (is bool) {
	s, u := b.scan, &b.scan.units[i]
	pairs, cut, are := b.doublings(u)
	if !are {
		return false
	}
	if d, same := s.oneDistance(&pairs); same && len(cut[0])+len(cut[1]) == 0 {
		for side := range pairs {
			for _, p := range pairs[side] {
				b.mark(&s.records[p.second], int(leftOut))
			}
		}
		b.note("same-capture", fmt.Sprintf("%s holds the same capture twice, all frames of the second %.6f s later: these count for nothing.", b.unitName(i), float64(d)/1e9))
		return true
	}
	if u.full && !s.lookDifferent(&pairs) { // the rest would count twice at one of the two
		b.note("taps", fmt.Sprintf("Most segments of %s come twice, at a consistent distance: two captures were merged. It has more than the %s that are compared, and neither TTL nor link-layer addresses tell the two apart, so it is analysed as one capture: give tcptrace the two captures.",
			b.unitName(i), quantity.Count(uint64(s.limit), "segment")))
		return true
	}
	b.divide(i, &pairs, &cut)
	return true
}

// divide marks the records of a unit in which two taps were merged with the tap that captured them.
func (b *builder) divide(i int, pairs, cut *[2][]doubling) {
	s, u := b.scan, &b.scan.units[i]
	crossed, further := s.crossed(pairs), s.further(pairs)
	p := b.unitTap[i]
	first := &b.points[p]
	first.group = len(b.points) + maxUnits // nobody else's
	first.Reason = fmt.Sprintf("most segments of %s come twice, at a consistent distance: two captures were merged", b.unitName(i))
	first.Recognised = "found"
	other := b.add(result.Tap{Reason: first.Reason, Recognised: "found"}, first.group, u.file)
	b.points[p].Name, b.points[other].Name = b.unitName(i)+" (1)", b.unitName(i)+" (2)"
	rest := &division{other: other, decoder: decode.New()}
	for side := range pairs {
		taps := [2]int{p, other} // of the first and the second record
		if crossed && side == 1 {
			taps = [2]int{other, p}
		}
		alone := taps[0] // the tap nearer to the sender: what only one of both saw was probably lost between them
		if !crossed && !further[side] {
			alone = taps[1]
		}
		rest.point[side] = b.divideSide(u, side, append(pairs[side], cut[side]...), taps, alone)
	}
	if u.full {
		b.divided[i] = rest
	}
}

// divideSide marks the records of one side, and returns which of the two taps captured the frames that look so. A
// record without a partner is of the tap at which frames mostly look like it, or else of the tap alone.
func (b *builder) divideSide(u *unit, side int, pairs []doubling, taps [2]int, alone int) map[look]int {
	s := b.scan
	counts := map[look]*[2]int{} // of first and second records
	done := map[int32]bool{}
	for _, d := range pairs {
		for n, k := range [2]int32{d.first, d.second} {
			r := &s.records[k]
			b.mark(r, taps[n])
			done[k] = true
			if counts[r.look()] == nil {
				counts[r.look()] = new([2]int)
			}
			counts[r.look()][n]++
		}
	}
	for _, k := range u.records {
		r := &s.records[k]
		if done[k] || r.side() != side {
			continue
		}
		tap := alone
		if n := counts[r.look()]; n != nil && n[1] > 4*n[0] {
			tap = taps[1]
		} else if n != nil && n[0] > 4*n[1] {
			tap = taps[0]
		}
		b.mark(r, tap)
	}
	point := map[look]int{}
	for l, n := range counts {
		point[l] = taps[0]
		if n[1] > n[0] {
			point[l] = taps[1]
		}
	}
	return point
}

// A division says of the frames of a unit that come after its last record at which of
// two taps they were captured.
type division struct {
	other   int             // the second tap; the first is that of the unit
	point   [2]map[look]int // by side
	decoder *decode.Decoder
	seg     reassembly.Segment
}

// of is the point of a frame; none if it looks like nothing before.
func (d *division) of(fr *capture.Frame) (point int, is bool) {
	if d.decoder.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, &d.seg) != decode.OK {
		return 0, false
	}
	side := 0
	if _, fromLo := reassembly.KeyOf(&d.seg); !fromLo {
		side = 1
	}
	point, is = d.point[side][look{d.seg.LinkAddresses(), d.seg.Tunnel, d.seg.TTL}]
	return point, is
}

// lookDifferent reports whether the two frames of each pair look different, and all
// frames of one place alike.
func (s *scan) lookDifferent(pairs *[2][]doubling) bool {
	for side := range pairs {
		places := map[look]int{}
		for _, p := range pairs[side] {
			for n, k := range [2]int32{p.first, p.second} {
				places[s.records[k].look()] |= 1 << n
			}
		}
		for _, n := range places {
			if n == 3 {
				return false
			}
		}
	}
	return true
}

// oneDistance reports whether all pairs are the same time apart and look the same.
func (s *scan) oneDistance(pairs *[2][]doubling) (d int64, same bool) {
	least, most := int64(0), int64(0)
	for side := range pairs {
		for k, p := range pairs[side] {
			a, o := &s.records[p.first], &s.records[p.second]
			d := o.at - a.at
			if side == 0 && k == 0 {
				least, most = d, d
			}
			least, most = min(least, d), max(most, d)
			if a.look() != o.look() {
				return 0, false
			}
		}
	}
	return least, most-least <= samePrecision
}
