package taps

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/result"
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
	b := &row.Between[0]
	for i := range row.Between { // the one that the finding is about
		for _, e := range f.Evidence {
			if l := j.legs[result.FrameOf(&e.Seg)]; l != nil && l.fate == lost && slices.Contains(row.Between[i].Taps[:], l.near) && slices.Contains(row.Between[i].Taps[:], l.far) {
				b = &row.Between[i]
			}
		}
	}
	ladder := &result.Ladder{Taps: [2]int{b.Taps[b.NearA], b.Taps[1-b.NearA]}}
	picked := map[*leg]bool{}
	for _, e := range f.Evidence {
		if l := j.legs[result.FrameOf(&e.Seg)]; l != nil {
			picked[l] = true
		}
	}
	for side := range b.Way {
		for i := range b.Way[side].Lost {
			x := &b.Way[side].Lost[i]
			if l := j.legs[x.FrameID]; l != nil && x.Seg.At >= f.Start && x.Seg.At <= f.End {
				picked[l] = true
			}
		}
	}
	var legs []*leg
	first := func(l *leg) int64 {
		if l.foreign {
			return taps[l.far].First(l.arriveAt)
		}
		return taps[l.near].First(l.leftAt)
	}
	for l := range picked {
		if slices.Contains(ladder.Taps[:], l.near) && slices.Contains(ladder.Taps[:], l.far) {
			legs = append(legs, l)
		}
	}
	slices.SortFunc(legs, func(x, y *leg) int {
		return cmp.Or(cmp.Compare(first(x), first(y)), cmp.Compare(x.left.Frame, y.left.Frame), cmp.Compare(x.reached.Frame, y.reached.Frame))
	})
	ladder.More = max(0, len(legs)-maxRows)
	for _, l := range legs[:len(legs)-ladder.More] {
		r := result.LadderRow{At: first(l), Seg: l.seg, FromLeft: l.near == ladder.Taps[0]}
		frames := [2]result.FrameID{l.left, l.reached} // near, far
		if !r.FromLeft {
			frames[0], frames[1] = frames[1], frames[0]
		}
		r.Frame = frames
		switch l.fate {
		case arrived, partial:
			r.Arrived = true
			if k := taps[l.near]; k.HasOffset && taps[l.far].HasOffset {
				r.HasDelay = true
				r.Delay = taps[l.far].First(l.arriveAt) - taps[l.near].First(l.leftAt)
			}
		case untranslated:
			r.Arrived, r.Word = true, "not translated"
		case lost:
			r.Word = "lost"
		case missed:
			r.Word = "not captured there"
		case uncovered:
			r.Word = "nobody captured there"
		default:
			r.Word = "undecided"
		}
		if l.foreign {
			r.Arrived, r.Word, r.HasDelay = true, "injected", false
		}
		ladder.Rows = append(ladder.Rows, r)
	}
	if len(ladder.Rows) == 0 {
		return nil
	}
	return ladder
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
		x := c.tapFrame(w.near[i], near, side)
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
