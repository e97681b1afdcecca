package report

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A finding's own cause and action take the place of its detector's; those of a group
// whose findings differ do not.
func TestOptions_doc(t *testing.T) {
	o := &Options{Docs: func(string) *detectors.Detector {
		return &detectors.Detector{Doc: detectors.Doc{Cause: "general", Action: "ask"}}
	}}
	finding := func(cause string) *result.Finding {
		return &result.Finding{Finding: &detectors.Finding{Cause: cause}}
	}
	for _, c := range []struct {
		name  string
		group []*result.Finding
		want  string
	}{
		{"none of its own", []*result.Finding{finding("")}, "general"},
		{"its own", []*result.Finding{finding("hole")}, "hole"},
		{"two alike", []*result.Finding{finding("hole"), finding("hole")}, "hole"},
		{"two that differ", []*result.Finding{finding("hole"), finding("memory")}, "general"},
	} {
		g := &group{findings: c.group}
		if got := o.doc(g.advises()); got.Cause != c.want || got.Action != "ask" {
			t.Errorf("%s: cause %q, action %q; want %q and %q", c.name, got.Cause, got.Action, c.want, "ask")
		}
	}
}
