// Package source opens the inputs of a run: captures, or shards of captures.
package source

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/taps"
)

// A Trace is the inputs as one trace: a *capture.Trace or a *shard.Trace.
type Trace interface {
	// Infos describes the captures and the inputs that have a problem.
	Infos() []capture.Info
	// RawTime is the time that a frame has in its file, given its trace time.
	RawTime(file uint16, frame uint32, at int64) int64
	// Progress returns the bytes read so far and the total, 0 if that is unknown.
	// It may be called from any goroutine.
	Progress() (read, total int64)
	Close() error
}

// Open opens the named inputs as one trace: captures, or shards if the first
// input that can be opened is one. Inputs of the other kind, and those that
// cannot be read, are reported and left out.
func Open(names []string, o capture.Options) (Trace, []error) {
	captures, err := capture.NewTrace(len(names), o)
	if err != nil {
		return captures, []error{err}
	}
	shards := new(shard.Trace)
	var errs []error
	first, split := "", false // that input, and whether it is a shard
	for _, name := range names {
		in, err := captures.OpenInput(name)
		is := err == nil && shard.Is(in)
		switch {
		case err != nil:
		case first != "" && is && !split:
			err = fmt.Errorf("%s: left out: it is a shard, and %s is not", name, first)
			in.Close()
		case first != "" && !is && split:
			err = fmt.Errorf("%s: left out: it is not a shard, and %s is", name, first)
			in.Close()
		case is:
			err = shards.Add(in)
		default:
			err = captures.Add(in)
		}
		if err != nil {
			errs = append(errs, err)
			captures.LeaveOut(name, err)
			shards.LeaveOut(name, err)
		} else if first == "" {
			first, split = name, is
		}
	}
	if split {
		return shards, errs
	}
	captures.Begin()
	return captures, errs
}

// Segments is the trace as a source for the engine. Captures end when ctx is done.
func Segments(ctx context.Context, t Trace, o *engine.Options) engine.Source {
	if shards, is := t.(*shard.Trace); is {
		return shards
	}
	return engine.Frames(ctx, t.(*capture.Trace), o)
}

// Run analyses the trace to its end, or until ctx is done: then what was found so
// far is the result.
func Run(ctx context.Context, t Trace, o engine.Options) *result.Report {
	if o.Points != nil {
		points, _ := engine.AnalyzePoints(ctx, Segments(ctx, t, &o), o)
		r := points[0].Report
		for i := range points[1:] {
			r.Flows = append(r.Flows, points[1+i].Report.Flows...)
		}
		return r
	}
	r, _ := engine.Analyze(ctx, Segments(ctx, t, &o), o)
	return r
}

// smallFile is the size in bytes up to which a single file is read first to find out
// whether it was captured at several places.
const smallFile = 4 << 20

// Recognise reads captures to find out whether they come from several places. It
// returns nil if they do not, or cannot be read twice. Shards say where their captures come
// from; an error is that they do not say it well.
func Recognise(ctx context.Context, names []string, co capture.Options, o *engine.Options, to taps.Options) (*taps.Plan, error) {
	for _, name := range names {
		if st, err := os.Stat(name); err == nil && !st.Mode().IsRegular() || name == "-" {
			return nil, nil
		}
	}
	t, _ := Open(names, co)
	if shards, is := t.(*shard.Trace); is {
		defer t.Close()
		return ofShards(ctx, shards, o)
	}
	if len(names) == 1 && !isSmall(names[0]) && !to.Each && to.Named == nil && !to.Suspected && !to.Interfaces {
		t.Close()
		return nil, nil
	}
	return taps.Recognise(ctx, t.(*capture.Trace), names, o, to), nil
}

// ofShards is the plan of the captures that were split; nil if they come from one place.
func ofShards(ctx context.Context, shards *shard.Trace, o *engine.Options) (*taps.Plan, error) {
	places := shards.Places()
	o.Coverage = places.Coverage
	if places.Points == 0 {
		return nil, nil
	}
	plan, err := taps.Load(ctx, shards, places.Plan, places.Points, o)
	if err != nil {
		return nil, err
	}
	related, complete := shards.Related()
	for i := range related {
		if err := plan.Relate(related[i].Taps, related[i].Openings, complete); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// RunPlan is Run for captures from several places, if there is a plan. Where a large
// file was not read before, and what was found in it suggests such captures, it is
// analysed again; the plan by which is returned.
func RunPlan(ctx context.Context, t Trace, names []string, o engine.Options, plan *taps.Plan) (*result.Report, *taps.Plan) {
	if plan != nil {
		o.Points = plan.Points()
		return plan.Run(ctx, Segments(ctx, t, &o), o), plan
	}
	captures, is := t.(*capture.Trace)
	r := Run(ctx, t, o)
	if !is || len(names) != 1 || isSmall(names[0]) || o.Follow != nil || !suspicious(r, captures) {
		return r, nil
	}
	again := o
	if plan, _ = Recognise(ctx, names, capture.Options{}, &again, taps.Options{Suspected: true}); plan == nil {
		return r, nil
	}
	second, errs := Open(names, capture.Options{})
	defer second.Close()
	if captures, is = second.(*capture.Trace); !is || errs != nil {
		return r, nil
	}
	return RunPlan(ctx, captures, names, again, plan)
}

// suspicious reports whether a trace looks as if segments had been captured several
// times: most seem to be sent again, there are several interfaces, or a connection was captured
// before and after address translation.
func suspicious(r *result.Report, t *capture.Trace) bool {
	return 5*(r.Totals.Rexmits+r.Totals.Duplicates) > r.Totals.TCPSegments || len(t.Infos()[0].Interfaces) > 1 ||
		slices.ContainsFunc(r.Findings, func(f result.Finding) bool { return strings.HasPrefix(f.Reason, "translated:") })
}

// isSmall reports whether a file is read before it is analysed. What cannot be read
// twice counts as small.
func isSmall(name string) bool {
	st, err := os.Stat(name)
	return err != nil || !st.Mode().IsRegular() || st.Size() <= smallFile
}
