package pipeline

import (
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/outcome"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

func init() {
	register.DoFn3x1[int, func(*[]byte) bool, func([]byte), error](&relateFn{})
}

// relateFn tells findings what other connections with the same initial sequence number
// show of theirs: that the SYN was answered elsewhere, or that the connection was captured a
// second time, with an address translated.
type relateFn struct{}

// ProcessElement gets how connections were opened, and emits those whose findings ask for
// others.
func (*relateFn) ProcessElement(_ int, values func(*[]byte) bool, emit func([]byte)) error {
	all, err := gather[outcome.Opened](values)
	if err != nil || !slices.ContainsFunc(all, func(o *outcome.Opened) bool { return o.Asks != nil }) {
		return err
	}
	slices.SortFunc(all, func(a, b *outcome.Opened) int { return a.Position.Compare(b.Position) })
	openings := make([]stats.Opening, len(all))
	for i, o := range all {
		openings[i] = o.Opening
	}
	for i, o := range all {
		if o.Asks != nil {
			engine.Relate(o.Asks.Findings, &o.Opening, slices.Delete(slices.Clone(openings), i, i+1))
			emit(wire.Append(nil, o.Asks))
		}
	}
	return nil
}
