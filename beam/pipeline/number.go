package pipeline

import (
	"context"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/chunk"
	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/outcome"
	"github.com/tcptrace-go/tcptrace/beam/internal/store"
	"github.com/tcptrace-go/tcptrace/beam/internal/table"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

func init() {
	register.DoFn5x1[context.Context, []byte, []byte, []byte, func(int, []byte), error](&spreadFn{})
	register.DoFn7x1[context.Context, int, func(*[]byte) bool, []byte, []byte, func(int, []byte), func([]byte), error](&numberFn{})
	register.Emitter2[int, []byte]()
}

// spreadFn sends each connection to the range in which it gets its number.
type spreadFn struct {
	whole memory[intake.Whole]
	plan  memory[plan]
}

// ProcessElement emits the connection by range.
func (f *spreadFn) ProcessElement(_ context.Context, element, whole, planned []byte, emit func(int, []byte)) error {
	w, err := f.whole.of(whole)
	if err != nil {
		return err
	}
	p, err := f.plan.of(planned)
	if err != nil {
		return err
	}
	var position chunk.Position // the record begins with it
	if _, err := wire.Read(element, &position); err != nil {
		return err
	}
	emit(outcome.Find(p.Rows, outcome.SliceOf(position.Time, w.Stats.First, w.Stats.Last)), element)
	return nil
}

// numberFn numbers the connections of a range, and writes their table.
type numberFn struct {
	Options Options
	whole   memory[intake.Whole]
	plan    memory[plan]
}

// ProcessElement emits the findings by their own ranges, and the table as a part.
func (f *numberFn) ProcessElement(ctx context.Context, rang int, values func(*[]byte) bool, whole, planned []byte,
	emit func(int, []byte), parts func([]byte)) error {
	w, err := f.whole.of(whole)
	if err != nil {
		return err
	}
	p, err := f.plan.of(planned)
	if err != nil {
		return err
	}
	records, err := sorted(values)
	if err != nil {
		return err
	}
	name := f.Options.work("parquet")
	out, err := store.Create(ctx, name)
	if err != nil {
		return err
	}
	rows := table.NewWriter(out)
	detector := f.Options.order()
	pt := part{Kind: connections, Range: rang, Name: name}
	for i, r := range records {
		var c outcome.Connection
		if _, err := wire.Read(r.bytes, &c); err != nil {
			return err
		}
		c.Row.ID = p.Rows[rang].Before + uint64(i) + 1
		rows.Write(&c.Row)
		for k := range c.Findings {
			c.Findings[k].Flow = &c.Row
		}
		engine.Doubt(c.Findings, &p.Sums.Counts, &w.Stats)
		for k := range c.Findings {
			fd := outcome.Finding{Position: c.Position, Detector: detector[c.Findings[k].Detector], Row: c.Row, Finding: c.Findings[k]}
			fd.Finding.Flow = nil // it is Row
			pt.Groups = append(pt.Groups, result.Group{
				Detector: fd.Finding.Detector, Outcome: fd.Outcome, Verdict: fd.Verdict, Severity: fd.Severity, N: 1, Listed: 1,
			})
			at := outcome.Find(p.Findings, outcome.SliceOf(fd.At, w.Stats.First, w.Stats.Last))
			emit(at, wire.Append(nil, &fd))
		}
		records[i].bytes = nil
	}
	if err := rows.Close(); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	pt.Groups = outcome.Groups(pt.Groups, nil)
	parts(wire.Append(nil, &pt))
	return nil
}

// A record is an encoded connection.
type record struct {
	position chunk.Position
	bytes    []byte
}

// sorted reads records and sorts them by position.
func sorted(values func(*[]byte) bool) (all []record, err error) {
	for {
		var r record
		if !values(&r.bytes) {
			break
		}
		if _, err := wire.Read(r.bytes, &r.position); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b record) int { return a.position.Compare(b.position) })
	return all, nil
}
