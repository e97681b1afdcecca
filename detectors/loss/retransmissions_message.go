package loss

import (
	"fmt"
	"math"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// finding tells the direction that the side sends in.
func (a *lossyWay) finding(outcome string, at int64, side reassembly.Side, r *detectors.Report) detectors.Finding {
	evidence := []detectors.Evidence{r.Evidence("first segment sent again", side, &a.first)}
	if s := &a.longest; a.stalls > 0 {
		if s.resent.Frame != a.first.Frame || s.resent.File != a.first.File {
			evidence = append(evidence, r.Evidence("sent again after the longest wait", side, &s.resent))
		} else {
			evidence[0].Role = "first segment sent again, after the longest wait"
		}
		evidence = append(evidence, r.Evidence("moves again", side.Peer(), &s.ended))
	}
	where := a.where()
	culprit := side.Peer()
	if where == beforeTap || outcome == "spurious" {
		culprit = side
	}
	f := r.FindNamed(outcome, culprit, at, evidence...)
	f.States = r.StatesNow(at)
	f.End = max(f.End, at)
	f.Roles = []detectors.Role{{Name: "sender", Side: side}, {Name: "receiver", Side: side.Peer()}}
	t := &a.sum
	f.Measure("resent", int(t.all()))
	f.Measure("rto", int(t.count[timeout]))
	f.Measure("fast", int(t.count[fast]))
	f.Measure("tlp", int(t.count[tailProbe]))
	f.Measure("unknown", int(t.count[unknownTrigger]))
	f.Measure("spurious", int(t.inVain()))
	f.Measure("lost_before_tap", int(t.holes))
	f.Measure("lost_after_tap", int(a.lostBehind()))
	f.Measure("episodes", int(a.episodes))
	f.Measure("share", a.share(side, r))
	f.Measure("stalls", int(a.stalls))
	f.Measure("stalled_s", detectors.Seconds(a.stalled))
	f.Measure("longest_stall_s", detectors.Seconds(a.longest.lasted()))
	f.Measure("confidence", a.confidence())
	if outcome == "rto-stalls" && a.stalls > 1 { // once may be a handover
		f.Severity = detectors.Warning
	}
	f.Message = a.message(outcome, where, side, r)
	if f.Limits&fsm.CutOptions != 0 && outcome != "rto-stalls" {
		f.Undecide("options-cut: timestamps and SACK, which tell what was sent again for nothing, are not in the capture")
	}
	return f
}

// share is how much of the payload was sent again, to four digits behind the
// point.
func (a *lossyWay) share(side reassembly.Side, r *detectors.Report) float64 {
	return math.Round(10000*float64(a.sum.bytes)/max(a.sent(side, r), 1)) / 10000
}

// lostBehind is how many segments the tap saw twice, and rightly.
func (a *lossyWay) lostBehind() uint32 {
	return a.sum.all() - min(a.sum.inVain()+a.sum.holes, a.sum.all())
}

// Where segments were lost, seen from the capture point.
const (
	beforeTap = "before"
	behindTap = "behind"
	bothWays  = "both"
)

// where says where most segments were lost.
func (a *lossyWay) where() string {
	switch before, behind := a.sum.holes, a.lostBehind(); {
	case before >= 4*behind:
		return beforeTap
	case behind >= 4*before:
		return behindTap
	}
	return bothWays
}

// confidence is how far it is known what made the sender send again.
func (a *lossyWay) confidence() string {
	switch unknown, all := a.sum.count[unknownTrigger], a.sum.all(); {
	case 2*unknown > all:
		return "low"
	case 10*unknown > all:
		return "medium"
	}
	return "high"
}

func (a *lossyWay) message(outcome, where string, side reassembly.Side, r *detectors.Report) string {
	own, peer := r.Name(side), r.Name(side.Peer())
	t := &a.sum
	var made []string
	for _, k := range [...]struct {
		trigger trigger
		words   string
	}{{timeout, "by timeout"}, {fast, "because duplicate ACKs or SACK showed a hole"}, {tailProbe, "as a tail probe"}, {unknownTrigger, "for a reason that the capture does not show"}} {
		if n := t.count[k.trigger]; n > 0 {
			made = append(made, fmt.Sprintf("%d %s", n, k.words))
		}
	}
	m := fmt.Sprintf("%s sent %s again (from frame %d on), %.1f %% of its payload from there: %s.",
		own, detectors.Counted(t.all(), "segment", "segments"), a.first.Frame, 100*a.share(side, r), strings.Join(made, ", "))
	if vain := t.inVain(); vain > 0 {
		m += fmt.Sprintf(" Of these, %d for nothing: the original had arrived.", vain)
	}
	if a.lostAcks > 0 {
		m += fmt.Sprintf(" For %d, the ACK had passed the capture point long before: it was lost between there and %s.", a.lostAcks, own)
	}
	if outcome != "spurious" && t.all() > t.inVain() {
		switch where {
		case beforeTap:
			m += fmt.Sprintf(" The originals never reached the capture point: they were lost between %s and it.", own)
		case behindTap:
			m += fmt.Sprintf(" The originals are in the capture: they were lost between the capture point and %s.", peer)
		case bothWays:
			m += fmt.Sprintf(" %d originals were lost before the capture point, %d between it and %s.", t.holes, a.lostBehind(), peer)
		}
	}
	if s := &a.longest; a.stalls > 0 && outcome == "rto-stalls" {
		m += fmt.Sprintf(" The connection stood still %s, for %s in all; the longest was %s, broken by a resend (frame %d) and its acknowledgment (frame %d).",
			detectors.Counted(a.stalls, "time", "times"), detectors.Span(a.stalled), detectors.Span(s.lasted()), s.resent.Frame, s.ended.Frame)
	}
	return m
}
