package engine

import (
	"context"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// Options are the settings of one run.
type Options struct {
	Detectors       []*detectors.Detector
	Settings        *detectors.Settings // thresholds and TIME_WAIT; nil for the defaults
	MaxFlows        int                 // connections held at a time; 0 = DefaultMaxFlows
	Workers         int                 // judges; 0 = as the machine has processors
	AllFlows        bool                // report every connection, not only those with findings
	VerifyChecksums bool
	Until           int64                        // leave out frames later than this; 0 = none
	Match           func(fr *capture.Frame) bool // leave out frames that do not match; nil = none
	Follow          *Follow
}

// DefaultMaxFlows is how many connections are held at a time.
const DefaultMaxFlows = 1_000_000

// DefaultTimeWait is how long TIME_WAIT lasts on Linux (TCP_TIMEWAIT_LEN). RFC
// 9293 3.4.2 has 2 MSL, four minutes.
const DefaultTimeWait = 60 * time.Second

// quietGap is a stretch without a single frame after which nothing can be said
// to be absent: nobody was capturing, or files of different days are merged.
const quietGap = int64(time.Hour)

// Run analyses a trace to its end, or until ctx is done: then what was found so
// far is the result.
func Run(ctx context.Context, trace *capture.Trace, o Options) *result.Report {
	o.defaults()
	r := reader{trace: trace, options: &o, decoder: decode.New(), team: newTeam(&o)}
	r.decoder.VerifyChecksums = o.VerifyChecksums
	r.read(ctx)
	return r.report()
}

func (o *Options) defaults() {
	if o.Settings == nil {
		o.Settings = &detectors.Settings{}
	}
	if o.Settings.TimeWait == 0 {
		o.Settings.TimeWait = DefaultTimeWait
	}
	if o.MaxFlows == 0 {
		o.MaxFlows = DefaultMaxFlows
	}
	if o.Follow != nil { // its connection is numbered as it comes
		o.Workers = 1
	}
}

// reader is the one goroutine that reads and decodes.
type reader struct {
	trace    *capture.Trace
	options  *Options
	decoder  *decode.Decoder
	team     *team
	first    int64
	last     int64 // latest frame of any kind
	packets  uint64
	segments uint64
	skipped  [decode.NumReasons]uint64
	gaps     []gap
}

// gap is a stretch in which nothing at all was recorded.
type gap struct{ from, to int64 }

// checkEvery is how many frames go by between two looks at the context.
const checkEvery = 4096

func (r *reader) read(ctx context.Context) {
	defer r.team.close()
	var fr capture.Frame
	for r.packets%checkEvery != 0 || ctx.Err() == nil {
		if r.trace.Next(&fr) != nil {
			return
		}
		if r.options.Until != 0 && fr.At > r.options.Until || r.options.Match != nil && !r.options.Match(&fr) {
			r.packets++
			continue
		}
		r.take(&fr)
	}
}

// take decodes one frame and hands its segment on.
func (r *reader) take(fr *capture.Frame) {
	r.packets++
	r.keepTime(fr.At)
	seg := r.team.slot()
	reason := r.decoder.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, seg)
	if reason != decode.OK {
		r.skipped[reason]++
		return
	}
	seg.At, seg.Frame, seg.File = fr.At, fr.Num, fr.File
	r.segments++
	r.team.hand(r.segments)
}

func (r *reader) keepTime(at int64) {
	switch {
	case r.last == 0:
		r.first, r.last = at, at
	case at > r.last:
		if at-r.last > quietGap {
			r.gaps = append(r.gaps, gap{r.last, at})
		}
		r.last = at
	case at < r.first:
		r.first = at
	}
}

// end is the end of the trace: its last frame of any kind, or a later end that
// a file states.
func (r *reader) end() int64 {
	if r.options.Until != 0 {
		return r.options.Until
	}
	return max(r.last, r.trace.End())
}

// endOf is the last moment that the capture can speak of for a connection last
// heard of at last: the end of the trace, or a gap that came before it.
func endOf(last, end int64, gaps []gap) int64 {
	for _, g := range gaps {
		if g.from >= last {
			return min(g.from, end)
		}
	}
	return end
}

// captureLimits are the limits of the whole capture.
func (r *reader) captureLimits() fsm.Limits {
	var l fsm.Limits
	for _, info := range r.trace.Infos() {
		if info.Drops > 0 {
			l |= fsm.KernelDrops
		}
	}
	if r.trace.Steps() > 0 {
		l |= fsm.ClockStepped
	}
	return l
}
