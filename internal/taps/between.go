package taps

import (
	"math"
	"slices"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A fate is what became of a segment that the near tap saw.
type fate uint8

const (
	lost fate = iota
	arrived
	partial
	missed
	undecided
	uncovered
	untranslated
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
	for tap, row := range c.row { // what a filter left out did not die on the path
		c.gaps[tap] = c.gaps[tap] || row.Limits&fsm.AcksFiltered != 0
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

// way is one direction: from the tap nearer to the sender to the other.
func (c *crossing) way(side int) *way {
	near := c.nearTap[side]
	far := 1 - near
	w := &way{near: c.records[near][side], far: c.records[far][side], back: c.records[far][1-side], moved: [2]uint32{c.shift[side], c.shift[1-side]}}
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
	w.farTap = c.tap[far]
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

// fate decides what became of everything that the near tap saw.
func (c *crossing) fate(w *way) {
	s := c.scan
	w.fates = make([]fate, len(w.near))
	fates := w.fates
	unseen := c.ackedUnseen(w)
	for i := range w.near {
		r := &s.records[w.near[i]]
		switch {
		case w.partner[i] >= 0:
			fates[i] = arrived
		case c.leftAlone(w, int32(i)):
			fates[i] = untranslated
		case !c.covers(w, int32(i)):
			fates[i] = uncovered
		case c.limited(w, int32(i)):
			fates[i] = undecided
		case r.seqLen() > 0 && unseen.holds(r.seq+reassembly.Seq(w.moved[0]), r.seqLen()):
			fates[i] = missed
		}
	}
	if len(w.far) == 0 && (!w.joined || !c.shows(w.farTap, c.receiverOf(w))) || slices.Contains(fates, missed) && !s.occupies(w.far) { // it does not capture that direction, or nobody knows when
		for i := range fates {
			if fates[i] == lost {
				fates[i] = undecided
			}
		}
	}
	c.onlyOneMissed(w, fates)
}

// occupies reports whether any of the records takes sequence space. An ACK may be one of two that
// the host sent, rather than one that was captured twice.
func (s *scan) occupies(records []int32) bool {
	return slices.ContainsFunc(records, func(i int32) bool { return s.records[i].seqLen() > 0 })
}

// receiverOf is the address to which a direction goes, as the far tap has it.
func (c *crossing) receiverOf(w *way) (addr [16]byte) {
	if len(w.back) > 0 {
		r := &c.scan.records[w.back[0]]
		return c.scan.sender(r).Addr
	}
	return addr
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

// shows reports whether a tap has any segment to an address: one that captures a single
// direction shows nothing of what it lacks.
func (j *joiner) shows(tap int, addr [16]byte) bool {
	if j.shown == nil {
		j.shown = map[int]map[[16]byte]bool{}
	}
	if j.shown[tap] == nil {
		j.shown[tap] = map[[16]byte]bool{}
		for _, i := range j.recordsOf(tap) {
			j.shown[tap][j.scan.receiver(&j.scan.records[i]).Addr] = true
		}
	}
	return j.shown[tap][addr]
}

// account counts the fates. Where the far tap missed anything, nothing is known of what
// has no payload.
func (c *crossing) account(w *way, side int, out *result.Way) {
	s, fates := c.scan, w.fates
	for i := range w.near {
		if fates[i] == lost && c.gaps[1-c.nearTap[side]] && s.records[w.near[i]].len == 0 && s.records[w.near[i]].seqLen() == 0 {
			fates[i] = undecided
		}
		if w.split[int32(i)] == partial {
			fates[i] = partial
		}
	}
	if n := c.notCompared(side); n > 0 {
		out.Sent, out.Undecided = out.Sent+n, out.Undecided+n
	}
	same := s.sameNear(w)
	var delays []int64
	for i, f := range fates {
		n := uint64(1)
		if k := w.pieces[int32(i)]; k > 0 { // a large one that was cut into so many
			n = uint64(k)
		}
		switch f {
		case arrived:
			out.Sent, out.Arrived = out.Sent+n, out.Arrived+n
			if w.joined {
				delays = append(delays, s.delay(w, int32(i), w.partner[i]))
			}
		case untranslated:
			out.Sent, out.Arrived = out.Sent+1, out.Arrived+1
			out.Untranslated = append(out.Untranslated, c.tapFrame(w.near[i], c.tap[c.nearTap[side]]))
		case partial:
			out.Sent, out.Arrived, out.Partial = out.Sent+n+1, out.Arrived+n, out.Partial+1
		case missed:
			out.Sent, out.Missed = out.Sent+1, out.Missed+1
		case undecided:
			out.Sent, out.Undecided = out.Sent+1, out.Undecided+1
		case uncovered:
			out.Sent, out.Uncovered = out.Sent+1, out.Uncovered+1
		default:
			if s.copied(w, int32(i)) {
				continue
			}
			out.Sent++
			x := c.tapFrame(w.near[i], c.tap[c.nearTap[side]])
			for _, k := range s.alternatives(w, int32(i), same) {
				x.OneOf = append(x.OneOf, s.records[w.near[k]].frame)
			}
			out.Lost = append(out.Lost, x)
		}
	}
	c.order(w, side, out)
	if len(delays) > 0 {
		slices.Sort(delays)
		out.HasDelay = true
		out.DelayMin, out.DelayMax = delays[0], delays[len(delays)-1]
		out.DelayMedian, out.DelayP95 = delays[len(delays)/2], delays[(len(delays)-1)*95/100]
	}
}

// copied reports whether a near record is another one once more, as it looks on another link of the
// near tap, such as behind a router: its host sent one packet (RFC 6864 4).
func (s *scan) copied(w *way, i int32) bool {
	r := &s.records[w.near[i]]
	for k := i - 1; k >= 0 && r.ipid != 0; k-- {
		o := &s.records[w.near[k]]
		if r.at-o.at > int64(fsm.DuplicateTime) {
			return false
		}
		if o.content(o.seq, o.ack, 0) == r.content(r.seq, r.ack, 0) && o.window == r.window && o.look() != r.look() {
			return true
		}
	}
	return false
}

// covers reports whether the far tap was capturing when a near record would have
// arrived: with the largest delay to spare on both sides.
func (c *crossing) covers(w *way, i int32) bool {
	at := c.scan.records[w.near[i]].at
	later, known := w.later(w.near[i])
	if !known { // the delays contain the offset
		at += w.median
		span := w.largest - w.least
		return at >= w.covered[0]+span && at <= w.covered[1]-span
	}
	at += later
	return at+w.median >= w.covered[0]+w.largest-w.median && at >= w.covered[0] && at <= w.covered[1]-w.largest
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
