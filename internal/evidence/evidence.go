// Package evidence writes what proves a finding: a capture of just its
// connection, in which the evidence frames have comments.
//
// The trace is read a second time, once for all findings. Analysed by itself,
// the file gives the same finding. So it goes from the connection's first frame
// to the end of the finding, and states that time as the end of the capture:
// silence up to then counts. If the connection reused the ports of another one
// in TIME_WAIT, that one comes first.
//
// A connection that is too long is cut to its handshake, the time of the
// finding, what led up to it, and its end. Only if that is still too long may the
// file give a different finding; it says so.
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
	// Payload keeps captured payload; otherwise frames end with their TCP header.
	Payload bool
	// Anonymize is the mapper that rewrote the segments of the report, nil if
	// none did. Frames are then rebuilt, and their payload is zeroes.
	Anonymize *anonymize.Mapper
	// TimesShifted says that the times of the frames were shifted as well.
	TimesShifted bool
	// Version is that of tcptrace.
	Version string
	// Files are the names of the inputs by Segment.File, as they may be printed;
	// empty where that is the order of Report.Captures.
	Files []string
	// Match and VerifyChecksums are those of the analysis.
	Match           func(*capture.Frame) bool
	VerifyChecksums bool
	// Point is the capture point of a frame, as Segment.Tap; nil if there is one.
	Point func(*capture.Frame) int
	// Remembered says that the source is not the whole trace, but what a live
	// capture still has in memory.
	Remembered bool
	// Guard knows the files that must not be overwritten.
	Guard *output.Guard
	// MaxFrames is how many frames a file has at most, besides the evidence
	// frames, a few before each of them, and the last; 0 = DefaultMaxFrames.
	MaxFrames int
	// Analyse reads a file with the settings of the report, but without Match
	// and Anonymize: each file is checked against its finding. Nil leaves that
	// out.
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
	Doubt   string // how the finding of the file alone differs; empty if it is the same
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
	*fr = capture.Frame{At: h.seg.At, Num: h.seg.Frame, File: h.seg.File, Interface: uint16(h.seg.Tap)}
	return err
}

// Write writes a file for each finding of the report into dir, which it makes
// if necessary. open opens the trace of the report once more. A file is written
// under a temporary name and renamed, so that nobody sees half of it.
//
// It returns the files that were written, in order of the findings, and joins
// the errors of the others. If ctx is done, nothing is written.
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
	defer p.buffers.clear()
	if err := p.read(ctx, trace); err != nil {
		return nil, err
	}
	var files []File
	var errs []error
	for _, b := range p.bundles {
		if ctx.Err() != nil {
			return files, errors.Join(append(errs, ctx.Err())...)
		}
		f, err := b.file(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, f)
	}
	return files, errors.Join(errs...)
}
