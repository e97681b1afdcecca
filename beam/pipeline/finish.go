package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/outcome"
	"github.com/tcptrace-go/tcptrace/beam/internal/store"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func init() {
	register.DoFn5x1[context.Context, int, func(*[]byte) bool, []byte, []byte, error](&finishFn{})
}

// The files of a report. If the last one exists, the others are complete.
const (
	FindingsFile    = "findings.ndjson"
	DeadLettersFile = "dead-letters.ndjson"
	ConnectionsGlob = "connections/part-*.parquet"
	ReportFile      = "report.json"
)

// finishFn moves all parts to their places.
type finishFn struct{ Options Options }

// ProcessElement gets all parts. It can be repeated at any point: Prepare has removed
// the report of other runs, so one that exists is of this run.
func (f *finishFn) ProcessElement(ctx context.Context, _ int, values func(*[]byte) bool, whole, planned []byte) error {
	done, err := store.List(ctx, f.place(ReportFile))
	if err != nil {
		return err
	}
	if len(done) > 0 {
		return f.Options.tidy(ctx)
	}
	var w intake.Whole
	if _, err := wire.Read(whole, &w); err != nil {
		return err
	}
	var p plan
	if _, err := wire.Read(planned, &p); err != nil {
		return err
	}
	parts, err := gather[part](values)
	if err != nil {
		return err
	}
	slices.SortFunc(parts, func(a, b *part) int { return cmp.Or(cmp.Compare(a.Range, b.Range), strings.Compare(a.Text, b.Text)) })
	if err := f.findings(ctx, parts); err != nil {
		return err
	}
	var dead bytes.Buffer
	groups := p.Sums.Unlisted
	summarise := func() ([]byte, error) { return f.summary(ctx, &w.Stats, &p.Sums, groups) }
	for _, pt := range parts {
		groups = append(groups, pt.Groups...)
		switch pt.Kind {
		case summaries:
			whole := []byte(pt.Text)
			summarise = func() ([]byte, error) { return whole, nil }
		case deadLetters:
			fmt.Fprintln(&dead, pt.Text)
		case connections:
			if err := store.Rename(ctx, pt.Name, f.place(fmt.Sprintf("connections/part-%05d.parquet", pt.Range))); err != nil {
				return err
			}
		}
	}
	if err := f.write(ctx, DeadLettersFile, dead.Bytes()); err != nil {
		return err
	}
	summary, err := summarise()
	if err != nil {
		return err
	}
	if err := f.write(ctx, ReportFile, summary); err != nil {
		return err
	}
	return f.Options.tidy(ctx)
}

func (f *finishFn) place(name string) string {
	return store.Join(f.Options.Output, strings.Split(name, "/")...)
}

// write writes a file under another name and renames it.
func (f *finishFn) write(ctx context.Context, name string, data []byte) error {
	beside := f.Options.work(name)
	if err := store.Write(ctx, beside, data); err != nil {
		return err
	}
	return store.Rename(ctx, beside, f.place(name))
}

// findings concatenates the parts with findings.
func (f *finishFn) findings(ctx context.Context, parts []*part) error {
	beside := f.Options.work(FindingsFile)
	out, err := store.Create(ctx, beside)
	if err != nil {
		return err
	}
	for _, pt := range parts {
		if pt.Kind != findings {
			continue
		}
		if err := appendTo(ctx, out, pt.Name); err != nil {
			out.Close()
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return store.Rename(ctx, beside, f.place(FindingsFile))
}

func appendTo(ctx context.Context, out io.Writer, name string) error {
	in, err := store.Open(ctx, name)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(out, in)
	return err
}

// summary is the last line of tcptrace --format ndjson.
func (f *finishFn) summary(ctx context.Context, trace *stats.Trace, sums *outcome.Sums, groups []result.Group) ([]byte, error) {
	o, err := f.Options.engine()
	if err != nil {
		return nil, err
	}
	trace.Counts = sums.Counts
	trace.Counts.Known, trace.Counts.Segments = true, trace.Segments
	r, _ := engine.Analyze(ctx, nothing{trace}, o)
	r.Totals.Flows, r.Totals.EvictedFlows, r.Totals.Duplicates = sums.Flows, sums.Evicted, sums.Counts.Duplicates
	r.Totals.Groups = outcome.Groups(groups, o.Detectors)
	var buf bytes.Buffer
	err = report.NDJSON(&buf, r, reportOptions(&f.Options, trace))
	return buf.Bytes(), err
}

// nothing is a source without segments: its report has the statistics of the trace.
type nothing struct{ trace *stats.Trace }

func (nothing) Next(*reassembly.Segment) (uint64, error) { return 0, io.EOF }
func (n nothing) Stats() *stats.Trace                    { return n.trace }
