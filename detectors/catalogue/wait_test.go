package catalogue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors/opening"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// TestSYNAckUnanswered_end: a client that has given up with RST waits no longer, though the capture goes on.
func TestSYNAckUnanswered_end(t *testing.T) {
	found := false
	for _, f := range scenariotest.Files(t, "../testdata/syn-ack-unanswered.txtar") {
		for _, tr := range f.Traces {
			rep := analyse(t, tr, engine.Options{})
			for i := range rep.Findings {
				f := &rep.Findings[i]
				if f.Detector != opening.SYNAckUnanswered.Name || !strings.Contains(f.Message, " 37 bytes from") {
					continue
				}
				found = true
				if lasted := time.Duration(f.End - f.Start); lasted != 1921*time.Millisecond {
					t.Errorf("%s: lasted %v", f.Message, lasted)
				}
			}
		}
	}
	if !found {
		t.Error("no such finding")
	}
}
