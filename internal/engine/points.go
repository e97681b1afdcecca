package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/internal/watch"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Points says which frames of a trace come from which capture point. What was
// captured elsewhere proves nothing here: a segment that two points saw was sent
// once, and where one point was not capturing, nothing can be said to be absent
// there. So each point is analysed by itself.
type Points struct {
	N  int
	Of func(*capture.Frame) int // from 0; negative leaves a frame out, though it is counted

	// Files are the inputs of each point.
	Files [][]uint16
	// Alone says of each point that its connections are its own: nobody else saw them.
	Alone []bool
	// Conns is filled with the connection of each segment: at its position, less one,
	// the position of the connection's first segment. Longer traces go on without.
	Conns []uint32
}

// note is called by workers: no two of them have the same position.
func (p *Points) note(position, conn uint64) {
	if position <= uint64(len(p.Conns)) {
		p.Conns[position-1] = uint32(conn)
	}
}

// pointStats are those of one capture point.
type pointStats struct {
	frameStats
}

// sort counts a frame for its capture point and returns that; 0 if there is only one.
func (f *frames) sort(fr *capture.Frame) int {
	if f.points == nil {
		return 0
	}
	i := f.options.Points.Of(fr)
	if fr.Stepped { // the clock of all points in the file
		for k, files := range f.options.Points.Files {
			if k != i && slices.Contains(files, fr.File) {
				f.points[k].trace.Step(fr.At)
			}
		}
	}
	if i < 0 {
		return i
	}
	p := &f.points[i]
	if p.trace.Packets == 0 {
		p.trace.Start = fr.At
	}
	p.frame(fr)
	return i
}

// pointStats is what the frames of a capture point show.
func (f *frames) pointStats(i int) *stats.Trace {
	p := &f.points[i]
	end := p.trace.Last
	for _, file := range f.options.Points.Files[i] {
		end = max(end, f.files.EndOf(int(file)))
	}
	s := p.whole(end)
	if f.options.Until != 0 {
		s.Until(f.options.Until)
	}
	return s
}

// A Point is what was found at one capture point.
type Point struct {
	Report    *result.Report
	Positions []uint64 // of the first segments of all its connections, in order
	Trace     *stats.Trace
	Order     []Order // of the report's findings
}

// Order is what findings are sorted by.
type Order struct {
	At       int64 // when it was certain
	Detector int   // its place among the detectors
}

// AnalyzePoints analyses each capture point of a trace by itself. Totals of the
// whole trace, and all of its files, are in the stats that it returns as well.
func AnalyzePoints(ctx context.Context, trace *capture.Trace, o Options) ([]Point, *stats.Trace) {
	o.defaults()
	src := Frames(ctx, trace, &o).(*frames)
	pools := make([]*pool, o.Points.N)
	var steps sync.Mutex
	for i := range pools {
		own := o
		if o.Follow != nil {
			follow := *o.Follow
			follow.Step = func(s result.Step) {
				steps.Lock()
				defer steps.Unlock()
				o.Follow.Step(s)
			}
			own.Follow = &follow
		}
		pools[i] = newPool(&own)
	}
	var seg reassembly.Segment
	for n := 0; n%checkEvery != 0 || ctx.Err() == nil; n++ {
		position, err := src.Next(&seg)
		if err != nil {
			break
		}
		if o.Until != 0 && seg.At > o.Until {
			continue
		}
		if o.Rewrite != nil {
			o.Rewrite(&seg)
		}
		p := pools[seg.Tap]
		*p.slot() = seg
		p.hand(position)
	}
	whole := statsOf(src, &o)
	captures := make([]result.Capture, len(whole.Captures))
	for i := range captures {
		captures[i] = captureRow(&whole.Captures[i])
	}
	points := make([]Point, len(pools))
	for i, p := range pools {
		p.close()
		at := &points[i]
		at.Trace = src.pointStats(i)
		var own []result.Capture
		for _, file := range o.Points.Files[i] {
			own = append(own, captures[file])
		}
		at.Trace.Coverage = o.Coverage
		c := collector{options: p.options(), trace: at.Trace, end: at.Trace.End, at: at.Trace.End, kinds: watch.Counts{}}
		if o.Points.Alone[i] {
			c.at = whole.End
		}
		at.Report, _ = c.assemble(p.partitions(), own)
		at.Report.Captures = captures
		at.Positions = c.positions
		for k := range c.found {
			at.Order = append(at.Order, Order{c.found[k].At, int(c.found[k].Order)})
		}
		at.Trace.Captures = whole.Captures
	}
	return points, whole
}

// options are those of the pool's workers.
func (p *pool) options() *Options { return p.workers[0].options }
