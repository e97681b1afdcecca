package catalogue_test

import (
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// Who was slow to answer in the handshake is suspected only where the capture point is beside it, so that the path is not.
func TestSlowConnect_suspects(t *testing.T) {
	beside := 0
	for _, f := range scenariotest.Files(t, "../testdata/slow-connect.txtar") {
		for i, tr := range f.Traces {
			rep := analyse(t, tr, engine.Options{})
			for n := range rep.Findings {
				x := &rep.Findings[n]
				if x.Detector != "slow-connect" {
					continue
				}
				switch near := strings.Contains(x.Message, "took 60 ms") || strings.Contains(x.Message, "took 200 µs"); {
				case near && x.Fault == detectors.FaultSuspected:
					beside++
				case near || x.Fault != detectors.FaultUnknown:
					t.Errorf("trace %d: fault %d: %s", i+1, x.Fault, x.Message)
				}
			}
		}
	}
	if beside != 3 {
		t.Errorf("%d are suspected, not 3", beside)
	}
}
