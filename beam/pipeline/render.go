package pipeline

import (
	"bytes"
	"context"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/outcome"
	"github.com/tcptrace-go/tcptrace/beam/internal/store"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

func init() {
	register.DoFn5x1[context.Context, int, func(*[]byte) bool, []byte, func([]byte), error](&renderFn{})
}

// renderFn writes the findings of a range as lines of the report.
type renderFn struct {
	Options Options
	whole   memory[intake.Whole]
}

// ProcessElement emits the lines as a part.
func (f *renderFn) ProcessElement(ctx context.Context, rang int, values func(*[]byte) bool, whole []byte, parts func([]byte)) error {
	w, err := f.whole.of(whole)
	if err != nil {
		return err
	}
	all, err := gather[outcome.Finding](values)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, (*outcome.Finding).Compare)
	r := &result.Report{Findings: make([]result.Finding, len(all))}
	for i, fd := range all {
		r.Findings[i] = fd.Finding
		r.Findings[i].Flow = &fd.Row
	}
	lines, err := linesOf(r, reportOptions(&f.Options, &w.Stats))
	if err != nil {
		return err
	}
	p := part{Kind: findings, Range: rang, Name: f.Options.work("ndjson")}
	if err := store.Write(ctx, p.Name, lines); err != nil {
		return err
	}
	parts(wire.Append(nil, &p))
	return nil
}

// linesOf are the lines of ndjson except the last, which is the summary.
func linesOf(r *result.Report, o report.Options) ([]byte, error) {
	var buf bytes.Buffer
	if err := report.NDJSON(&buf, r, o); err != nil {
		return nil, err
	}
	b := buf.Bytes()
	return b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1], nil
}

// reportOptions are the options for writing reports.
func reportOptions(o *Options, trace *stats.Trace) report.Options {
	ro := report.Options{
		Version: o.Version,
		Docs:    find,
		RawTime: func(file uint16, frame uint32, at int64) int64 {
			return trace.Captures[file].ClockSteps.RawTime(frame, at)
		},
	}
	for i := range trace.Captures {
		ro.Files = append(ro.Files, trace.Captures[i].File)
	}
	return ro
}
