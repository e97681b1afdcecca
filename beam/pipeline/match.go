package pipeline

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/store"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
)

func init() {
	register.DoFn4x1[context.Context, []byte, func([]byte), func([]byte), error](&matchFn{})
	register.Emitter1[[]byte]()
}

// An input is one capture file of the trace.
type input struct {
	Index int
	Of    int // number of files
	Name  string
}

// matchFn finds the input files.
type matchFn struct{ Options Options }

// maxInputs is how many files Segment.File can distinguish.
const maxInputs = math.MaxUint16 + 1

// ProcessElement emits all files, and a dead letter for each pattern without files.
func (f *matchFn) ProcessElement(ctx context.Context, _ []byte, emit, dead func([]byte)) error {
	var all []string
	known := map[string]bool{}
	for _, pattern := range f.Options.Inputs {
		names, err := store.List(ctx, pattern)
		if err != nil {
			return fmt.Errorf("%s: %w", pattern, err)
		}
		if len(names) == 0 {
			dead(letter(&intake.Dead{File: pattern, Offset: -1, Reason: "there is no such file"}))
			metrics.badFiles.Inc(ctx, 1)
		}
		for _, name := range names {
			if !known[name] {
				known[name] = true
				all = append(all, name)
			}
		}
	}
	if len(all) > maxInputs {
		return fmt.Errorf("%d files are too many: a trace can have %d", len(all), maxInputs)
	}
	for i, name := range all {
		emit(wire.Append(nil, &input{i, len(all), name}))
	}
	return nil
}
