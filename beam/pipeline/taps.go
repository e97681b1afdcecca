package pipeline

import (
	"bytes"
	"context"
	"io"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/chunk"
	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/store"
	"github.com/tcptrace-go/tcptrace/beam/internal/table"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func init() {
	register.DoFn5x1[context.Context, int, func(*[]byte) bool, []byte, func([]byte), error](&tapsFn{})
}

// tapsFn analyses captures of the same connections from several places. Files are read on many
// machines, and their packed segments compared on one: which segments of two taps are the same, and how
// their clocks differ, takes all of them.
type tapsFn struct{ Options Options }

// ProcessElement gets the chunks of all files, and emits the parts of the report.
func (f *tapsFn) ProcessElement(ctx context.Context, _ int, chunks func(*[]byte) bool, whole []byte, parts func([]byte)) error {
	var w intake.Whole
	if _, err := wire.Read(whole, &w); err != nil {
		return err
	}
	o, err := f.Options.engine()
	if err != nil {
		return err
	}
	var values [][]byte
	for value := []byte(nil); chunks(&value); value = nil {
		if len(value) > 0 {
			values = append(values, value)
		}
	}
	merged := func() (*merged, error) { return f.merge(ctx, &w, values) }
	first, err := merged()
	if err != nil {
		return err
	}
	plan := taps.RecogniseSegments(ctx, first, w.Stats.Captures, &o, taps.Options{Named: f.named(&w)})
	if first.err != nil {
		return first.err
	}
	again, err := merged()
	if err != nil {
		return err
	}
	again.plan, o.AllFlows, o.Points = plan, true, plan.Points()
	plan.Skip = f.Options.skipped()
	r := plan.Run(ctx, again, o)
	if again.err != nil {
		return again.err
	}
	return f.write(ctx, r, &w, parts)
}

// named are the taps with their files.
func (f *tapsFn) named(w *intake.Whole) (named []taps.Named) {
	for i := range f.Options.Taps {
		t := taps.Named{Name: f.Options.Taps[i].Name}
		for file, tap := range w.Taps {
			if tap == i {
				t.Files = append(t.Files, w.Stats.Captures[file].File)
			}
		}
		if len(t.Files) > 0 {
			named = append(named, t)
		}
	}
	return named
}

// write writes the connections and findings, and emits them with the summary as parts.
func (f *tapsFn) write(ctx context.Context, r *result.Report, w *intake.Whole, parts func([]byte)) error {
	name := f.Options.work("parquet")
	out, err := store.Create(ctx, name)
	if err != nil {
		return err
	}
	rows := table.NewWriter(out)
	for i := range r.Flows {
		rows.Write(&r.Flows[i])
	}
	if err := rows.Close(); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	parts(wire.Append(nil, &part{Kind: connections, Name: name}))
	r.Flows = nil
	var buf bytes.Buffer
	if err := report.NDJSON(&buf, r, reportOptions(&f.Options, &w.Stats)); err != nil {
		return err
	}
	b := buf.Bytes()
	last := bytes.LastIndexByte(b[:len(b)-1], '\n') + 1
	name = f.Options.work("ndjson")
	if err := store.Write(ctx, name, b[:last]); err != nil {
		return err
	}
	parts(wire.Append(nil, &part{Kind: findings, Name: name}))
	parts(wire.Append(nil, &part{Kind: summaries, Text: string(b[last:])}))
	return nil
}

// merged is the segments of all files in the order of the trace, as a source of the engine.
type merged struct {
	merge    *chunk.Merge
	whole    *intake.Whole
	plan     *taps.Plan // nil while the taps are looked for
	position uint64
	err      error
}

func (f *tapsFn) merge(ctx context.Context, w *intake.Whole, values [][]byte) (*merged, error) {
	m := &merged{whole: w, merge: chunk.NewMerge(w.Ranks, func(name string) (io.ReadCloser, error) { return store.Open(ctx, name) })}
	for _, value := range values {
		if err := m.merge.Add(value); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Next reads the next segment that counts.
func (m *merged) Next(seg *reassembly.Segment) (uint64, error) {
	for {
		var rec packed.Record
		if _, err := m.merge.Next(&rec); err != nil {
			if err != io.EOF {
				m.err = err
			}
			m.merge.Reset()
			return 0, io.EOF
		}
		m.position++
		*seg = rec.Segment
		if m.plan == nil {
			return m.position, nil
		}
		if point := m.plan.Place(seg); point >= 0 {
			seg.Tap = uint8(point)
			return m.position, nil
		}
	}
}

// Stats are those of all files.
func (m *merged) Stats() *stats.Trace {
	s := m.whole.Stats
	s.Counts = stats.Counts{}
	return &s
}

// PointStats are those of the files of a point.
func (m *merged) PointStats(point int) *stats.Trace {
	var own []*intake.Stats
	for _, file := range m.plan.Points().Files[point] {
		own = append(own, m.whole.Files[file])
	}
	s := intake.Combine(own).Stats
	s.Captures, s.Coverage = nil, nil
	return &s
}

var _ engine.Placed = (*merged)(nil)
