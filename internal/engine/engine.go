package engine

import (
	"context"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
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
	Rewrite         func(*reassembly.Segment)    // change segments as they are decoded (--anonymize); nil = none
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
	tally
	trace   *capture.Trace
	options *Options
	decoder *decode.Decoder
	team    *team
}

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
	r.frame(fr)
	seg := r.team.slot()
	reason := r.decoder.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, seg)
	if reason != decode.OK {
		r.skipped[reason]++
		return
	}
	seg.At, seg.Frame, seg.File = fr.At, fr.Num, fr.File
	if r.options.Rewrite != nil {
		r.options.Rewrite(seg)
	}
	r.segments++
	r.team.hand()
}

// report ends every connection and tells what was found.
func (r *reader) report() *result.Report {
	end := max(r.last, r.trace.End())
	if r.options.Until != 0 {
		end = r.options.Until
	}
	var captures []result.Capture
	for _, info := range r.trace.Infos() {
		captures = append(captures, captureOf(&info))
	}
	return assemble(r.options, &r.tally, r.team.partitions(), captures, end)
}
