package taps

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Named is a tap that the user named, with its files.
type Named struct {
	Name  string
	Files []string
}

// Options say what is known of the inputs before they are read.
type Options struct {
	Named []Named
	Each  bool // the files have nothing to do with each other
	// Interfaces says that each interface of the files is a tap of the same connections.
	Interfaces bool
	// Suspected says that a file was analysed before, and looks like several captures.
	Suspected bool
	// Limit is how many segments of each capture are compared; 0 for the default.
	Limit int
}

// A Plan says which frames come from which capture point, and which capture points
// saw the same connections.
type Plan struct {
	points  []point
	scan    *scan
	unitTap []int             // point of each unit
	frames  map[uint16][]int8 // by file and frame number: the point, or leftOut, where units do not tell
	notes   []result.Note
	copies  []result.Tap // captures that count for nothing
	engine  engine.Points
	out     map[int]bool // units of which everything is left out
	divided map[int]*division
	Skip    map[string]bool // detectors of several taps that are not to be asked
	apart   bool            // the files have nothing to do with each other

	saved    *saved            // what shards say of it; nil for captures
	complete bool              // all of them
	openings [][]stats.Opening // in other shards, by point
}

// A point is one capture point.
type point struct {
	result.Tap
	files []uint16
	group int // taps of the same connections have the same; 0 for none
}

const leftOut = int8(-1)

// Recognise reads the trace, which it closes, and finds out where it was captured. It
// returns nil if it is one capture from one place.
func Recognise(ctx context.Context, trace *capture.Trace, names []string, o *engine.Options, to Options) *Plan {
	defer trace.Close()
	s := read(ctx, trace, o, to.Limit)
	s.rename(o.Rename)
	return plan(s, names, o, to)
}

// RecogniseSegments is Recognise for segments that were read elsewhere, from these captures. What
// is left out, or of which point a segment is, Place says.
func RecogniseSegments(ctx context.Context, src engine.Source, captures []stats.Capture, o *engine.Options, to Options) *Plan {
	s := newScan(len(captures), to.Limit)
	var names []string
	for i := range captures {
		s.infos = append(s.infos, capture.Info{Capture: captures[i]})
		names = append(names, captures[i].File)
	}
	var seg reassembly.Segment
	for n := 0; n%4096 != 0 || ctx.Err() == nil; n++ {
		position, err := src.Next(&seg)
		if err != nil {
			break
		}
		if !seg.IsQuote() {
			s.add(&seg, s.unit(seg.File, 0), uint32(position))
		}
	}
	s.end()
	return plan(s, names, o, to)
}

// Place is the point of a segment; negative if it counts for nothing.
func (p *Plan) Place(seg *reassembly.Segment) int {
	r := record{file: seg.File, frame: seg.Frame, unit: p.scan.unitOf[uint32(seg.File)<<16]}
	r.point = p.placeOf(&r)
	return pointOf(&r)
}

// plan makes the plan of what was read.
func plan(s *scan, names []string, o *engine.Options, to Options) *Plan {
	b := builder{scan: s, Plan: &Plan{scan: s, frames: map[uint16][]int8{}, out: map[int]bool{}, divided: map[int]*division{}}, class: stats.Rotations(s.captures())}
	b.unitTap = make([]int, len(s.units))
	switch {
	case to.Each:
		b.each()
	case to.Interfaces && len(s.units) > 1:
		b.interfaces()
	case len(to.Named) > 0:
		b.named(to.Named, names)
	case len(s.units) > maxCompared:
		b.note("taps", fmt.Sprintf("%s are too many to compare with each other: captures of the same connections at several places are not recognised among them.",
			quantity.Count(uint64(len(s.units)), "capture")))
		b.add(result.Tap{}, 0)
		for file := range s.infos {
			b.points[0].files = append(b.points[0].files, uint16(file))
		}
	default:
		b.found()
	}
	for i := range s.units {
		s.units[i].printed, s.units[i].twice = [2][]print{}, nil
	}
	o.Coverage = stats.Coverages(s.captures(), b.class)
	if len(b.points) <= 1 && len(b.frames) == 0 && len(b.notes) == 0 {
		return nil
	}
	b.finish()
	return b.Plan
}

type builder struct {
	*Plan
	scan  *scan
	class []int // rotation of each file
}

func (b *builder) add(t result.Tap, group int, files ...uint16) int {
	for _, f := range files {
		t.Files = append(t.Files, b.scan.infos[f].File)
	}
	b.points = append(b.points, point{Tap: t, files: files, group: group})
	return len(b.points) - 1
}

func (b *builder) note(name, message string) {
	b.notes = append(b.notes, result.Note{Name: name, Message: message})
}

// tapsFirst numbers the points anew: taps, by which segments are named, come first, in
// the order of the command line.
func (b *builder) tapsFirst() {
	order := make([]int, len(b.points))
	iface := make([]int, len(b.points)) // the first of each
	for i := range order {
		order[i], iface[i] = i, -1
	}
	for i, u := range b.scan.units {
		if p := b.unitTap[i]; u.file == slices.Min(b.points[p].files) && (iface[p] < 0 || int(u.iface) < iface[p]) {
			iface[p] = int(u.iface)
		}
	}
	slices.SortFunc(order, func(i, j int) int {
		x, y := &b.points[i], &b.points[j]
		if (x.group != 0) != (y.group != 0) {
			if x.group != 0 {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(slices.Min(x.files), slices.Min(y.files)), cmp.Compare(iface[i], iface[j]), cmp.Compare(i, j))
	})
	number := make([]int, len(b.points))
	var points []point
	for to, from := range order {
		number[from] = to
		points = append(points, b.points[from])
	}
	b.points = points
	for i := range b.unitTap {
		b.unitTap[i] = number[b.unitTap[i]]
	}
	for _, d := range b.divided {
		d.other = number[d.other]
		for side := range d.point {
			for l, p := range d.point[side] {
				d.point[side][l] = number[p]
			}
		}
	}
	for _, by := range b.frames {
		for i := range by {
			if by[i] > 0 {
				by[i] = int8(number[by[i]-1] + 1)
			}
		}
	}
}

// finish makes what the engine needs.
func (b *builder) finish() {
	b.tapsFirst()
	e := &b.Plan.engine
	e.N, e.Of = len(b.points), b.Plan.of
	total := 0
	for _, u := range b.scan.units {
		total += len(u.records)
	}
	if total > 0 {
		e.Conns = make([]uint32, b.scan.records[len(b.scan.records)-1].position)
	}
	for i := range b.scan.records {
		r := &b.scan.records[i]
		r.point = b.placeOf(r)
	}
	for i := range b.points {
		p := &b.points[i]
		sorting.Stable(p.files, func(x, y uint16) int { return cmp.Compare(b.scan.infos[x].First, b.scan.infos[y].First) })
		e.Files = append(e.Files, p.files)
		e.Alone = append(e.Alone, p.group == 0)
	}
}

// Names are those of the points that saw the same connections; none of a nil plan.
func (p *Plan) Names() (names []string) {
	if p == nil {
		return nil
	}
	for i := range p.points {
		if p.points[i].group != 0 {
			names = append(names, p.points[i].Name)
		}
	}
	return names
}

// of is the point of a frame.
func (p *Plan) of(fr *capture.Frame) int {
	if by := p.frames[fr.File]; int(fr.Num) < len(by) && by[fr.Num] != 0 {
		if by[fr.Num] == leftOut {
			return -1
		}
		return int(by[fr.Num]) - 1
	}
	if u, is := p.scan.unitOf[uint32(fr.File)<<16|uint32(fr.Interface)]; is {
		if p.out[int(u)] {
			return -1
		}
		if d := p.divided[int(u)]; d != nil {
			if at, is := d.of(fr); is {
				return at
			}
		}
		return p.unitTap[u]
	}
	for i := range p.points {
		if slices.Contains(p.points[i].files, fr.File) {
			return i
		}
	}
	return 0
}
