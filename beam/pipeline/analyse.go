package pipeline

import (
	"context"
	"io"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/chunk"
	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/outcome"
	"github.com/tcptrace-go/tcptrace/beam/internal/store"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

func init() {
	register.DoFn6x1[context.Context, []byte, func(*[]byte) bool, []byte, func([]byte), func([]byte), error](&analyseFn{})
}

// analyseFn analyses the connections of a four-tuple.
type analyseFn struct {
	Options Options

	whole     memory[intake.Whole]
	tuples    *engine.Tuples
	merge     *chunk.Merge
	positions map[uint64]chunk.Position // of the first segments of the current connections
	sums      outcome.Sums              // of the bundle
	rows      map[int64]uint64
	findings  map[int64]uint64
}

// StartBundle starts new sums.
func (f *analyseFn) StartBundle(context.Context, []byte, func([]byte), func([]byte)) {
	f.sums = outcome.Sums{}
	f.rows, f.findings = map[int64]uint64{}, map[int64]uint64{}
}

// FinishBundle emits the sums.
func (f *analyseFn) FinishBundle(_ context.Context, _ []byte, _, sums func([]byte)) {
	f.sums.Rows, f.sums.Findings = outcome.FromMap(f.rows), outcome.FromMap(f.findings)
	sums(wire.Append(nil, &f.sums))
}

// ProcessElement emits the connections of the four-tuple.
func (f *analyseFn) ProcessElement(ctx context.Context, _ []byte, chunks func(*[]byte) bool, whole []byte, emit, _ func([]byte)) error {
	if err := f.ready(ctx, whole); err != nil {
		return err
	}
	defer f.merge.Reset()
	for {
		var value []byte
		if !chunks(&value) {
			break
		}
		if err := f.merge.Add(value); err != nil {
			return err
		}
	}
	segments := uint64(0)
	for {
		var rec packed.Record
		position, err := f.merge.Next(&rec)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		segments++
		if f.tuples.Process(segments, &rec.Segment) {
			f.positions[segments] = position
		}
	}
	metrics.perConnection.Update(ctx, int64(segments))
	report, counts := f.tuples.End()
	f.count(report, &counts)
	f.emit(ctx, report, emit)
	clear(f.positions)
	return nil
}

// ready sets up the analysis with the statistics of the trace.
func (f *analyseFn) ready(ctx context.Context, whole []byte) error {
	if f.tuples != nil {
		return nil
	}
	w, err := f.whole.of(whole)
	if err != nil {
		return err
	}
	o, err := f.Options.engine()
	if err != nil {
		return err
	}
	trace := w.Stats
	trace.Counts = stats.Counts{Known: true} // numberFn doubts FINs, when all are counted
	f.tuples = engine.NewTuples(o, &trace)
	f.merge = chunk.NewMerge(w.Ranks, func(name string) (io.ReadCloser, error) { return store.Open(ctx, name) })
	f.positions = map[uint64]chunk.Position{}
	return nil
}

// count adds the connections of a four-tuple to the sums.
func (f *analyseFn) count(r *result.Report, counts *stats.Counts) {
	s := outcome.Sums{Counts: *counts, Flows: r.Totals.Flows, Evicted: r.Totals.EvictedFlows}
	if p := counts.Oversized.Position; p != 0 {
		s.Oversized = f.positions[p]
	}
	for _, g := range r.Totals.Groups {
		if g.Listed < g.N {
			g.N, g.Listed = g.N-g.Listed, 0
			s.Unlisted = append(s.Unlisted, g)
		}
	}
	f.sums.Add(&s)
}

// emit emits connections with their findings.
func (f *analyseFn) emit(ctx context.Context, r *result.Report, emit func([]byte)) {
	w, _ := f.whole.of(nil)
	first, last := w.Stats.First, w.Stats.Last
	found := r.Findings
	for i := range r.Flows {
		row := &r.Flows[i]
		c := outcome.Connection{Position: f.positions[row.Conn], Row: *row}
		for k := range found {
			if found[k].Flow == row {
				fd := found[k]
				fd.Flow = nil
				c.Findings = append(c.Findings, fd)
				f.findings[outcome.SliceOf(fd.At, first, last)]++
			}
		}
		f.rows[outcome.SliceOf(c.Position.Time, first, last)]++
		emit(wire.Append(nil, &c))
	}
	metrics.connections.Inc(ctx, int64(len(r.Flows)))
	metrics.findings.Inc(ctx, int64(len(found)))
}
