package taps

import (
	"cmp"
	"context"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// Points is what the engine needs to analyse each capture point by itself.
func (p *Plan) Points() *engine.Points { return &p.engine }

// Run analyses each capture point of the plan by itself, and joins what they found.
func (p *Plan) Run(ctx context.Context, src engine.Source, o engine.Options) *result.Report {
	all := o.AllFlows
	if p.together() {
		o.AllFlows = true // the row of a connection is the first tap's, whoever found something
	}
	o.Points = &p.engine
	points, whole := engine.AnalyzePoints(ctx, src, o)
	j := p.joiner(points, o.Until != 0)
	j.options = &o
	return j.report(whole, all)
}

// joiner joins what the points found. partly says that not all of the trace was analysed.
func (p *Plan) joiner(points []engine.Point, partly bool) *joiner {
	j := &joiner{Plan: p, points: points, partly: partly, rows: make([]map[uint64]*result.Flow, len(points)), first: map[uint64]uint64{},
		second: map[uint64]int{}, paired: map[uint64]bool{}, tapsOf: map[uint64][]int{}, with: map[uint64][]int{}}
	for i := range points {
		j.rows[i] = map[uint64]*result.Flow{}
		flows := points[i].Report.Flows
		for k := range flows {
			j.rows[i][flows[k].Conn] = &flows[k]
		}
	}
	j.findPairs()
	return j
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
	partly bool                    // not all of the trace was analysed

	options *engine.Options
	records map[uint64]*[2][]int32    // of each connection that several taps saw, by side
	shown   map[int]map[[16]byte]bool // addresses to which each tap has segments
	plain   map[int]map[uint64]int32  // records of each tap, see plainAt
}

func (j *joiner) report(whole *stats.Trace, all bool) *result.Report {
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
	r.Notes = append(r.Notes, j.closingNotes()...)
	j.number(r, whole.Numbers)
	j.findings(r, all)
	return r
}

// numbers are those of the connections, in order.
func (j *joiner) numbers(given []stats.Number) (all []stats.Number) {
	for i := range j.points {
		for _, conn := range j.points[i].Positions {
			if j.canonical(conn) == conn {
				all = append(all, stats.Number{Position: conn})
			}
		}
	}
	sorting.Stable(all, func(a, b stats.Number) int { return cmp.Compare(a.Position, b.Position) })
	if len(given) < len(all) {
		given = nil
	}
	for i := range all {
		all[i].Number = uint64(i) + 1
		if given != nil {
			all[i].Number = numberOf(given, all[i].Position)
		}
	}
	return all
}

// numberOf is the number of the connection at a position.
func numberOf(numbers []stats.Number, position uint64) uint64 {
	n, is := slices.BinarySearchFunc(numbers, position, func(n stats.Number, at uint64) int { return cmp.Compare(n.Position, at) })
	if !is {
		return 0
	}
	return numbers[n].Number
}

// number numbers the connections by their first segments, and makes one row of each.
func (j *joiner) number(r *result.Report, given []stats.Number) {
	numbers := j.numbers(given)
	for i := range j.points {
		for conn, row := range j.rows[i] {
			row.ID = numberOf(numbers, j.canonical(conn))
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
	sorting.Stable(r.Flows, func(a, b result.Flow) int { return cmp.Compare(a.ID, b.ID) })
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
			doubled := f.Doubled
			if j.swapped(f.Conn) {
				doubled[0], doubled[1] = doubled[1], doubled[0]
				s.End[0], s.End[1] = s.End[1], s.End[0]
				s.Packets[0], s.Packets[1] = s.Packets[1], s.Packets[0]
				s.Bytes[0], s.Bytes[1] = s.Bytes[1], s.Bytes[0]
				s.Rexmits[0], s.Rexmits[1] = s.Rexmits[1], s.Rexmits[0]
			}
			to.Taps = append(to.Taps, s)
			to.Doubled = [2]bool{to.Doubled[0] || doubled[0], to.Doubled[1] || doubled[1]}
		}
	}
}
