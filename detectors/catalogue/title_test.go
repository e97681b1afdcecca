package catalogue_test

import (
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// The title of a finding does not say that a SYN was sent again which was not, nor that a FIN was never acknowledged which was.
func TestTitles(t *testing.T) {
	once, late := 0, 0
	forTraces(t, func(t *testing.T, tr *scenario.Trace) {
		for _, f := range analyse(t, tr, engine.Options{}).Findings {
			if f.Detector == "fin-unanswered" && f.Outcome == "answered" {
				late++
				if strings.Contains(f.Title, "never") {
					t.Errorf("%s: %q", f.Outcome, f.Title)
				}
			}
			if f.Detector != "syn-unanswered" || f.Outcome == "new-isn" { // which was, in a way
				continue
			}
			for _, m := range f.Metrics {
				if m.Name == "repeats" && m.Value == 0 {
					once++
					if strings.Contains(f.Title, "again") {
						t.Errorf("%s: %q", f.Outcome, f.Title)
					}
				}
			}
		}
	})
	if once == 0 {
		t.Error("no scenario has a SYN that was sent once")
	}
	if late == 0 {
		t.Error("no scenario has a FIN that was acknowledged late")
	}
}
