package engine

import (
	"context"
	"io"
	"math"
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
	// Positions are those of the segments of Conns, in order, if that has not all of them.
	Positions []uint32
	// Place makes a source Placed if it is not.
	Place func(Source, *Options) Placed
}

// note is called by workers: no two of them have the same position.
func (p *Points) note(position, conn uint64) {
	at := position - 1
	if p.Positions != nil {
		i, is := slices.BinarySearch(p.Positions, uint32(min(position, math.MaxUint32)))
		if !is {
			return
		}
		at = uint64(i)
	}
	if at < uint64(len(p.Conns)) {
		p.Conns[at] = uint32(conn)
	}
}

// A Placed is a source of segments whose Tap is set: it tells what the frames of each
// capture point show.
type Placed interface {
	Source
	// PointStats is called once for each point, after Stats.
	PointStats(point int) *stats.Trace
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

// PointStats is what the frames of a capture point show.
func (f *frames) PointStats(i int) *stats.Trace {
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
	Counts    stats.Counts
	Openings  []Opened // of a split
}

// Order is what findings are sorted by.
type Order struct {
	At       int64 // when it was certain
	Detector int   // its place among the detectors
}

// AnalyzePoints analyses each capture point of a trace by itself. Totals of the
// whole trace, and all of its files, are in the stats that it returns as well.
func AnalyzePoints(ctx context.Context, src Source, o Options) ([]Point, *stats.Trace) {
	points, whole, _ := analyzePoints(ctx, src, o, nil)
	return points, whole
}

func analyzePoints(ctx context.Context, from Source, o Options, see See) ([]Point, *stats.Trace, error) {
	o.defaults()
	src, is := from.(Placed)
	if !is {
		src = o.Points.Place(from, &o)
	}
	pools := poolsOf(&o)
	err := feed(ctx, src, pools, &o, see)
	whole := statsOf(src, &o)
	captures := make([]result.Capture, len(whole.Captures))
	for i := range captures {
		captures[i] = captureRow(&whole.Captures[i])
	}
	points := make([]Point, len(pools))
	for i, p := range pools {
		at := &points[i]
		if at.Trace = src.PointStats(i); o.Coverage != nil {
			at.Trace.Coverage = o.Coverage
		}
		end := at.Trace.End
		if o.Points.Alone[i] {
			end = whole.End
		}
		var own []result.Capture
		for _, file := range o.Points.Files[i] {
			own = append(own, captures[file])
		}
		at.Trace.Captures = whole.Captures
		at.assemble(p, own, end, see != nil)
		at.Report.Captures = captures
		pools[i] = nil // its connections are garbage
	}
	return points, whole, err
}

// poolsOf are workers for each capture point.
func poolsOf(o *Options) []*pool {
	pools := make([]*pool, o.Points.N)
	var steps sync.Mutex
	for i := range pools {
		own := *o
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
	return pools
}

// feed gives each segment to the workers of its capture point.
func feed(ctx context.Context, src Source, pools []*pool, o *Options, see See) error {
	var seg reassembly.Segment
	for n := 0; n%checkEvery != 0 || ctx.Err() == nil; n++ {
		position, err := src.Next(&seg)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if o.Until != 0 && seg.At > o.Until {
			continue
		}
		if o.Rewrite != nil {
			o.Rewrite(&seg)
		}
		if see != nil {
			if err := see(position, &seg); err != nil {
				return err
			}
		}
		p := pools[seg.Tap]
		*p.slot() = seg
		p.hand(position)
	}
	return nil
}

// assemble fills in what the workers of the point have found. States are those at the time end. A
// split needs openings and hosts, too.
func (at *Point) assemble(p *pool, captures []result.Capture, end int64, split bool) {
	p.close()
	parts := p.partitions()
	c := collector{options: p.options(), trace: at.Trace, end: at.Trace.End, at: end, kinds: watch.Counts{}}
	at.Report, at.Counts = c.assemble(parts, captures)
	if split {
		at.Openings = openings(parts, at.Trace.Openings)
		at.Counts.Hosts = askedHosts(c.options, parts)
		at.Counts.Scans = allScans(parts)
	}
	at.Positions = c.positions
	for k := range c.found {
		at.Order = append(at.Order, Order{c.found[k].At, int(c.found[k].Order)})
	}
}

// options are those of the pool's workers.
func (p *pool) options() *Options { return p.workers[0].options }
