package taps

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A repeat is a record of a segment that the unit has before, at the same place and with the
// same IP identification.
type repeat struct {
	tuple       uint32
	first, copy int32
	distance    int64 // from the last one before it
}

// minShifted is how many different segments of a connection must come again at one distance.
const minShifted = minIDs

// repeated leaves out what a unit holds again of its connections, and says how much that is: some
// files were merged from captures of which one is in them twice, with its clock shifted, and programs
// wrote others, with some frames over and over. A host may send again with the same IP identification
// (RFC 6864 4.3), but not several segments at one distance to the microsecond; and not with the same
// timestamp as before, unless that is within a tick of its clock (RFC 7323 3). shifted says
// which of the two to look for.
func (b *builder) repeated(i int, shifted bool) {
	s := b.scan
	all := b.repeats(&s.units[i])
	if shifted {
		all = atOneDistance(all)
	} else {
		all = slices.DeleteFunc(all, func(p repeat) bool {
			r := &s.records[p.copy]
			return r.has&reassembly.HasTimestamps == 0 || r.tsval == 0
		})
	}
	if all = s.usable(&s.units[i], all); len(all) == 0 {
		return
	}
	for _, p := range all {
		b.mark(&s.records[p.copy], int(leftOut))
	}
	how := "with the same IP identifications and timestamps"
	if shifted {
		how = fmt.Sprintf("all those of a connection the same time later, with the same IP identifications: %.6f s in frame %d",
			float64(all[0].distance)/1e9, s.records[all[0].copy].frame)
	}
	b.note("same-capture", fmt.Sprintf("%s holds %s again, %s. These count for nothing.", b.unitName(i), quantity.Count(uint64(len(all)), "segment"), how))
}

// repeats are those of a unit, by connection.
func (b *builder) repeats(u *unit) (all []repeat) {
	s := b.scan
	for same := range sameHash(b.alike(u)) {
		first := &s.records[same[0].record]
		for j := 1; j < len(same); j++ {
			r, last := &s.records[same[j].record], &s.records[same[j-1].record]
			if r.ipid != 0 && r.look() == first.look() && r.at-first.at > int64(fsm.DuplicateTime) {
				all = append(all, repeat{r.tuple, same[0].record, same[j].record, r.at - last.at})
			}
		}
	}
	sorting.Stable(all, func(a, b repeat) int {
		return cmp.Or(cmp.Compare(a.tuple, b.tuple), cmp.Compare(a.distance, b.distance), cmp.Compare(a.copy, b.copy))
	})
	return all
}

// atOneDistance leaves those of connections of which most come at one distance.
func atOneDistance(all []repeat) (shifted []repeat) {
	for i, j := 0, 0; i < len(all); i = j {
		from, n := i, 0 // the most at one distance
		k := i
		for j = i; j < len(all) && all[j].tuple == all[i].tuple; j++ {
			for all[j].distance-all[k].distance > samePrecision {
				k++
			}
			if j+1-k > n {
				from, n = k, j+1-k
			}
		}
		different := map[int32]bool{}
		for _, p := range all[from : from+n] {
			different[p.first] = true
		}
		if len(different) >= minShifted && 5*n >= 4*(j-i) {
			shifted = append(shifted, all[from:from+n]...)
		}
	}
	return shifted
}

// usable leaves those of whose IP identification their side made no other use between the two.
func (s *scan) usable(u *unit, all []repeat) []repeat {
	type number struct {
		tuple  uint32
		fromHi bool
		ipid   uint16
	}
	numberOf := func(r *record) number { return number{r.tuple, r.fromHi, r.ipid} }
	of := map[number]int{}
	for i := range all {
		of[numberOf(&s.records[all[i].copy])] = i
	}
	reused := map[int]bool{}
	for _, k := range u.records {
		r := &s.records[k]
		if i, is := of[numberOf(r)]; is {
			a, o := &s.records[all[i].first], &s.records[all[i].copy]
			reused[i] = reused[i] || r.position > a.position && r.position < o.position && (r.seq != o.seq || r.ack != o.ack || r.len != o.len)
		}
	}
	return slices.DeleteFunc(all, func(p repeat) bool {
		return reused[of[numberOf(&s.records[p.copy])]]
	})
}
