package taps

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A leg is one segment between two taps: its frames at both, and what became of it.
type leg struct {
	fate             fate
	near, far        int // taps
	left, reached    result.FrameID
	leftAt, arriveAt int64
	foreign          bool // nobody saw it leave
	seg              reassembly.Segment
}

// maxRows is how many segments the ladder of one finding shows.
const maxRows = 24

// ladder shows the evidence of a finding, and what was lost meanwhile, with both taps.
func (j *joiner) ladder(f *result.Finding, row *result.Flow, taps []result.Tap) *result.Ladder {
	if len(row.Between) == 0 {
		return nil
	}
	cited := map[*leg]bool{}
	for _, e := range f.Evidence {
		if l := j.legs[result.FrameOf(&e.Seg)]; l != nil {
			cited[l] = true
		}
	}
	b := &row.Between[0]
	for i := range row.Between { // the one that the finding is about
		for l := range cited {
			if l.fate == lost && l.isBetween(row.Between[i].Taps) {
				b = &row.Between[i]
			}
		}
	}
	for side := range b.Way {
		for i := range b.Way[side].Lost {
			x := &b.Way[side].Lost[i]
			if l := j.legs[x.FrameID]; l != nil && x.Seg.At >= f.Start && x.Seg.At <= f.End {
				cited[l] = true
			}
		}
	}
	var legs []*leg
	for l := range cited {
		if l.isBetween(b.Taps) {
			legs = append(legs, l)
		}
	}
	if len(legs) == 0 {
		return nil
	}
	sorting.Stable(legs, func(x, y *leg) int {
		return cmp.Or(cmp.Compare(x.first(taps), y.first(taps)), cmp.Compare(x.left.Frame, y.left.Frame), cmp.Compare(x.reached.Frame, y.reached.Frame))
	})
	ladder := &result.Ladder{Taps: [2]int{b.Taps[b.NearA], b.Taps[1-b.NearA]}, More: max(0, len(legs)-maxRows)}
	for _, l := range legs[:len(legs)-ladder.More] {
		ladder.Rows = append(ladder.Rows, l.row(ladder.Taps[0], taps))
	}
	return ladder
}

// isBetween reports whether these are the leg's taps.
func (l *leg) isBetween(taps [2]int) bool {
	return slices.Contains(taps[:], l.near) && slices.Contains(taps[:], l.far)
}

// first is when it was seen first, by the clock of the first tap.
func (l *leg) first(taps []result.Tap) int64 {
	if l.foreign {
		return taps[l.far].First(l.arriveAt)
	}
	return taps[l.near].First(l.leftAt)
}

// row is the leg beside others, of which the tap left is on the left.
func (l *leg) row(left int, taps []result.Tap) result.LadderRow {
	r := result.LadderRow{At: l.first(taps), Seg: l.seg, FromLeft: l.near == left, Frame: [2]result.FrameID{l.left, l.reached}}
	if !r.FromLeft {
		r.Frame[0], r.Frame[1] = r.Frame[1], r.Frame[0]
	}
	switch {
	case l.foreign:
		r.Arrived, r.Word = true, "injected"
	case l.fate == arrived || l.fate == partial:
		r.Arrived = true
		if near, far := &taps[l.near], &taps[l.far]; near.HasOffset && far.HasOffset {
			r.HasDelay, r.Delay = true, far.First(l.arriveAt)-near.First(l.leftAt)
		}
	case l.fate == untranslated:
		r.Arrived, r.Word = true, "not translated"
	case l.fate == lost:
		r.Word = "lost"
	case l.fate == missed:
		r.Word = "not captured there"
	case l.fate == uncovered:
		r.Word = "nobody captured there"
	default:
		r.Word = "undecided"
	}
	return r
}

// keepLegs remembers the segments that findings cite, by their frames, and those that
// were lost or injected.
func (c *crossing) keepLegs(w *way, side int, injected []result.TapFrame) {
	near, far := c.tap[c.nearTap[side]], c.tap[1-c.nearTap[side]]
	for i := range w.near {
		r, k := &c.scan.records[w.near[i]], w.partner[i]
		cited := c.cited[r.id()]
		if k >= 0 {
			cited = cited || c.cited[c.scan.records[w.far[k]].id()]
		}
		alone, is := w.plain[int32(i)]
		if !cited && !is && w.fates[i] != lost {
			continue
		}
		x := c.tapFrame(w.near[i], near)
		l := &leg{fate: w.fates[i], near: near, far: far, left: x.FrameID, leftAt: x.Seg.At, seg: x.Seg}
		c.legs[x.FrameID] = l
		if k >= 0 || is {
			if !is {
				alone = w.far[k]
			}
			o := &c.scan.records[alone]
			l.reached, l.arriveAt = o.id(), o.at
			if c.legs[l.reached] == nil {
				c.legs[l.reached] = l
			}
		}
	}
	for i := range injected {
		x := &injected[i]
		c.legs[x.FrameID] = &leg{fate: undecided, foreign: true, near: near, far: far, reached: x.FrameID, arriveAt: x.Seg.At, seg: x.Seg}
	}
}
