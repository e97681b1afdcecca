package taps

import (
	"math"
	"slices"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A crossing is one connection between two taps, as the first of them has it.
type crossing struct {
	*joiner
	tap     [2]int // points
	nearTap [2]int // nearer to A, nearer to B: 0 or 1
	row     [2]*result.Flow
	records [2][2][]int32 // by tap and side
	shift   [2]uint32     // of each side's sequence numbers at the second tap
	clock   *clockEstimate
	gaps    [2]bool // the tap missed frames that it should have captured
	flip    bool    // the second tap's sides are the other way round
}

// describe says what happened between the taps.
func (c *crossing) describe() result.Between {
	b := result.Between{Taps: c.tap, NearA: c.nearTap[0], Shift: c.shift}
	for side := range 2 {
		at := side
		if c.flip {
			at = 1 - side
		}
		b.End[side] = c.row[1].End[at]
	}
	var ways [2]*way
	var injected [2][]result.TapFrame
	for side := range 2 {
		w := c.way(side)
		ways[side] = w
		c.scan.match(w)
		c.scan.offload(w)
		c.duplicates(w, side, &b.Way[side])
		c.fate(w)
		var fit int
		var foreign []result.TapFrame
		foreign, fit = c.injected(w, side)
		injected[side] = foreign
		b.Injected = append(b.Injected, foreign...)
		c.gaps[c.nearTap[side]] = c.gaps[c.nearTap[side]] || fit > 0
		c.gaps[1-c.nearTap[side]] = c.gaps[1-c.nearTap[side]] || slices.Contains(w.fates, missed)
	}
	for tap, row := range c.row { // what a filter left out was not lost on the path
		c.gaps[tap] = c.gaps[tap] || row.Limits&fsm.AcksFiltered != 0
	}
	if c.gaps[0] != c.gaps[1] && c.oneCapture() {
		c.gaps = [2]bool{true, true}
	}
	for side, w := range ways {
		c.account(w, side, &b.Way[side])
		c.keepLegs(w, side, injected[side])
	}
	b.Rewritten = c.rewritten(ways)
	b.Opening = c.opening(ways)
	if min(c.comparedUntil(c.tap[0]), c.comparedUntil(c.tap[1])) != math.MaxInt64 {
		b.Reason = "the captures have more segments than are compared"
	}
	return b
}

// oneCapture reports whether the two taps were found in what one interface captured. They may be the two sides of
// a forwarder: where its capture missed frames of one, it may have missed those of the other.
func (c *crossing) oneCapture() bool {
	a, b := &c.Plan.points[c.tap[0]], &c.Plan.points[c.tap[1]]
	return a.group == b.group && a.group > maxUnits && slices.Equal(a.files, b.files) // nobody else's group: see doubled, translated
}

// way is one direction: from the tap nearer to the sender to the other.
func (c *crossing) way(side int) *way {
	near := c.nearTap[side]
	far := 1 - near
	w := &way{near: c.scan.onceOnly(c.records[near][side]), far: c.scan.onceOnly(c.records[far][side]), back: c.records[far][1-side], moved: [2]uint32{c.shift[side], c.shift[1-side]}}
	if near == 1 {
		w.moved = [2]uint32{-w.moved[0], -w.moved[1]}
	}
	w.joined = true
	w.later = func(i int32) (int64, bool) {
		t := c.scan.records[i].at
		if near == 0 {
			return c.clock.at(t)
		}
		later, known := c.clock.back(t)
		return -later, known
	}
	w.laterFar = func(at int64) (int64, bool) {
		if near == 0 {
			return c.clock.back(at)
		}
		later, known := c.clock.at(at)
		return -later, known
	}
	if _, known := c.clock.at(0); !known {
		w.joined = false
	}
	w.nearTap, w.farTap = c.tap[near], c.tap[far]
	trace := c.points[w.farTap].Trace
	w.covered = [2]int64{trace.First, trace.End}
	w.stamps = c.scan.sameStamps(w)
	return w
}

// back is at for a time of the other clock.
func (c *clockEstimate) back(own int64) (later int64, known bool) {
	later, known = c.at(own)
	for range 3 { // it changes slowly, but for steps
		later, known = c.at(own - later)
	}
	return later, known
}

// sameStamps reports whether timestamps are the same at both taps.
func (s *scan) sameStamps(w *way) bool {
	seen := map[uint64]bool{}
	for _, i := range w.near {
		if r := &s.records[i]; r.has&reassembly.HasTimestamps != 0 {
			seen[uint64(r.tsval)<<32|uint64(r.tsecr)] = true
		}
	}
	n, same := 0, 0
	for _, i := range w.far {
		if r := &s.records[i]; r.has&reassembly.HasTimestamps != 0 {
			n++
			if seen[uint64(r.tsval)<<32|uint64(r.tsecr)] {
				same++
			}
		}
	}
	return 2*same > n
}

// sender is the end that sent a record.
func (s *scan) sender(r *record) reassembly.Endpoint {
	k := &s.tuples[r.tuple]
	if r.fromHi {
		return k.Hi
	}
	return k.Lo
}

// receiver is the other end.
func (s *scan) receiver(r *record) reassembly.Endpoint {
	k := &s.tuples[r.tuple]
	if r.fromHi {
		return k.Lo
	}
	return k.Hi
}

// tapFrame is a record as reports name it.
func (c *crossing) tapFrame(i int32, point int) result.TapFrame {
	r := &c.scan.records[i]
	x := result.TapFrame{Tap: point, FrameID: r.id()}
	k := &c.scan.tuples[r.tuple]
	x.Seg = reassembly.Segment{At: r.at, Frame: r.frame, Seq: r.seq, Ack: r.ack, Len: r.len, File: r.file, Window: r.window, IPID: r.ipid, Flags: r.flags, TTL: r.ttl,
		Src: k.Lo, Dst: k.Hi, Tap: uint8(point)}
	if r.fromHi {
		x.Seg.Src, x.Seg.Dst = k.Hi, k.Lo
	}
	return x
}

// opening is the first segment that both taps saw.
func (c *crossing) opening(ways [2]*way) (segs []reassembly.Segment) {
	best := int32(-1)
	var other int32
	var side int
	for at, w := range ways {
		for i, j := range w.partner {
			if j >= 0 && (best < 0 || w.near[i] < best) {
				best, other, side = w.near[i], w.far[j], at
			}
		}
	}
	if best < 0 {
		return nil
	}
	near := c.nearTap[side]
	segs = []reassembly.Segment{c.tapFrame(best, c.tap[near]).Seg, c.tapFrame(other, c.tap[1-near]).Seg}
	for i, record := range []int32{best, other} {
		r := &c.scan.records[record]
		segs[i].Opts = reassembly.Options{Has: r.has, MSS: r.mss, Scale: r.scale, TSVal: r.tsval, TSEcr: r.tsecr}
	}
	return segs
}
