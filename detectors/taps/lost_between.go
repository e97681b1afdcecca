package taps

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// LostBetween names segments that one capture point saw and the next did not.
var LostBetween = &detectors.Detector{
	Name: "lost-between",
	Doc: detectors.Doc{
		Title: "segments were lost between two capture points",
		What:  "A capture point saw segments leave, and the next one on the path, which was capturing when they would have arrived, did not see them.",
		Cause: "A device or link between the two points dropped them: a full queue, a bad cable, a filter, a policer, an MTU.",
		Action: "Look at the drop counters of what is between the two points. To find the device, capture at another point between them. " +
			"If only segments of one kind are lost, a firewall or the MTU drops them.",
		NotThis: "What the second capture missed: its host acknowledged the bytes, or another segment of that direction is missing there that must have arrived. Segments at the very beginning and end of the second capture.",
		Peers:   "has no name for it; two captures have to be compared by hand.",
		Refs:    []string{"RFC 9293 3.8"},
		Since:   "1.0",
	},
	Outcomes: []*detectors.Outcome{lostClose, lostOpen, lostData, lostAcks},
}

var (
	lostClose = &detectors.Outcome{Name: "close", Severity: detectors.Warning, Fault: detectors.FaultPath, When: "a FIN or RST was lost: the peer does not know that the connection is over"}
	lostOpen  = &detectors.Outcome{Name: "open", Severity: detectors.Info, Fault: detectors.FaultPath, When: "a SYN was lost"}
	lostData  = &detectors.Outcome{Name: "data", Severity: detectors.Info, Fault: detectors.FaultPath, When: "payload was lost"}
	lostAcks  = &detectors.Outcome{Name: "acks", Severity: detectors.Info, Fault: detectors.FaultPath, When: "only pure ACKs were lost, which later ones make good"}
)

// Lost is what LostBetween finds in one direction.
func (f *Facts) Lost(side reassembly.Side) (found detectors.Finding, is bool) {
	w := &f.Way[side]
	if len(w.Lost) == 0 {
		return found, false
	}
	outcome := lostAcks
	for i := range w.Lost {
		switch k := kindOf(&w.Lost[i]); {
		case k == kindRST || k == kindFIN && !resent(w.Lost, i):
			outcome = lostClose
		case k == kindSYN && outcome != lostClose:
			outcome = lostOpen
		case k == kindData && outcome == lostAcks:
			outcome = lostData
		}
	}
	found = f.find(LostBetween, outcome, side, "lost behind "+f.near(side), w.Lost)
	found.Message = fmt.Sprintf("%d of %d segments of %v were lost between %s and %s: %s. %s captured them, and %s, which was capturing when they would have arrived, did not.",
		len(w.Lost), w.Sent, f.End[side], f.near(side), f.far(side), kinds(w.Lost), f.near(side), f.far(side))
	found.Metrics = []detectors.Metric{{Name: "lost", Value: len(w.Lost)}, {Name: "sent", Value: int(w.Sent)}, {Name: "arrived", Value: int(w.Arrived)}}
	return found, true
}

// resent reports whether a later one of the same kind is not among the lost: it cannot
// be told from here, so only what is lost again counts.
func resent(lost []reassembly.Segment, i int) bool {
	for k := range lost[i+1:] {
		if lost[i+1+k].Seq == lost[i].Seq && kindOf(&lost[i+1+k]) == kindFIN {
			return true
		}
	}
	return false
}
