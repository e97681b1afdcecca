package pipeline

import (
	"context"
	"io"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
	"github.com/tcptrace-go/tcptrace/internal/engine"
)

func init() {
	register.DoFn5x1[context.Context, []byte, func(*[]byte) bool, []byte, func([]byte), error](&runningFn{})
	register.DoFn4x1[int, func(*[]byte) bool, []byte, func([]byte), error](&interruptFn{})
}

// runningFn finds connections that were running, or hung, while nothing was recorded: then the capture
// was interrupted. That must be known before anything is called absent. Where a trace has no
// pause, it reads nothing.
type runningFn struct {
	Options Options

	whole memory[intake.Whole]
	part  analyseFn
}

// ProcessElement emits what the connections of the four-tuple show of pauses.
func (f *runningFn) ProcessElement(ctx context.Context, _ []byte, chunks func(*[]byte) bool, whole []byte, emit func([]byte)) error {
	w, err := f.whole.of(whole)
	if err != nil || len(w.Stats.Pauses) == 0 {
		return err
	}
	f.part.Options = f.Options
	f.part.Options.Detect = noDetector
	if err := f.part.ready(ctx, whole); err != nil {
		return err
	}
	if _, err := f.part.process(chunks); err != nil && err != io.EOF {
		return err
	}
	report, counts, _ := f.part.tuples.End()
	clear(f.part.positions)
	for _, x := range engine.WentOnIn(nil, &w.Stats, &counts.Holes) {
		emit(wire.Append(nil, &x))
	}
	for i := range report.Flows {
		for _, x := range engine.Witnesses(nil, &w.Stats, &report.Flows[i]) {
			emit(wire.Append(nil, &x))
		}
	}
	return nil
}

// interruptFn makes gaps of the pauses in which the capture was interrupted.
type interruptFn struct{}

// ProcessElement emits the statistics of the trace with these gaps.
func (*interruptFn) ProcessElement(_ int, values func(*[]byte) bool, whole []byte, emit func([]byte)) error {
	var w intake.Whole
	if _, err := wire.Read(whole, &w); err != nil {
		return err
	}
	seen, err := gather[engine.Witness](values)
	if err != nil {
		return err
	}
	all := make([]engine.Witness, len(seen))
	for i, x := range seen {
		all[i] = *x
	}
	engine.Interrupted(&w.Stats, all)
	w.Stats.Pauses = nil
	emit(wire.Append(nil, &w))
	return nil
}
