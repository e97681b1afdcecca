package pipeline

import (
	"context"
	"io"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/engine"
)

func init() {
	register.DoFn5x1[context.Context, []byte, func(*[]byte) bool, []byte, func([]byte), error](&runningFn{})
	register.DoFn4x1[int, func(*[]byte) bool, []byte, func([]byte), error](&interruptFn{})
}

// runningFn finds connections that were running while nothing was recorded: then the capture
// was interrupted. That must be known before anything is called absent. Nearly all traces have no
// pause, and then it reads nothing.
type runningFn struct {
	Options Options

	whole memory[intake.Whole]
	part  analyseFn
}

// ProcessElement emits after which pauses connections of the four-tuple were running: a
// number for each.
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
	report, _, _ := f.part.tuples.End()
	clear(f.part.positions)
	for i := range report.Flows {
		row := &report.Flows[i]
		if pause, is := engine.Resumes(&w.Stats, row.First); is && row.Limits&fsm.Midstream != 0 {
			emit(wire.Append(nil, &pause))
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
	pauses, err := gather[int](values)
	if err != nil {
		return err
	}
	running := make([]int, len(w.Stats.Pauses))
	for _, p := range pauses {
		running[*p]++
	}
	engine.Interrupted(&w.Stats, running)
	w.Stats.Pauses = nil
	emit(wire.Append(nil, &w))
	return nil
}
