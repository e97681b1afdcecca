package catalogue_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// Time 0 is a time like others: traces with relative times begin there.
func TestInvariance_epoch(t *testing.T) {
	forTraces(t, func(t *testing.T, tr *scenario.Trace) {
		first := slices.IndexFunc(tr.Lines, func(l scenario.Line) bool { return l.Captured })
		if first < 0 {
			return
		}
		begin := tr.Lines[first].Seg.At
		if slices.ContainsFunc(tr.Lines[first:], func(l scenario.Line) bool { return l.Seg.At < begin }) { // no file has that time
			return
		}
		from := func(at int64) string {
			c := changed(tr, func(l *scenario.Line) { l.Seg.At += at - begin })
			if c.End != 0 {
				c.End += at - begin
			}
			c.Start = max(at, 1) // what is read is a nanosecond later: see capture
			return verdicts(t, c)
		}
		if got, want := from(0), from(int64(time.Hour)); got != want {
			t.Errorf("from 0 on:\n%s\nan hour later:\n%s", got, want)
		}
	})
}
