package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// After a pause in which nothing was captured, minRunning connections within resumesWithin
// that were never seen before and are in the middle of their life show that they began in
// it: the computer that captured was suspended, or the capture stopped. One may be an old
// connection that was idle.
const (
	minRunning    = 2
	resumesWithin = int64(time.Minute)
)

// interrupted finds such pauses. See stats.Rhythm for another sign that the capture was interrupted. The silence
// of a trace is no silence of a connection: nothing is absent beyond such a gap.
func interrupted(trace *stats.Trace, parts []*partition) {
	if len(trace.Pauses) == 0 {
		return
	}
	running := make([]int, len(trace.Pauses))
	for _, p := range parts {
		for _, f := range p.flows.All() {
			if f.Conn.Limits()&fsm.Midstream == 0 {
				continue
			}
			if i, is := Resumes(trace, f.Conn.First()); is {
				running[i]++
			}
		}
	}
	Interrupted(trace, running)
}

// Resumes is the pause of the trace after which a connection may show that it was running
// meanwhile, if its first segment came then.
func Resumes(trace *stats.Trace, first int64) (pause int, is bool) {
	i, found := slices.BinarySearchFunc(trace.Pauses, first, func(g stats.Gap, at int64) int { return int(min(max(g.To-at, -1), 1)) })
	if !found {
		i--
	}
	return i, i >= 0 && first-trace.Pauses[i].To <= resumesWithin
}

// Interrupted makes gaps of the pauses after which enough connections were running, by the
// number of these after each.
func Interrupted(trace *stats.Trace, running []int) {
	for i := len(running) - 1; i >= 0; i-- {
		if running[i] >= minRunning {
			trace.Interrupted(i)
		}
	}
}

// interruptions note them for the whole trace: the first, and how many there are.
func interruptions(trace *stats.Trace) []result.Note {
	var first stats.Gap
	n := 0
	for _, g := range trace.Gaps {
		if g.To-g.From <= stats.QuietGap {
			if n++; n == 1 {
				first = g
			}
		}
	}
	if n == 0 {
		return nil
	}
	often := ""
	if n > 1 {
		often = fmt.Sprintf(" (and %s more)", detectors.Times(n-1))
	}
	return []result.Note{{Name: "interrupted", Message: fmt.Sprintf("The capture was interrupted%s: nothing was recorded for %s, from %s after its first frame on. Afterwards came connections that were already running, or again what devices had sent at regular intervals before. "+
		"Nothing is reported as missing beyond that.", often, detectors.Span(first.To-first.From), detectors.Span(first.From-trace.First))}}
}
