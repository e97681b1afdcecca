package cli

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// A stream analyses standard input as it comes, for formats that can print a finding
// before the end: tcpdump -U -w - ... | tcptrace -. It finds what an analysis of the
// same capture as a file does. Only the trace's clock counts: while the pipe is silent,
// no time passes.
type stream struct {
	*command
	format *format
	trace  *capture.Trace
	live   *engine.Live
	header result.Report // context of printed findings
	done   bool          // the closing report follows

	first, ticked int64 // trace time of the first frame, and of the last tick
	gap           bool  // nothing was recorded for so long that silence proves nothing any more
}

// streams reports whether the run is one of standard input alone, in a format that
// prints findings one by one, and asks for nothing that only the end can tell.
func (c *command) streams(form *format, trace source.Trace) (*capture.Trace, bool) {
	f := c.flags
	captures, is := trace.(*capture.Trace)
	return captures, is && c.filter == nil && f.plain() && slices.Equal(f.files, []string{stdinName}) && f.output == "" && (form.name == "text" || form.name == "ndjson")
}

// plain reports whether the flags ask for findings alone, of the whole trace.
func (f *flags) plain() bool {
	return !f.flows && f.flow == "" && !f.states && !f.time && f.from == "" && f.to == "" && f.severity == "" && f.sort == "" && f.baseline == "" && f.sockets == nil && f.resolve != resolveCapture
}

// stream reads the trace to its end, or until ctx is done.
func (c *command) stream(ctx context.Context, trace *capture.Trace, o engine.Options, form *format) *result.Report {
	s := &stream{command: c, format: form, trace: trace}
	s.live = engine.NewLive(o, s.emit)
	var fr capture.Frame
	var err error
	for err == nil && ctx.Err() == nil {
		if err = trace.Next(&fr); err == nil {
			s.frame(&fr)
		}
	}
	s.done = true
	return s.live.CloseTrace(trace)
}

// The clock moves on in steps that grow with the trace, so that a capture of days needs
// no more than some thousand. Over a time without any frame that long, an absence does
// not count (stats.Trace.KnownUntil), whatever passed of it.
const (
	minTick   = int64(time.Second)
	maxQuiet  = int64(time.Hour)
	tickShare = 1000
)

func (s *stream) frame(fr *capture.Frame) {
	if s.first == 0 {
		s.first, s.ticked = fr.At, fr.At
	}
	if fr.At-s.ticked > maxQuiet {
		s.gap = true
	}
	if step := max(minTick, (fr.At-s.first)/tickShare); !s.gap && fr.At-s.ticked >= step {
		s.live.Tick(fr.At - 1)
		s.ticked = fr.At
	}
	s.live.Frame(fr)
}

// emit prints a finding as soon as it is made, and again when it changes. At the end of
// the pipe, text has all in its report, and ndjson has a last line for each.
func (s *stream) emit(f result.Finding) {
	s.header.Captures = nil
	for _, info := range s.trace.Infos() {
		s.header.Captures = append(s.header.Captures, result.Capture{File: info.File, Format: info.Format, Turns: info.Turns})
	}
	s.anonymizer.captures(&s.header)
	s.header.Trace.First = s.first
	s.header.WholeNumbers(&f)
	o := s.reportOptions()
	o.RawTime = s.trace.RawTime
	switch {
	case s.format.name == "ndjson":
		s.check(report.FindingNDJSON(s.env.Stdout, &s.header, &f, o))
	case s.done || f.Verdict == detectors.Undecided && f.Revision == 1 && !s.flags.undecided:
	case f.Final && f.Revision > 1: // it was printed
	default:
		s.check(report.FindingText(s.env.Stdout, &s.header, &f, o))
	}
}

// closingNDJSON writes the lines of connections and the summary, after the findings.
func closingNDJSON(w io.Writer, r *result.Report, o report.Options) error {
	for i := range r.Flows { // as in the findings printed before
		r.Flows[i].ID = r.Flows[i].Conn
	}
	return report.ClosingNDJSON(w, r, o)
}
