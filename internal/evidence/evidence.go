// Package evidence writes what proves a finding: a capture of just its
// connection, in which the telling frames say what they tell.
//
// The trace is read a second time, once for all findings. What is written of a
// connection brings the same finding when it is read by itself. So a record
// goes from the connection's first frame to the last moment that the finding
// speaks of, and states that moment as its end: silence up to then counts. If
// the connection took its ports while the one before it was in TIME_WAIT, that
// one goes before.
//
// A connection that is longer than it need be is cut to its handshake, the
// stretch that the finding speaks of, what led up to it, and its end. Only
// where that is still too long, the finding may not be brought again; the file
// says so.
package evidence

import (
	"context"
	"errors"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Options say what is written, and how the report was made.
type Options struct {
	// Payload keeps what the capture has of it; otherwise frames end with their
	// TCP header.
	Payload bool
	// Anonymize is the mapper that rewrote the segments of the report, nil if
	// none did. Frames are made anew then, and their payload is zeroes.
	Anonymize *anonymize.Mapper
	// Version is that of tcptrace.
	Version string
	// Files are the names of the inputs by Segment.File, as they may be printed;
	// empty where that is the order of Report.Captures.
	Files []string
	// Match and VerifyChecksums are those of the analysis.
	Match           func(*capture.Frame) bool
	VerifyChecksums bool
	// Remembered says that the source is not the whole trace, but what a live
	// capture still remembers of it.
	Remembered bool
	// Guard knows the files that must not be overwritten.
	Guard *output.Guard
	// MaxFrames is how many frames a file has at most, but for the telling
	// ones, a few before each of them, and the last; 0 = DefaultMaxFrames.
	MaxFrames int
	// Analyse reads a file with the settings that the report was made with, but
	// without Match and Anonymize: what was written is held to what it proves.
	// Nil leaves that out.
	Analyse func(name string) (*result.Report, error)
}

// DefaultMaxFrames keeps nearly every connection whole, and a file of headers
// around two megabytes.
const DefaultMaxFrames = 20_000

// A File is one that was written.
type File struct {
	Path    string
	Finding *result.Finding
	Frames  int    // in the file
	Cut     uint64 // left out of the connection
	Doubt   string // how the finding differs that the file alone brings; empty if it is the same
}

// A Source gives the frames of a trace, in order: capture.Trace, Recent.Of, or
// Headers.
type Source interface {
	Next(*capture.Frame) error
	Close() error
}

// Segments gives the segments of a trace whose frames were not kept: shard.Trace.
type Segments interface {
	Next(*reassembly.Segment) (position uint64, err error)
	Close() error
}

// Headers is a source of frames whose headers are made from segments.
func Headers(s Segments) Source { return &headers{Segments: s} }

type headers struct {
	Segments
	seg reassembly.Segment // of the latest frame
}

func (h *headers) Next(fr *capture.Frame) error {
	_, err := h.Segments.Next(&h.seg)
	*fr = capture.Frame{At: h.seg.At, Num: h.seg.Frame, File: h.seg.File}
	return err
}

// Write writes a file for each finding of the report into dir, which it makes
// if need be. open opens the trace that the report is of once more. A file is
// written beside its place and renamed, so that nobody sees half of it.
//
// It returns the files that were written, in order of the findings, and what
// could not be done. If ctx is done, nothing is written.
func Write(ctx context.Context, dir string, open func() (Source, error), r *result.Report, o Options) ([]File, error) {
	if len(r.Findings) == 0 {
		return nil, nil
	}
	if o.MaxFrames == 0 {
		o.MaxFrames = DefaultMaxFrames
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	trace, err := open()
	if err != nil {
		return nil, err
	}
	defer trace.Close()
	p := newPass(dir, r, &o)
	defer p.room.clear()
	if err := p.read(ctx, trace); err != nil {
		return nil, err
	}
	var files []File
	var errs []error
	for _, d := range p.dossiers {
		if ctx.Err() != nil {
			return files, errors.Join(append(errs, ctx.Err())...)
		}
		f, err := d.file(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, f)
	}
	return files, errors.Join(errs...)
}
