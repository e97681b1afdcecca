package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// A finding that says what ICMP told has the frames among its evidence, and what and how often in its
// metrics; no other has. What a large packet was told has the MTU, too. Only a host that rejects by itself is at fault.
func TestICMP_everywhere(t *testing.T) {
	for _, f := range scenariotest.Files(t, "../testdata/icmp.txtar") {
		for i, tr := range f.Traces {
			rep := analyse(t, tr, engine.Options{})
			for n := range rep.Findings {
				x := &rep.Findings[n]
				measured := func(name string) bool {
					return slices.ContainsFunc(x.Metrics, func(m detectors.Metric) bool { return m.Name == name })
				}
				told := strings.Contains(x.Message, " by ICMP: ")
				quoted := slices.ContainsFunc(x.Evidence, func(e detectors.Evidence) bool { return e.Seg.IsQuote() })
				if told != quoted || told != measured("icmp") || told != measured("icmp_errors") || (told && x.Detector == "mtu-blackhole") != measured("mtu") {
					t.Errorf("trace %d, %s:%s: told %v, quoted %v, metrics %v", i+1, x.Detector, x.Outcome, told, quoted, x.Metrics)
				}
				if own := strings.Contains(x.Message, "10.0.0.2 told") && !strings.Contains(x.Message, "host unreachable") && !strings.Contains(x.Message, "what sent it had waited, or the path"); x.Outcome == "refused-by-icmp" && own != (x.Fault == detectors.FaultHost) {
					t.Errorf("trace %d: fault %v: %s", i+1, x.Fault, x.Message)
				}
			}
		}
	}
}
