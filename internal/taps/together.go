package taps

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// together decides absences that each tap alone leaves undecided: one lacks the pure ACKs,
// the other a direction. What both saw is analysed as one capture, on one clock, for the time in
// which both were capturing.
func (j *joiner) together(list []joined, records map[uint64]*[2][]int32) {
	reports := map[uint64]*result.Report{} // by Flow.ID
	for i := range list {
		x := &list[i]
		if x.Verdict != detectors.Undecided || x.Absence == detectors.NoAbsence || len(j.tapsOf[x.Flow.ID]) < 2 {
			continue
		}
		at := j.tapsOf[x.Flow.ID][0]
		r, made := reports[x.Flow.ID]
		if !made {
			r = j.union(x.Flow.ID, at, records)
			reports[x.Flow.ID] = r
		}
		if r == nil || r.Trace.First > x.Start { // nobody knows what one of them would have shown before
			continue
		}
		for k := range r.Findings {
			f := &r.Findings[k]
			if f.Verdict == detectors.Seen && f.Detector == x.Finding.Detector && f.Outcome == x.Outcome && j.sameSubject(x, at, f) {
				j.decided(x, at, f)
				break
			}
		}
	}
}

// sameSubject reports whether a finding of both captures is about the same side.
func (j *joiner) sameSubject(x *joined, at int, f *result.Finding) bool {
	side := x.Subject
	if j.swapped(x.Flow.Conn) {
		side = side.Peer()
	}
	conn := x.Flow.Conn
	for _, first := range j.rows[at] {
		if j.canonical(first.Conn) == j.canonical(conn) {
			if j.swapped(first.Conn) {
				side = side.Peer()
			}
			return f.Flow.End[f.Subject] == first.End[side]
		}
	}
	return false
}

// decided makes a finding what both captures together show.
func (j *joiner) decided(x *joined, at int, f *result.Finding) {
	for i := range f.Evidence {
		s := &f.Evidence[i].Seg
		s.Tap = uint8(at)
		for p := range j.Plan.points {
			if slices.Contains(j.Plan.points[p].files, s.File) && slices.Contains(j.tapsOf[x.Flow.ID], p) {
				s.Tap = uint8(p)
			}
		}
	}
	f.Message += " Neither capture shows this alone; together they do."
	own := *f.Finding
	x.Finding.Finding = &own
	x.Flow, x.point, x.Order.At = j.rowAt(x.Flow, at), at, f.At
}

// rowAt is the row of a connection at a tap.
func (j *joiner) rowAt(row *result.Flow, tap int) *result.Flow {
	for _, other := range j.rows[tap] {
		if other.ID == row.ID {
			return other
		}
	}
	return row
}

// union analyses what two taps saw of one connection, as the first of them has it. It is nil if
// their clocks cannot be compared.
func (j *joiner) union(id uint64, at int, records map[uint64]*[2][]int32) *result.Report {
	other := j.tapsOf[id][1]
	taps := j.nearest(id, reassembly.A)
	c := j.crossing(id, taps[0], taps[1], records)
	if c == nil || len(taps) != 2 || j.options == nil {
		return nil
	}
	end, known := j.seenAs(other, at, j.points[other].Trace.End)
	first, _ := j.seenAs(other, at, j.points[other].Trace.First)
	if !known {
		return nil
	}
	trace := &stats.Trace{First: max(first, j.points[at].Trace.First), End: min(end, j.points[at].Trace.End), Gaps: slices.Clone(j.points[at].Trace.Gaps)}
	trace.Last = trace.End
	for _, tap := range []int{at, other} {
		for _, step := range j.points[tap].Trace.ClockSteps {
			step, _ = j.seenAs(tap, at, step)
			trace.ClockSteps = append(trace.ClockSteps, step)
		}
	}
	slices.Sort(trace.ClockSteps)
	for _, g := range j.points[other].Trace.Gaps {
		g.From, _ = j.seenAs(other, at, g.From)
		g.To, _ = j.seenAs(other, at, g.To)
		trace.Gaps = append(trace.Gaps, g)
	}
	sorting.Stable(trace.Gaps, func(a, b stats.Gap) int { return cmp.Compare(a.From, b.From) })
	for _, tap := range []int{at, other} {
		for _, file := range j.Plan.points[tap].files {
			trace.Captures = append(trace.Captures, j.points[at].Trace.Captures[file])
		}
	}
	segs := c.bothSaw(trace.End)
	t := engine.NewTuples(*j.options, trace)
	for i := range segs {
		t.Process(uint64(i)+1, &segs[i])
	}
	r, _, _ := t.End()
	engine.Doubt(r.Findings, j.lessHidden(at, other), trace)
	return r
}

// lessHidden are the counts of the tap that leaves out less: what one captured, both together
// show.
func (j *joiner) lessHidden(a, b int) *stats.Counts {
	x, y := &j.points[a].Trace.Counts, &j.points[b].Trace.Counts
	if !x.Known {
		x, y = &j.points[a].Counts, &j.points[b].Counts
	}
	if x.NoPureACKs() || x.HidesACKs(0) || x.HidesACKs(1) || x.OnlySYNs() || x.OneWay() {
		return y
	}
	return x
}

// bothSaw are the segments that either tap saw, once each, in order of time: as the first has
// them, and by its clock.
func (c *crossing) bothSaw(end int64) (segs []reassembly.Segment) {
	s := c.scan
	add := func(i int32, side int, moved [2]uint32, at int64) {
		r := &s.records[i]
		seg := reassembly.Segment{At: at, Frame: r.frame, Seq: r.seq - reassembly.Seq(moved[0]), Ack: r.ack, Len: r.len, File: r.file, Window: r.window, IPID: r.ipid, Flags: r.flags, TTL: r.ttl,
			Link: r.link, Tunnel: r.tunnel, Opts: reassembly.Options{Has: r.has, MSS: r.mss, Scale: r.scale, TSVal: r.tsval, TSEcr: r.tsecr}}
		if r.flags&reassembly.ACK != 0 {
			seg.Ack -= reassembly.Seq(moved[1])
		}
		own := side
		if c.swapped(c.row[0].Conn) {
			own = 1 - side
		}
		seg.Src, seg.Dst = c.row[0].End[own], c.row[0].End[1-own]
		if at <= end {
			segs = append(segs, seg)
		}
	}
	for side := range 2 {
		w := c.way(side)
		s.match(w)
		s.offload(w)
		c.duplicates(w, side, &result.Way{})
		c.fate(w)
		foreign, _ := c.injected(w, side)
		first, second := w.near, w.far // as the first tap has them, and the second
		paired := func(k int) bool { return w.taken[k] || w.twice[k] }
		if c.nearTap[side] == 1 {
			first, second = w.far, w.near
			paired = func(k int) bool { return w.partner[k] >= 0 }
		}
		for _, i := range first {
			add(i, side, [2]uint32{}, s.records[i].at)
		}
		for k, i := range second {
			id := s.records[i].id()
			if paired(k) || slices.ContainsFunc(foreign, func(f result.TapFrame) bool { return f.FrameID == id }) {
				continue
			}
			at := s.records[i].at
			later, _ := c.clock.back(at)
			add(i, side, [2]uint32{c.shift[side], c.shift[1-side]}, at-later)
		}
	}
	sorting.Stable(segs, func(a, b reassembly.Segment) int { return cmp.Compare(a.At, b.At) })
	return segs
}
