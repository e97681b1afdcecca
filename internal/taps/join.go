package taps

import (
	"cmp"
	"context"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Points is what the engine needs to analyse each capture point by itself.
func (p *Plan) Points() *engine.Points { return &p.engine }

// Run analyses each capture point of the plan by itself, and joins what they found.
func (p *Plan) Run(ctx context.Context, trace *capture.Trace, o engine.Options) *result.Report {
	all := o.AllFlows
	if p.together() {
		o.AllFlows = true // the row of a connection is the first tap's, whoever found something
	}
	o.Points = &p.engine
	points, whole := engine.AnalyzePoints(ctx, trace, o)
	j := joiner{Plan: p, points: points, rows: make([]map[uint64]*result.Flow, len(points)), first: map[uint64]uint64{},
		second: map[uint64]int{}, paired: map[uint64]bool{}, tapsOf: map[uint64][]int{}, with: map[uint64][]int{}}
	return j.report(whole, all)
}

// together reports whether any points saw the same connections.
func (p *Plan) together() bool {
	return slices.ContainsFunc(p.points, func(at point) bool { return at.group != 0 })
}

// A joiner makes one report of several.
type joiner struct {
	*Plan
	points []engine.Point
	rows   []map[uint64]*result.Flow // of each point, by Flow.Conn
	pairs  []pair
	first  map[uint64]uint64 // of a connection that an earlier tap saw as well: its Flow.Conn there
	second map[uint64]int    // of the same, its pair with that
	tapsOf map[uint64][]int  // points that saw a connection, by Flow.ID
	paired map[uint64]bool   // connections that another tap saw as well
	clocks map[[2]int]*clockEstimate
	legs   map[result.FrameID]*leg // of the evidence of findings, and of what was lost
	cited  map[result.FrameID]bool // evidence of findings
	with   map[uint64][]int        // pairs of a connection, by Flow.ID
	until  []int64                 // see comparedUntil
}

// A pair is one connection at two taps.
type pair struct {
	tap     [2]int
	conn    [2]uint64
	swapped bool       // A is B at the other
	matches [][2]int32 // records of what both saw once
	shift   [2]uint32  // what the second has in addition in the sequence numbers of each side, as the first has them
	nearB   bool       // the first is nearer to B
}

func (j *joiner) report(whole *stats.Trace, all bool) *result.Report {
	for i := range j.points {
		j.rows[i] = map[uint64]*result.Flow{}
		flows := j.points[i].Report.Flows
		for k := range flows {
			j.rows[i][flows[k].Conn] = &flows[k]
		}
	}
	j.findPairs()
	r := &result.Report{
		Options:  j.points[0].Report.Options,
		Captures: j.points[0].Report.Captures,
		Trace:    result.Span{First: whole.First, Last: whole.Last, End: whole.End},
		Notes:    j.notes,
		Apart:    j.apart,
	}
	for i := range j.points {
		at := j.points[i].Report
		r.Err = cmp.Or(r.Err, at.Err)
		r.Notes = append(r.Notes, j.pointNotes(i)...)
		r.Gaps = append(r.Gaps, at.Gaps...)
		r.Totals.Duplicates += at.Totals.Duplicates
		r.Totals.EvictedFlows += at.Totals.EvictedFlows
		r.Totals.Flows += at.Totals.Flows
	}
	r.Totals.Packets, r.Totals.TCPSegments = whole.Packets, whole.Segments
	r.Totals.Skipped = engine.Skipped(whole)
	r.Totals.Flows -= uint64(len(j.first))
	for i := range j.points {
		if j.Plan.points[i].group != 0 {
			r.Taps = append(r.Taps, j.Plan.points[i].Tap)
		}
	}
	r.Taps = append(r.Taps, j.copies...)
	j.noteStrangers(r)
	j.noteLimits(r)
	j.number(r)
	j.findings(r, all)
	return r
}

// noteStrangers says which taps have no segment in common: something between them
// terminates the connections, and each leg has its own.
func (j *joiner) noteStrangers(r *result.Report) {
	common := map[[2]int]bool{}
	for i := range j.pairs {
		common[j.pairs[i].tap] = true
	}
	for q := range j.Plan.points {
		for p := range q {
			a, b := &j.Plan.points[p], &j.Plan.points[q]
			if a.group == 0 || a.group != b.group || common[[2]int{p, q}] || len(j.points[p].Positions) == 0 || len(j.points[q].Positions) == 0 {
				continue
			}
			text := a.Name + " and " + b.Name + " have no segment in common. A proxy or load balancer that terminates connections between them explains that: each side has connections of its own, and nothing is said of what lies between"
			if j.stamped(p) && j.stamped(q) {
				text += "; both sides carry timestamps, of different clocks"
			}
			r.Notes = append(r.Notes, result.Note{Name: "no common segment", Message: text + "."})
		}
	}
}

// stamped reports whether the segments of a tap carry timestamps.
func (j *joiner) stamped(tap int) bool {
	for i := range j.scan.records {
		if r := &j.scan.records[i]; r.tsval != 0 && j.pointOf(r) == tap {
			return true
		}
	}
	return false
}

// pointNotes are the notes of one point, with its name if there are taps.
func (j *joiner) pointNotes(i int) (notes []result.Note) {
	for _, n := range j.points[i].Report.Notes {
		if len(j.points) > 1 {
			n.Message = j.Plan.points[i].Name + ": " + n.Message
		}
		notes = append(notes, n)
	}
	return notes
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

// number numbers the connections by their first segments, and makes one row of each.
func (j *joiner) number(r *result.Report) {
	var positions []uint64
	for i := range j.points {
		for _, conn := range j.points[i].Positions {
			if j.canonical(conn) == conn {
				positions = append(positions, conn)
			}
		}
	}
	slices.Sort(positions)
	for i := range j.points {
		for conn, row := range j.rows[i] {
			n, _ := slices.BinarySearch(positions, j.canonical(conn))
			row.ID = uint64(n) + 1
			if !slices.Contains(j.tapsOf[row.ID], i) {
				j.tapsOf[row.ID] = append(j.tapsOf[row.ID], i)
			}
		}
	}
	for i := range j.pairs {
		p := &j.pairs[i]
		id := j.rows[p.tap[0]][p.conn[0]].ID
		j.with[id] = append(j.with[id], i)
	}
	for i := range j.points {
		flows := j.points[i].Report.Flows
		for k := range flows {
			if j.canonical(flows[k].Conn) == flows[k].Conn {
				r.Flows = append(r.Flows, flows[k])
			}
		}
	}
	slices.SortFunc(r.Flows, func(a, b result.Flow) int { return cmp.Compare(a.ID, b.ID) })
	if len(r.Taps) > 0 {
		j.perTap(r)
		j.between(r)
	}
}

// perTap adds to each connection what every tap saw of it.
func (j *joiner) perTap(r *result.Report) {
	index := map[uint64]int{}
	for i := range r.Flows {
		index[r.Flows[i].ID] = i
	}
	tap := -1
	for i := range j.points {
		if j.Plan.points[i].group == 0 {
			continue
		}
		tap++
		flows := j.points[i].Report.Flows
		for k := range flows {
			f := &flows[k]
			at, is := index[f.ID]
			if !is {
				continue
			}
			to := &r.Flows[at]
			s := result.FlowTap{Tap: tap, Conn: f.Conn, End: f.End, First: f.First, Last: f.Last, Packets: f.Packets, Bytes: f.Bytes,
				Rexmits: f.Rexmits, Duplicates: f.Duplicates, RTT: f.RTT, Limits: f.Limits}
			if j.swapped(f.Conn) {
				s.End[0], s.End[1] = s.End[1], s.End[0]
				s.Packets[0], s.Packets[1] = s.Packets[1], s.Packets[0]
				s.Bytes[0], s.Bytes[1] = s.Bytes[1], s.Bytes[0]
				s.Rexmits[0], s.Rexmits[1] = s.Rexmits[1], s.Rexmits[0]
			}
			to.Taps = append(to.Taps, s)
		}
	}
}

// swapped reports whether A is B where the connection was first seen.
func (j *joiner) swapped(conn uint64) bool {
	i, is := j.second[conn]
	return is && j.pairs[i].swapped != j.swapped(j.pairs[i].conn[0])
}

// findPairs finds the connections that several taps saw.
func (j *joiner) findPairs() {
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
	type votes struct {
		n     map[uint64]int
		apart map[uint64]*pair
	}
	found := map[uint64]*votes{} // by connection at q
	for _, moved := range []bool{false, true} {
		common(s.prints(a, moved), s.prints(b, moved), func(x, y int32) {
			r, o := &s.records[x], &s.records[y]
			if moved && r.seq == o.seq && r.ack == o.ack { // found before
				return
			}
			cr, co := uint64(j.engine.Conns[r.position-1]), uint64(j.engine.Conns[o.position-1])
			row, other := j.rows[p][cr], j.rows[q][co]
			if row == nil || other == nil {
				return
			}
			v := found[co]
			if v == nil {
				v = &votes{map[uint64]int{}, map[uint64]*pair{}}
				found[co] = v
			}
			v.n[cr]++
			at := v.apart[cr]
			if at == nil {
				at = &pair{tap: [2]int{p, q}, conn: [2]uint64{cr, co}, swapped: j.sideOf(row, r) != j.sideOf(other, o)}
				v.apart[cr] = at
			}
			at.shift[j.sideOf(row, r)] = uint32(o.seq - r.seq)
			at.matches = append(at.matches, [2]int32{x, y})
		})
	}
	taken := map[uint64]bool{}
	for _, co := range slices.Sorted(keys(found)) {
		v := found[co]
		best := uint64(0)
		for _, cr := range slices.Sorted(keys(v.n)) {
			if !taken[cr] && (best == 0 || v.n[cr] > v.n[best]) {
				best = cr
			}
		}
		if best == 0 {
			continue
		}
		taken[best] = true
		at := v.apart[best]
		j.place(at)
		j.addPair(at)
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
func (j *joiner) sideOf(row *result.Flow, r *record) reassembly.Side {
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
func (j *joiner) recordsOf(p int) (all []int32) {
	for i := range j.scan.records {
		r := &j.scan.records[i]
		if j.pointOf(r) == p {
			all = append(all, int32(i))
		}
	}
	return all
}

func (p *Plan) pointOf(r *record) int {
	if by := p.frames[r.file]; int(r.frame) < len(by) && by[r.frame] != 0 {
		if by[r.frame] == leftOut {
			return -1
		}
		return int(by[r.frame]) - 1
	}
	return p.unitTap[r.unit]
}

// place finds out which of the two taps is nearer to A. Two segments that follow one
// another in opposite directions took time on both ways, so their differences tell,
// whatever the clocks say. Without two directions it is the TTL.
func (j *joiner) place(p *pair) {
	slices.SortFunc(p.matches, func(a, b [2]int32) int { return cmp.Compare(a[0], b[0]) })
	row := j.rows[p.tap[0]][p.conn[0]]
	var trips []int64 // there and back; negative if the first tap is nearer to B
	ttl := 0
	var last [2]*[2]int32
	apart := func(m *[2]int32) int64 { return j.scan.records[m[1]].at - j.scan.records[m[0]].at }
	for i := range p.matches {
		m := &p.matches[i]
		r, o := &j.scan.records[m[0]], &j.scan.records[m[1]]
		side := j.sideOf(row, r)
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

// A joined is a finding on its way into the joint report.
type joined struct {
	*result.Finding
	engine.Order
	point int
	side  reassembly.Side // that it is about, as the first tap has it
}

// findings merges the findings of all points. One that several taps show is one,
// from the tap nearest to the accused side.
func (j *joiner) findings(r *result.Report, all bool) {
	type about struct {
		flow     uint64
		detector string
		side     reassembly.Side
	}
	var list []joined
	by := map[about]map[int][]joined{} // by point
	for i := range j.points {
		rep := j.points[i].Report
		for k := range rep.Findings {
			f := &rep.Findings[k]
			side, role := f.Subject, f.Subject
			if len(f.Roles) > 0 {
				role = f.Roles[0].Side
			}
			if !f.Fault.NamesHost() {
				side = role
			}
			if j.swapped(f.Flow.Conn) {
				side, role = side.Peer(), role.Peer()
			}
			f.Flow = j.rows[i][f.Flow.Conn]
			for e := range f.Evidence {
				f.Evidence[e].Seg.Tap = uint8(i)
			}
			x := joined{f, j.points[i].Order[k], i, side}
			if j.Plan.points[i].group == 0 {
				list = append(list, x)
				continue
			}
			key := about{f.Flow.ID, f.Detector, role}
			if by[key] == nil {
				by[key] = map[int][]joined{}
			}
			by[key][i] = append(by[key][i], x)
		}
	}
	for key, taps := range by {
		list = append(list, j.choose(key.flow, taps)...)
	}
	rows := map[uint64]*result.Flow{}
	for i := range r.Flows {
		rows[r.Flows[i].ID] = &r.Flows[i]
	}
	for _, x := range list {
		if row := rows[x.Flow.ID]; row != nil {
			j.locate(x.Finding, row)
		}
	}
	list = append(list, j.asked(r, list)...)
	for _, x := range list {
		if row := rows[x.Flow.ID]; row != nil {
			x.Ladder = j.ladder(x.Finding, row, r.Taps)
		}
	}
	slices.SortStableFunc(list, func(a, b joined) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Flow.ID, b.Flow.ID), cmp.Compare(a.Order.Detector, b.Order.Detector), cmp.Compare(a.Start, b.Start),
			cmp.Compare(a.point, b.point), cmp.Compare(a.Evidence[0].Seg.Frame, b.Evidence[0].Seg.Frame))
	})
	with := map[uint64]bool{}
	ids := map[string]bool{}
	for _, x := range list {
		f := *x.Finding
		if j.apart {
			if k := slices.IndexFunc(r.Findings, func(o result.Finding) bool { return sameFinding(&o, &f) }); k >= 0 {
				r.Findings[k].Also = append(r.Findings[k].Also, f.Evidence[0].Seg.File)
				continue
			}
		}
		for n := byte('2'); ids[f.ID]; n++ {
			f.ID = x.ID[:len(x.ID)-1] + string("0123456789abcdefghijklmnopqrstuvwxyz"[int(n)%36])
		}
		ids[f.ID] = true
		with[f.Flow.ID] = true
		r.Findings = append(r.Findings, f)
	}
	if !all {
		r.Flows = slices.DeleteFunc(r.Flows, func(f result.Flow) bool { return !with[f.ID] && f.TCB == nil })
	}
	for i := range r.Findings { // a connection that one place saw has one row
		f := &r.Findings[i]
		n, _ := slices.BinarySearchFunc(r.Flows, f.Flow.ID, func(row result.Flow, id uint64) int { return cmp.Compare(row.ID, id) })
		if row := &r.Flows[n]; row.Conn == f.Flow.Conn {
			f.Flow = row
		}
	}
	r.Totals.Groups = j.groups(r.Findings)
}

// sameFinding reports whether two findings are about the same frames of identical files.
func sameFinding(a, b *result.Finding) bool {
	return a.ID == b.ID && a.Message == b.Message && a.Evidence[0].Seg.File != b.Evidence[0].Seg.File &&
		slices.EqualFunc(a.Evidence, b.Evidence, func(x, y detectors.Evidence) bool {
			return x.Seg.Frame == y.Seg.Frame && x.Seg.At == y.Seg.At && x.Role == y.Role
		})
}

// choose keeps of the findings of one detector about one side of a connection those
// of the nearest tap that has any. An absence that the nearest tap does not show is
// none: it saw what the others missed.
func (j *joiner) choose(flow uint64, taps map[int][]joined) []joined {
	var side reassembly.Side
	for _, tap := range slices.Backward(j.tapsOf[flow]) {
		if len(taps[tap]) > 0 {
			side = taps[tap][0].side
		}
	}
	order := j.nearest(flow, side)
	for n, tap := range order {
		found := taps[tap]
		if len(found) == 0 {
			continue
		}
		if n > 0 && found[0].Absence != detectors.NoAbsence {
			return nil
		}
		return found
	}
	return nil
}

// nearest are the taps that saw a connection, the one nearest to the side first.
func (j *joiner) nearest(flow uint64, side reassembly.Side) []int {
	taps := slices.Clone(j.tapsOf[flow])
	slices.SortStableFunc(taps, func(x, y int) int {
		for _, i := range j.with[flow] {
			p := &j.pairs[i]
			if p.tap != [2]int{min(x, y), max(x, y)} {
				continue
			}
			at := side
			if j.swapped(p.conn[0]) {
				at = side.Peer()
			}
			if p.tap[p.near(at)] == x {
				return -1
			}
			return 1
		}
		return 0
	})
	return taps
}

// groups counts the findings that are listed, and those that are not.
func (j *joiner) groups(listed []result.Finding) []result.Group {
	type class struct {
		detector, outcome string
		verdict           detectors.Verdict
	}
	all := map[class]*result.Group{}
	add := func(detector, outcome string, verdict detectors.Verdict, severity detectors.Severity, n, listed uint64) {
		k := class{detector, outcome, verdict}
		g := all[k]
		if g == nil {
			g = &result.Group{Detector: detector, Outcome: outcome, Verdict: verdict}
			all[k] = g
		}
		g.Severity, g.N, g.Listed = max(g.Severity, severity), g.N+n, g.Listed+listed
	}
	for i := range listed {
		f := &listed[i]
		add(f.Detector, f.Outcome, f.Verdict, f.Severity, 1, 1)
	}
	for i := range j.points {
		for _, g := range j.points[i].Report.Totals.Groups {
			if g.N > g.Listed {
				add(g.Detector, g.Outcome, g.Verdict, g.Severity, g.N-g.Listed, 0)
			}
		}
	}
	groups := make([]result.Group, 0, len(all))
	for _, g := range all {
		groups = append(groups, *g)
	}
	names := j.points[0].Report.Options.Detectors
	slices.SortFunc(groups, func(a, b result.Group) int {
		return cmp.Or(cmp.Compare(slices.Index(names, a.Detector), slices.Index(names, b.Detector)), cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.Outcome, b.Outcome))
	})
	return groups
}
