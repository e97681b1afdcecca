package taps

import (
	"slices"

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

// fate decides what became of everything that the near tap saw.
func (c *crossing) fate(w *way) {
	s := c.scan
	w.fates = make([]fate, len(w.near))
	fates := w.fates
	unseen, twice := c.ackedUnseen(w), c.twiceUnseen(w)
	reset := false
	for i := range w.near {
		r := &s.records[w.near[i]]
		switch {
		case w.partner[i] >= 0:
			fates[i] = arrived
		case c.leftAlone(w, int32(i)):
			fates[i] = untranslated
		case !c.covers(w, int32(i)):
			fates[i] = uncovered
		case c.limited(w, int32(i)), reset:
			fates[i] = undecided
		case r.seqLen() > 0 && unseen.holds(r.seq+reassembly.Seq(w.moved[0]), r.seqLen()), r.len > 0 && slices.ContainsFunc(twice, r.block(w.moved[0]).Meets):
			fates[i] = missed
		}
		if fates[i] == arrived { // with a RST, a device that translates forgets the connection: it drops what comes behind that, or sends it on as it is
			reset = r.flags&reassembly.RST != 0 && c.row[0].Key != c.row[1].Key
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

// account counts the fates. Where the far tap missed anything, nothing is known of what
// has no payload; in one capture of both taps (see oneCapture), where either did.
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
