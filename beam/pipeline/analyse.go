package pipeline

import (
	"cmp"
	"context"
	"io"
	"slices"

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
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func init() {
	register.DoFn7x1[context.Context, []byte, func(*[]byte) bool, []byte, func([]byte), func([]byte), func(int, []byte), error](&analyseFn{})
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
func (f *analyseFn) StartBundle(context.Context, []byte, func([]byte), func([]byte), func(int, []byte)) {
	f.sums = outcome.Sums{}
	f.rows, f.findings = map[int64]uint64{}, map[int64]uint64{}
}

// FinishBundle emits the sums.
func (f *analyseFn) FinishBundle(_ context.Context, _ []byte, _, sums func([]byte), _ func(int, []byte)) {
	f.sums.Rows, f.sums.Findings = outcome.FromMap(f.rows), outcome.FromMap(f.findings)
	sums(wire.Append(nil, &f.sums))
}

// ProcessElement emits the connections of the four-tuple, and how they were opened, by the
// initial sequence number: those on whose findings others may bear only there.
func (f *analyseFn) ProcessElement(ctx context.Context, _ []byte, chunks func(*[]byte) bool, whole []byte, emit, _ func([]byte), opened func(int, []byte)) error {
	if err := f.ready(ctx, whole); err != nil {
		return err
	}
	segments, err := f.process(chunks)
	if err != io.EOF {
		return err
	}
	metrics.perConnection.Update(ctx, int64(segments))
	report, counts, openings := f.tuples.End()
	f.count(report, &counts)
	f.emit(ctx, report, openings, emit, opened)
	clear(f.positions)
	return nil
}

// process analyses the segments of a four-tuple, to io.EOF as a rule.
func (f *analyseFn) process(chunks func(*[]byte) bool) (segments uint64, err error) {
	defer f.merge.Reset()
	for {
		var value []byte
		if !chunks(&value) {
			break
		}
		if err := f.merge.Add(value); err != nil {
			return 0, err
		}
	}
	for {
		var rec packed.Record
		position, err := f.merge.Next(&rec)
		if err != nil {
			return segments, err
		}
		segments++
		if f.tuples.Process(segments, &rec.Segment) {
			f.positions[segments] = position
		}
	}
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
	trace.Pauses = nil                       // for runningFn: no four-tuple alone can tell
	o.Coverage = trace.Coverage
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

// emit emits connections with their findings, and how they were opened.
func (f *analyseFn) emit(ctx context.Context, r *result.Report, openings []stats.Opening, emit func([]byte), opened func(int, []byte)) {
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
		at, is := slices.BinarySearchFunc(openings, row.Conn, func(o stats.Opening, conn uint64) int { return cmp.Compare(o.Position, conn) })
		if !is {
			emit(wire.Append(nil, &c))
			continue
		}
		o := outcome.Opened{Position: c.Position, Opening: openings[at]}
		number := o.Opening.ISS[reassembly.A]
		for k := range c.Findings {
			if fd := &c.Findings[k]; engine.Asks(fd) {
				o.Asks = &c
				if fd.SYN != nil {
					number = fd.SYN.ISN
				}
			}
		}
		opened(int(number), wire.Append(nil, &o))
		if o.Asks == nil {
			emit(wire.Append(nil, &c))
		}
	}
	metrics.connections.Inc(ctx, int64(len(r.Flows)))
	metrics.findings.Inc(ctx, int64(len(found)))
}
