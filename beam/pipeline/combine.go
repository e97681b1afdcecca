package pipeline

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/outcome"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
)

func init() {
	register.DoFn3x1[int, func(*[]byte) bool, func([]byte), error](&combineFn{})
	register.DoFn3x1[int, func(*[]byte) bool, func([]byte), error](&planFn{})
	register.Iter1[[]byte]()
}

// combineFn combines the statistics of all files.
type combineFn struct{ Options Options }

// ProcessElement emits the statistics of the whole trace.
func (f *combineFn) ProcessElement(_ int, values func(*[]byte) bool, emit func([]byte)) error {
	files, err := gather[intake.Stats](values)
	if err != nil {
		return err
	}
	w := intake.Combine(files)
	if len(f.Options.Taps) > 0 {
		w.Files = files
	}
	emit(wire.Append(nil, w))
	return nil
}

// A plan is what must be known about all connections before they get numbers.
type plan struct {
	Sums     outcome.Sums
	Rows     []outcome.Range
	Findings []outcome.Range
}

// planFn adds up sums, and divides the trace into ranges.
type planFn struct{ Options Options }

// ProcessElement emits the plan.
func (f *planFn) ProcessElement(_ int, values func(*[]byte) bool, emit func([]byte)) error {
	all, err := gather[outcome.Sums](values)
	if err != nil {
		return err
	}
	sums := outcome.Merge(all)
	p := plan{
		Rows:     outcome.Ranges(sums.Rows, uint64(f.Options.Range)),
		Findings: outcome.Ranges(sums.Findings, uint64(f.Options.Range/10)),
	}
	sums.Rows, sums.Findings = nil, nil
	p.Sums = *sums
	emit(wire.Append(nil, &p))
	return nil
}

// gather reads all values except the seed.
func gather[T any](values func(*[]byte) bool) (all []*T, err error) {
	var b []byte
	for values(&b) {
		if len(b) == 0 {
			continue
		}
		v := new(T)
		if _, err := wire.Read(b, v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// A memory decodes a side input once, because it is the same for every element.
type memory[T any] struct{ value *T }

func (m *memory[T]) of(b []byte) (*T, error) {
	if m.value == nil {
		v := new(T)
		if _, err := wire.Read(b, v); err != nil {
			return nil, err
		}
		m.value = v
	}
	return m.value, nil
}
