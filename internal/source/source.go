// Package source opens the inputs of a run: captures, or shards of captures.
package source

import (
	"context"
	"fmt"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/shard"
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
	r, _ := engine.Analyze(ctx, Segments(ctx, t, &o), o)
	return r
}
