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
	Tap   int // index of the tap; -1 for none
}

// matchFn finds the input files.
type matchFn struct{ Options Options }

// maxInputs is how many files Segment.File can distinguish.
const maxInputs = math.MaxUint16 + 1

// ProcessElement emits all files, and a dead letter for each pattern without files.
func (f *matchFn) ProcessElement(ctx context.Context, _ []byte, emit, dead func([]byte)) error {
	var all []string
	var taps []int
	known := map[string]bool{}
	list := func(patterns []string, tap int) error {
		for _, pattern := range patterns {
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
					all, taps = append(all, name), append(taps, tap)
				}
			}
		}
		return nil
	}
	for i := range f.Options.Taps {
		if err := list(f.Options.Taps[i].Inputs, i); err != nil {
			return err
		}
	}
	if err := list(f.Options.Inputs, -1); err != nil {
		return err
	}
	if len(all) > maxInputs {
		return fmt.Errorf("%d files are too many: a trace can have %d", len(all), maxInputs)
	}
	for i, name := range all {
		emit(wire.Append(nil, &input{i, len(all), name, taps[i]}))
	}
	return nil
}
