package engine

import (
	"context"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Options are the settings of one run.
type Options struct {
	Detectors       []*detectors.Detector
	Settings        *detectors.Settings // thresholds and TIME_WAIT; nil for the defaults
	MaxFlows        int                 // connections held at a time; 0 = DefaultMaxFlows
	Workers         int                 // 0 = as many as the machine has processors
	AllFlows        bool                // report every connection, not only those with findings
	VerifyChecksums bool
	From            int64                        // leave out findings whose evidence is all earlier than this; 0 = none
	Until           int64                        // leave out frames later than this; 0 = none
	Match           func(fr *capture.Frame) bool // leave out frames that do not match; nil = none
	DNS             func(message []byte)         // is given the DNS answers of captures; nil = none
	Rename          func(file string) string     // what an input is called where captures are compared (--anonymize); nil = as it is
	Rewrite         func(*reassembly.Segment)    // change segments as they are decoded (--anonymize); nil = none
	Ending          func()                       // is called before any connection ends, and when three sixteenths, half and all have, while nothing else runs: what was only needed before is free; nil = none
	Follow          *Follow
	Time            bool             // report where the time went of every connection
	Coverage        []stats.Coverage // of each file, if it is known before they are read
	Points          *Points          // several capture points, each analysed by itself; nil for one
	apart           bool             // what depends on other connections is left to Relate and Doubt
	longWay         bool             // frames are read one by one, and no segment is taken as predicted; for tests
	compact         compactPolicy    // for tests
	live            *Live            // reports findings as they are found; nil = all at the end
}

// compactPolicy says when connections are compacted that have closed.
type compactPolicy uint8

const (
	compactLater compactPolicy = iota
	compactAtOnce
	compactNever
)

// DefaultMaxFlows is how many connections are held at a time.
const DefaultMaxFlows = 1_000_000

// DefaultTimeWait is how long TIME_WAIT lasts on Linux (TCP_TIMEWAIT_LEN). RFC
// 9293 3.4.2 has 2 MSL, four minutes.
const DefaultTimeWait = 60 * time.Second

// Run analyses a trace to its end, or until ctx is done: then what was found so
// far is the result.
func Run(ctx context.Context, trace *capture.Trace, o Options) *result.Report {
	r, _ := Analyze(ctx, Frames(ctx, trace, &o), o)
	return r
}

// Analyze analyses the segments of a source to their end, or until ctx is done. It
// also returns the counts of these connections; the report depends on those of
// the source, if they are Known.
func Analyze(ctx context.Context, src Source, o Options) (*result.Report, stats.Counts) {
	o.defaults()
	pool := newPool(&o)
	read(ctx, src, &o, pool, nil)
	trace := statsOf(src, &o)
	captures := make([]result.Capture, len(trace.Captures))
	for i := range captures {
		captures[i] = captureRow(&trace.Captures[i])
	}
	return assemble(&o, trace, pool.partitions(), captures)
}

// checkEvery is how many segments or frames go by between two looks at the
// context.
const checkEvery = 4096

// read hands the segments of the source on. Each is shown to see before, unless
// that is nil; its first error ends the reading.
func read(ctx context.Context, src Source, o *Options, p *pool, see func(position uint64, seg *reassembly.Segment) error) error {
	defer p.close()
	captured, is := src.(*frames)
	for n := 0; n%checkEvery != 0 || ctx.Err() == nil; n++ {
		if is && see == nil {
			captured.plain(p)
		}
		seg := p.slot()
		position, err := src.Next(seg)
		if err != nil {
			return nil
		}
		if o.Until != 0 && seg.At > o.Until {
			continue
		}
		if o.Rewrite != nil {
			o.Rewrite(seg)
		}
		if see != nil {
			if err := see(position, seg); err != nil {
				return err
			}
		}
		p.hand(position)
	}
	return nil
}

// statsOf is what a source shows of its trace up to Until.
func statsOf(src Source, o *Options) *stats.Trace {
	s := src.Stats()
	s.Cover()
	if o.Until != 0 {
		s.Until(o.Until)
	}
	return s
}

// unobserved reports whether there is time between two files in which nobody captured.
func (o *Options) unobserved(before, after uint16) bool {
	c := o.Coverage
	return int(max(before, after)) < len(c) && c[before].Rotation != c[after].Rotation && c[before].End < c[after].First
}

func (o *Options) defaults() {
	if o.Settings == nil {
		o.Settings = &detectors.Settings{}
	}
	if o.Settings.TimeWait == 0 {
		o.Settings.TimeWait = DefaultTimeWait
	}
	o.AllFlows = o.AllFlows || o.Time
	if o.MaxFlows == 0 {
		o.MaxFlows = DefaultMaxFlows
	}
	if o.Follow != nil { // its connection is numbered as it comes
		o.Workers = 1
	}
}
