package taps

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// saved is what shards say of a plan, so that a part of the trace is joined as the whole is.
// The plan is known before the captures are split; what was found in the whole trace after it.
type saved struct {
	savedPlan
	savedJoin
}

type savedPlan struct {
	Apart  bool
	Points []savedPoint
	Notes  []result.Note
	Copies []result.Tap
	Limit  int // how many segments of each capture are compared
	Cuts   []savedCut
}

type savedPoint struct {
	Tap   result.Tap
	Files []uint16
	Group int
}

// savedJoin is the same in every shard but for the pairs, which are those of its connections,
// and LeftOut.
type savedJoin struct {
	Traces   []*stats.Trace // by point
	Unpaired []uint64
	Closing  []result.Note // after those of the points
	Clocks   []savedClock
	LeftOut  uint64 // segments that count for nothing
	Pairs    []savedPair
}

// A savedCut is a capture of which no segment after this frame is compared.
type savedCut struct {
	File   uint16
	Frame  uint32
	Until  int64 // its time
	Points []int // one, or the two that were merged in it
}

type savedClock struct {
	Tap   [2]int
	Epoch int64
	Whole result.Clock
	Parts []result.ClockPart
}

type savedPair struct {
	N       int // its place among the pairs of the trace
	Tap     [2]int
	Conn    [2]uint64
	Swapped bool
	Shift   [2]uint32
	NearB   bool
}

// Route is the hash of the four-tuple by which a segment goes to a shard: that of the first
// of all four-tuples with which it has a segment in common at different taps. So the shard
// has all that any tap saw of the connection, also if addresses are translated.
func (p *Plan) Route() func(*reassembly.Segment) uint64 {
	same := newSets(len(p.scan.tuples))
	for q := range p.points {
		for o := range q {
			if g := p.points[o].group; g != 0 && g == p.points[q].group {
				p.scan.unite(same, p.recordsOf(o), p.recordsOf(q))
			}
		}
	}
	hashes := map[reassembly.Key]uint64{} // of those that go elsewhere
	for i := range p.scan.tuples {
		if first := same.of(i); first != i {
			k := &p.scan.tuples[first]
			hashes[p.scan.tuples[i]] = engine.Tuple(&reassembly.Segment{Src: k.Lo, Dst: k.Hi})
		}
	}
	return func(seg *reassembly.Segment) uint64 {
		key, _ := reassembly.KeyOf(seg)
		if hash, is := hashes[key]; is {
			return hash
		}
		return engine.Tuple(seg)
	}
}

// unite joins the four-tuples that have a segment in common.
func (s *scan) unite(same sets, a, b []int32) {
	for _, moved := range []bool{false, true} {
		common(s.prints(a, moved), s.prints(b, moved), func(x, y int32) { same.join(int(s.records[x].tuple), int(s.records[y].tuple)) })
	}
}

// Save is what shards hold of the plan.
func (p *Plan) Save() json.RawMessage {
	if p.saved != nil {
		return encoded(&p.saved.savedPlan)
	}
	s := savedPlan{Apart: p.apart, Notes: p.notes, Copies: p.copies, Limit: p.scan.limit}
	for i := range p.points {
		s.Points = append(s.Points, savedPoint{p.points[i].Tap, p.points[i].files, p.points[i].group})
	}
	for i := range p.scan.units {
		if u := &p.scan.units[i]; u.full {
			c := savedCut{File: u.file, Frame: p.scan.records[u.records[len(u.records)-1]].frame, Until: u.until, Points: []int{p.unitTap[i]}}
			if d := p.divided[i]; d != nil {
				c.Points = append(c.Points, d.other)
			}
			s.Cuts = append(s.Cuts, c)
		}
	}
	return encoded(&s)
}

// Join is what each shard holds of what the taps of the whole trace have in common, and the
// numbers of all connections; none where some had to be dropped.
func (p *Plan) Join(w *engine.Whole, route func(*reassembly.Segment) uint64, shardOf func(uint64) int) (of func(shard int) json.RawMessage, conns []engine.Numbered) {
	j := p.joiner(w.Points, false)
	j.report(w.Trace, true)
	s := savedJoin{Closing: j.closingNotes(), LeftOut: w.Trace.Segments}
	dropped := false
	for i := range p.points {
		at := &w.Points[i]
		t := *at.Trace
		s.LeftOut -= t.Segments
		if !t.Counts.Known {
			t.Counts = at.Counts
		}
		t.Captures, t.Coverage, t.Pauses, t.Openings = nil, nil, nil, nil
		s.Traces = append(s.Traces, &t)
		s.Unpaired = append(s.Unpaired, j.unpaired(i))
		dropped = dropped || at.Report.Totals.EvictedFlows > 0
	}
	if p.saved != nil {
		s.LeftOut = p.saved.LeftOut
	}
	for tap, c := range j.clocks {
		s.Clocks = append(s.Clocks, savedClock{tap, c.epoch, c.whole, c.parts})
	}
	sorting.Stable(s.Clocks, func(a, b savedClock) int { return slices.Compare(a.Tap[:], b.Tap[:]) })
	hashOf := func(point int, conn uint64) uint64 {
		k := j.rows[point][conn].Key
		return route(&reassembly.Segment{Src: k.Lo, Dst: k.Hi})
	}
	pairs := map[int][]savedPair{}
	for i := range j.pairs {
		q := &j.pairs[i]
		shard := shardOf(hashOf(q.tap[0], q.conn[0]))
		pairs[shard] = append(pairs[shard], savedPair{i, q.tap, q.conn, q.swapped, q.shift, q.nearB})
	}
	if !dropped {
		conns = j.numbered(hashOf)
	}
	return func(shard int) json.RawMessage {
		own := s
		own.Pairs = pairs[shard]
		if shard != 0 { // so that all add up
			own.LeftOut = 0
		}
		return encoded(&own)
	}, conns
}

// encoded is JSON of a flat struct of numbers and strings.
func encoded(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a number that is none
	}
	return text
}

// numbered are the connections in order, with the hash by which they are assigned to shards.
func (j *joiner) numbered(hashOf func(point int, conn uint64) uint64) (all []engine.Numbered) {
	for i := range j.rows {
		for conn, row := range j.rows[i] {
			if j.canonical(conn) == conn {
				all = append(all, engine.Numbered{Tuple: hashOf(i, conn), Number: stats.Number{Position: conn, Number: row.ID}})
			}
		}
	}
	sorting.Stable(all, func(a, b engine.Numbered) int { return cmp.Compare(a.Position, b.Position) })
	return all
}
