package taps

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Load makes the plan of shards of several capture points. It reads them to their end, to
// remember their segments; after that, Relate adds what each of them says of the others.
func Load(ctx context.Context, src engine.Source, plan json.RawMessage, points int, o *engine.Options) (*Plan, error) {
	p := &Plan{scan: &scan{indices: map[reassembly.Key]uint32{}}, divided: map[int]*division{}, saved: &saved{}}
	k := &p.saved.savedPlan
	err := json.Unmarshal(plan, k)
	if err == nil && !k.valid(points) {
		err = errors.New("a number is impossible")
	}
	if err != nil {
		return nil, fmt.Errorf("what the shards say of their capture points: %w", err)
	}
	p.apart, p.notes, p.copies, p.scan.limit = k.Apart, k.Notes, k.Copies, k.Limit
	for i := range k.Points {
		at := &k.Points[i]
		p.points = append(p.points, point{Tap: at.Tap, files: at.Files, group: at.Group})
		p.addUnit(i, unit{})
		p.engine.Files = append(p.engine.Files, at.Files)
		p.engine.Alone = append(p.engine.Alone, at.Group == 0)
	}
	p.engine.N, p.engine.Place = points, p.placed
	p.engine.Of = func(fr *capture.Frame) int { return int(fr.Interface) } // as evidence has the frames of shards
	p.remember(ctx, src, o)
	return p, nil
}

// valid reports whether all numbers are in range.
func (k *savedPlan) valid(points int) bool {
	is := func(at int) bool { return at >= 0 && at < points }
	for i := range k.Cuts {
		if at := k.Cuts[i].Points; len(at) < 1 || len(at) > 2 || !is(at[0]) || !is(at[len(at)-1]) {
			return false
		}
	}
	for i := range k.Points {
		if len(k.Points[i].Files) == 0 {
			return false
		}
	}
	return len(k.Points) == points && points > 0
}

func (p *Plan) addUnit(tap int, u unit) uint16 {
	p.scan.units = append(p.scan.units, u)
	p.unitTap = append(p.unitTap, tap)
	return uint16(len(p.scan.units) - 1)
}

// remember reads the segments: of a capture that is cut, those up to its cut.
func (p *Plan) remember(ctx context.Context, src engine.Source, o *engine.Options) {
	type place struct {
		file uint16
		tap  uint8
	}
	type cut struct {
		unit  uint16
		frame uint32
	}
	cuts := map[place]cut{}
	for i := range p.saved.Cuts {
		c := &p.saved.Cuts[i]
		n := p.addUnit(c.Points[0], unit{full: true, until: c.Until})
		if len(c.Points) > 1 {
			p.divided[int(n)] = &division{other: c.Points[1]}
		}
		for _, tap := range c.Points {
			cuts[place{c.File, uint8(tap)}] = cut{n, c.Frame}
		}
	}
	s := p.scan
	p.engine.Positions = []uint32{}
	var seg reassembly.Segment
	for n := 0; n%4096 != 0 || ctx.Err() == nil; n++ {
		position, err := src.Next(&seg)
		if err != nil {
			break
		}
		if seg.IsQuote() || o.Until != 0 && seg.At > o.Until {
			continue
		}
		if o.Rewrite != nil {
			o.Rewrite(&seg)
		}
		tuple, fromLo := s.tuple(&seg)
		to := uint16(seg.Tap)
		if c, is := cuts[place{seg.File, seg.Tap}]; is {
			if to = c.unit; seg.Frame > c.frame {
				s.units[to].more(tuple, fromLo)
				continue
			}
		}
		if position > math.MaxUint32 || len(s.records) == maxOfFiles {
			continue
		}
		s.remember(&s.units[to], to, tuple, fromLo, &seg, uint32(position))
		s.records[len(s.records)-1].point = seg.Tap
		p.engine.Positions = append(p.engine.Positions, uint32(position))
	}
	p.engine.Conns = make([]uint32, len(s.records))
}

// Relate adds what a shard that was read to its end says of the whole trace. complete says
// that it is the last, and that all were.
func (p *Plan) Relate(join json.RawMessage, openings [][]stats.Opening, complete bool) error {
	var k savedJoin
	if err := json.Unmarshal(join, &k); err != nil || len(k.Traces) != len(p.points) || slices.Contains(k.Traces, nil) || len(k.Unpaired) != len(p.points) {
		return errors.Join(errors.New("what a shard says of its capture points is damaged"), err)
	}
	all := &p.saved.savedJoin
	k.Pairs, k.LeftOut = append(all.Pairs, k.Pairs...), all.LeftOut+k.LeftOut
	*all = k
	sorting.Stable(all.Pairs, func(a, b savedPair) int { return cmp.Compare(a.N, b.N) })
	for len(p.openings) < len(p.points) {
		p.openings = append(p.openings, nil)
	}
	for i := range openings {
		p.openings[i] = append(p.openings[i], openings[i]...)
	}
	p.complete = complete
	return nil
}

// known reports whether the shards say what the taps have in common.
func (j *joiner) known() bool { return j.saved != nil && j.complete && !j.partly }

// knownPairs are those of the whole trace whose connections are here.
func (j *joiner) knownPairs() {
	for i := range j.saved.Pairs {
		s := &j.saved.Pairs[i]
		if q := s.Tap; min(q[0], q[1]) < 0 || max(q[0], q[1]) >= len(j.rows) || j.rows[q[0]][s.Conn[0]] == nil || j.rows[q[1]][s.Conn[1]] == nil {
			continue
		}
		j.addPair(&pair{tap: s.Tap, conn: s.Conn, swapped: s.Swapped, shift: s.Shift, nearB: s.NearB})
	}
}

// knownClock is the clock of two taps as the whole trace shows it.
func (j *joiner) knownClock(tap [2]int) *clockEstimate {
	if !j.known() {
		return j.clockOf(tap)
	}
	for i := range j.saved.Clocks {
		if c := &j.saved.Clocks[i]; c.Tap == tap {
			return &clockEstimate{epoch: c.Epoch, whole: c.Whole, parts: c.Parts}
		}
	}
	return &clockEstimate{}
}

// placed adds to shards what the frames of each capture point show.
func (p *Plan) placed(src engine.Source, o *engine.Options) engine.Placed {
	return &placed{Source: src, plan: p, until: o.Until}
}

type placed struct {
	engine.Source
	plan  *Plan
	until int64
	whole *stats.Trace
}

// Stats counts what was left out when the captures were split.
func (s *placed) Stats() *stats.Trace {
	t := s.Source.Stats()
	t.Packets, t.Segments = t.Packets+s.plan.saved.LeftOut, t.Segments+s.plan.saved.LeftOut
	s.whole = t
	return t
}

// PointStats are those of the whole trace. If no shard has these, they are what the segments show.
func (s *placed) PointStats(point int) *stats.Trace {
	t := *s.whole
	if traces := s.plan.saved.Traces; traces != nil {
		t = *traces[point]
		t.Cuts, t.Openings = s.whole.Cuts, s.plan.openings[point]
	}
	if s.until != 0 {
		t.Until(s.until)
	}
	return &t
}
