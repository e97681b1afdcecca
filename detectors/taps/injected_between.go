package taps

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// InjectedBetween names segments that nobody sent who is part of the connection.
var InjectedBetween = &detectors.Detector{
	Name: "injected-between",
	Doc: detectors.Doc{
		Title:   "a segment was injected between two capture points",
		What:    "The capture point in front of the receiver saw a segment that the one nearer to the sender, which was capturing, did not see, and its TTL, IP identification or timestamps do not fit the sender's other segments.",
		Cause:   "A firewall, an intrusion prevention system, a censor or an attacker speaks in the sender's name.",
		Action:  "Find the device between the two points that may reset connections, and read its log. The TTL of the segment tells how far away it is.",
		NotThis: "A segment that fits its host: then the capture point nearer to the sender missed it.",
		Peers:   "shows a RST like any other.",
		Refs:    []string{"RFC 3360", "RFC 5961"},
		Since:   "1.0",
	},
	Outcomes: []*detectors.Outcome{injectedReset, injectedOther},
}

var (
	injectedReset = &detectors.Outcome{Name: "reset", Severity: detectors.Critical, Fault: detectors.FaultPath, When: "it was a RST"}
	injectedOther = &detectors.Outcome{Name: "segment", Severity: detectors.Warning, Fault: detectors.FaultPath, When: "it was another segment"}
)

// Foreign is what InjectedBetween finds.
func (f *Facts) Foreign() (found detectors.Finding, is bool) {
	if len(f.Injected) == 0 {
		return found, false
	}
	outcome, side := injectedOther, sideOf(f, &f.Injected[0])
	for i := range f.Injected {
		if kindOf(&f.Injected[i]) == kindRST {
			outcome = injectedReset
		}
	}
	found = f.find(InjectedBetween, outcome, side, "injected", f.Injected)
	s := &f.Injected[0]
	found.Message = fmt.Sprintf("%s captured %s in the name of %v that %s, which was capturing, never saw, and that do not fit that host (TTL %d): something between %s and %s injected them.",
		f.far(side), kinds(f.Injected), f.End[side], f.near(side), s.TTL, f.near(side), f.far(side))
	if len(f.Injected) == 1 {
		found.Message = fmt.Sprintf("%s captured a %s in the name of %v that %s, which was capturing, never saw, and that does not fit that host (TTL %d): something between %s and %s injected it.",
			f.far(side), kinds(f.Injected)[2:], f.End[side], f.near(side), s.TTL, f.near(side), f.far(side))
	}
	found.Metrics = []detectors.Metric{{Name: "injected", Value: len(f.Injected)}, {Name: "ttl", Value: int(s.TTL)}}
	return found, true
}
