package catalogue_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Live, a finding is reported by the moment that it carries (At): its watcher has a
// deadline then. Left out is what only the end of a connection brings: a new one on its
// ports, a doubtful RST that counts at last, an hour without any frame; and
// half-close-cut, whose retransmissions may become enough only later.
func TestLive_inTime(t *testing.T) {
	forTraces(t, func(t *testing.T, tr *scenario.Trace) {
		rep := analyse(t, tr, engine.Options{})
		if len(rep.Gaps) > 0 {
			return
		}
		reported := firstReported(t, tr, rep.Findings)
		for i := range rep.Findings {
			f := &rep.Findings[i]
			reset := slices.ContainsFunc(f.Evidence, func(e detectors.Evidence) bool { return e.Seg.Flags.Has(reassembly.RST) })
			if reset || f.Flow.Ending == "replaced" || f.Detector == "half-close-cut" {
				continue
			}
			if at := reported[nameOf(f)]; at > f.At {
				t.Errorf("%s is reported %v late", nameOf(f), time.Duration(at-f.At))
			}
		}
	})
}

// firstReported is when each finding of the trace is first reported, by its name, while the
// frames come one by one and the clock stops at the moments that the findings carry.
func firstReported(t *testing.T, tr *scenario.Trace, findings []result.Finding) map[string]int64 {
	t.Helper()
	var ticks []int64
	for i := range findings {
		ticks = append(ticks, findings[i].At)
	}
	slices.Sort(ticks)
	c := scenariotest.Open(t, tr)
	defer c.Close()
	var now int64
	reported := map[string]int64{}
	live := engine.NewLive(engine.Options{Detectors: catalogue.All}, func(f result.Finding) {
		if _, is := reported[nameOf(&f)]; !is {
			reported[nameOf(&f)] = now
		}
	})
	tick := func(until int64) {
		for len(ticks) > 0 && ticks[0] < until {
			now = ticks[0]
			live.Tick(now)
			ticks = ticks[1:]
		}
		now = until
	}
	var fr capture.Frame
	for c.Next(&fr) == nil {
		tick(fr.At)
		live.Frame(&fr)
	}
	tick(c.End())
	live.Close(c.End(), nil)
	return reported
}

// nameOf is the detector of a finding and its anchor.
func nameOf(f *result.Finding) string {
	return fmt.Sprintf("%s[%d]", f.Detector, f.Evidence[0].Seg.Frame)
}
