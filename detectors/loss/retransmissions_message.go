package loss

import (
	"fmt"
	"math"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func (a *resender) report(outcome *detectors.Outcome, at int64, side reassembly.Side, r *detectors.Report) {
	evidence := []detectors.Evidence{r.Evidence("first retransmission", side, &a.first)}
	if s := &a.longest; a.stalls > 0 {
		if detectors.SameFrame(&s.resent, &a.first) {
			evidence[0].Role = "first retransmission, after the longest stall"
		} else {
			evidence = append(evidence, r.Evidence("retransmission after the longest stall", side, &s.resent))
		}
		evidence = append(evidence, r.Evidence("ACK that ends the stall", side.Peer(), &s.ended))
	}
	if outcome != resentStalls { // which has frames of its own
		evidence = append(evidence, a.shown.evidence(side, r)...)
	}
	evidence = append(evidence, a.icmp.Evidence()...)
	culprit := side.Peer()
	if a.lostBefore() || outcome == resentSpurious {
		culprit = side
	}
	f := r.Find(outcome, culprit, at, evidence...)
	f.States = r.StatesNow(at)
	f.End = max(f.End, at)
	f.Roles = detectors.Roles("sender", side, "receiver")
	t := &a.total
	f.Measure("resent", int(t.all()))
	f.Measure("rto", int(t.by[timeout]))
	f.Measure("fast", int(t.by[fast]))
	f.Measure("tlp", int(t.by[tailProbe]))
	f.Measure("unknown", int(t.by[unknownTrigger]))
	f.Measure("spurious", int(t.allSpurious()))
	f.Measure("doubtful", int(t.doubtful[unfounded]+t.doubtful[notKept]))
	f.Measure("lost_before_tap", int(t.unseen))
	f.Measure("lost_after_tap", int(a.lostBehind()))
	f.Measure("episodes", int(a.episodes))
	f.Measure("share", a.share(side, r))
	f.Measure("stalls", int(a.stalls))
	f.Measure("stalled_s", detectors.Seconds(a.stalled))
	f.Measure("longest_stall_s", detectors.Seconds(a.longest.lasted()))
	f.Measure("confidence", a.confidence())
	a.icmp.Measure(&f)
	if outcome == resentStalls && (a.stalls > 1 || a.heavy(side, r)) { // once may be a handover
		f.Severity = detectors.Warning
	}
	slow := outcome == resentStalls && r.Conn.SRTT(side) == 0 && r.Conn.HandshakeRTT(side.Peer()) == 0 && a.longest.lasted() <= longestPath
	f.Message = a.message(outcome, side, slow, r)
	if f.Limits&fsm.CutOptions != 0 && outcome != resentStalls {
		f.Undecide("options-cut: timestamps and SACK, which show what was sent again unnecessarily, are not in the capture")
	}
	if slow {
		f.Undecide("the round trip is unknown: nothing was acknowledged that had been sent once, so the path may be slower than the timeout")
	}
	r.Emit(f)
}

// longestPath is a round trip in nanoseconds that is rarely exceeded, even on a radio link.
const longestPath = 10_000_000_000

// A direction that stalled once is a warning if it also sent heavyResends segments again
// (R1 of RFC 9293 3.8.3: from three on, TCP should suspect the path), heavyShare of its payload.
const (
	heavyResends = 3
	heavyShare   = 0.3
)

func (a *resender) heavy(side reassembly.Side, r *detectors.Report) bool {
	lost, bytes := a.total.lost()
	return lost >= heavyResends && float64(bytes) >= heavyShare*a.sent(side, r)
}

// share is how much of the payload was sent again, to four decimal places.
func (a *resender) share(side reassembly.Side, r *detectors.Report) float64 {
	return math.Round(10000*float64(a.total.bytes)/max(a.sent(side, r), 1)) / 10000
}

// lostBehind is how many segments were captured twice, and rightly sent again.
func (a *resender) lostBehind() uint32 {
	lost, _ := a.total.lost()
	return lost - min(a.total.unseen, lost)
}

// lostBefore reports whether nearly all were lost before the capture point.
func (a *resender) lostBefore() bool { return a.total.unseen >= 4*a.lostBehind() }

// confidence is how far it is known what made the sender send again.
func (a *resender) confidence() string {
	switch unknown, all := a.total.by[unknownTrigger], a.total.all(); {
	case 2*unknown > all:
		return "low"
	case 10*unknown > all:
		return "medium"
	}
	return "high"
}

// message is what the finding says. slow says that the path may be slower than the sender's
// timeout: then nothing need have been lost.
func (a *resender) message(outcome *detectors.Outcome, side reassembly.Side, slow bool, r *detectors.Report) string {
	own, peer := r.Name(side), r.Name(side.Peer())
	t := &a.total
	var why []string
	for _, k := range [...]struct {
		trigger trigger
		words   string
	}{{timeout, "by timeout"}, {fast, "because duplicate ACKs or SACK showed a hole"}, {tailProbe, "by tail loss probe"}, {unknownTrigger, "for a reason that the capture does not show"}} {
		if n := t.by[k.trigger]; n > 0 {
			why = append(why, fmt.Sprintf("%d %s", n, k.words))
		}
	}
	m := fmt.Sprintf("%s retransmitted %s (from frame %d on), %.1f %% of its payload from then on: %s.",
		own, detectors.Counted(t.all(), "segment", "segments"), a.first.Frame, 100*a.share(side, r), strings.Join(why, ", "))
	if n := t.allSpurious(); n > 0 {
		m += fmt.Sprintf(" Of these, %s unnecessary: the original had arrived.", detectors.Counted(n, "was", "were"))
	}
	if a.lostAcks > 0 {
		m += fmt.Sprintf(" For %d, the ACK had passed the capture point long before: it was lost between there and %s.", a.lostAcks, own)
	}
	m += a.doubtful(own, peer)
	if outcome != resentSpurious && !slow {
		m += a.whereLost(outcome, own, peer)
	}
	if s := &a.longest; a.stalls > 0 && outcome == resentStalls {
		stalls := "once, for " + detectors.Span(a.stalled)
		if a.stalls > 1 {
			stalls = fmt.Sprintf("%d times, for %s in all. The longest stall lasted %s", a.stalls, detectors.Span(a.stalled), detectors.Span(s.lasted()))
		}
		m += fmt.Sprintf(" The connection stalled %s, until a retransmission (frame %d) was acknowledged (frame %d).", stalls, s.resent.Frame, s.ended.Frame)
	}
	if a.icmp != nil {
		m += " " + a.icmp.Sentence(own) + " " + a.icmp.Meaning(own, peer)
	}
	return m
}

// doubtful says which segments need not have been lost.
func (a *resender) doubtful(own, peer string) (m string) {
	if n := a.total.doubtful[unfounded]; n > 0 {
		m += fmt.Sprintf(" %s not have been lost: %s had sent at most one segment after %s, and got three duplicate ACKs all the same.",
			need(n), own, pronoun(n))
	}
	if n := a.total.doubtful[notKept]; n > 0 {
		m += fmt.Sprintf(" %s not have been lost: duplicate ACKs show that as many later segments had reached %s, which keeps only what comes in order.",
			need(n), peer)
	}
	return m
}

// need begins a sentence about n segments.
func need(n uint32) string {
	if n == 1 {
		return "1 original need"
	}
	return fmt.Sprintf("%d originals need", n)
}

func pronoun(n uint32) string {
	if n == 1 {
		return "it"
	}
	return "each"
}

// whereLost says on which side of the capture point segments were lost.
func (a *resender) whereLost(outcome *detectors.Outcome, own, peer string) string {
	t, behind := &a.total, a.lostBehind()
	all := behind+t.unseen+t.allSpurious() == t.all()
	switch skipped := a.longest.unseen; {
	case behind+t.unseen == 0:
		return ""
	case behind > 0 && skipped > 0 && outcome == resentStalls:
		return fmt.Sprintf(" The originals are in the capture, but the IP IDs of %s skip %s before it acknowledged one: it may have answered before, and the answers were lost before the capture point.",
			peer, detectors.Counted(skipped, "number", "numbers"))
	case behind == 0 && all:
		return fmt.Sprintf(" The originals never reached the capture point: they were lost between %s and it.", own)
	case behind == 0:
		return fmt.Sprintf(" %s lost before the capture point.", detectors.Counted(t.unseen, "original was", "originals were"))
	case t.unseen == 0 && all:
		return fmt.Sprintf(" The originals are in the capture: they were lost between the capture point and %s.", peer)
	case t.unseen == 0:
		return fmt.Sprintf(" %s lost between the capture point and %s.", detectors.Counted(behind, "original was", "originals were"), peer)
	}
	return fmt.Sprintf(" %s lost before the capture point, %d between it and %s.", detectors.Counted(t.unseen, "original was", "originals were"), behind, peer)
}

// shownResends are the first retransmissions and the last, for evidence.
type shownResends struct {
	marks [2 * shownEach]reassembly.Mark
	n     int // retransmissions in all
}

const shownEach = 4

func (s *shownResends) add(seg *reassembly.Segment) {
	i := s.n
	if i >= shownEach {
		i = shownEach + (s.n-shownEach)%shownEach
	}
	s.marks[i] = reassembly.MarkOf(seg)
	s.n++
}

// evidence are those after the first.
func (s *shownResends) evidence(side reassembly.Side, r *detectors.Report) (all []detectors.Evidence) {
	for i := 1; i < min(s.n, shownEach); i++ {
		all = append(all, r.Evidence("retransmission", side, &s.marks[i]))
	}
	for i := max(s.n-shownEach, shownEach); i < s.n; i++ {
		all = append(all, r.Evidence("retransmission", side, &s.marks[shownEach+(i-shownEach)%shownEach]))
	}
	return all
}
