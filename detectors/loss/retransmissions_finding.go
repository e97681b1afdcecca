package loss

import (
	"fmt"
	"math"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/loopback"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func (a *resender) report(outcome *detectors.Outcome, at int64, side reassembly.Side, r *detectors.Report) {
	evidence := append(make([]detectors.Evidence, 0, 3+min(a.shown.n, 2*shownEach)), r.Evidence("first retransmission", side, a.shown.first()))
	if a.perhapsMore(r) {
		evidence[0].Role = "first known retransmission"
	}
	stalled := a.stalls
	if outcome == resentSpurious {
		stalled = a.needlessStalls()
	}
	if s := stalled.longest; stalled.n > 0 {
		switch {
		case detectors.SameFrame(&s.resent, a.shown.first()):
			evidence[0].Role += ", at the end of the longest stall"
		case s.resent.At != 0:
			role := "retransmission at the end of the longest stall"
			if s.not {
				role = "last retransmission that the ACK can answer"
			}
			evidence = append(evidence, r.Evidence(role, side, &s.resent))
		}
		evidence = append(evidence, r.Evidence("ACK that ends the stall", side.Peer(), &s.ended))
	}
	if outcome == resentLossy || stalled.n == 0 { // else it has frames of its own
		evidence = a.shown.append(evidence, side, r)
	}
	evidence = append(evidence, a.icmp.Evidence()...)
	culprit, t := side.Peer(), &a.total
	if a.lostBefore() || outcome == resentSpurious {
		culprit = side
	}
	f := r.Find(outcome, culprit, at, evidence...)
	f.End, f.States = max(f.End, a.until), a.states
	f.Roles = detectors.Roles("sender", side, "receiver")
	a.measure(&f, outcome, &stalled, side, r)
	a.icmp.Measure(&f)
	if outcome == resentStalls && (a.stalls.n > 1 || a.heavy(side, r) || a.lossy(side, r)) { // once may be a handover
		f.Severity = detectors.Warning
	}
	if outcome == resentStalls && a.total.notLost().doubtful[notKept] > 0 {
		f.Cause = causeUnused
	}
	if outcome == resentStalls && 2*(t.allSpurious()+a.answered()) > t.all() {
		f.Cause = causeHeldUp
	}
	if outcome == resentSpurious && 2*(t.by[timeout]+t.by[tailProbe]+t.notLost().foremost) < t.all() {
		if f.Cause = causeUnclear; 2*(t.by[fast]-t.notLost().foremost) >= t.all() {
			f.Cause, f.Action = causeOvertaken, actionOvertaken
		}
	}
	slow := (outcome == resentStalls || outcome == resentSpurious && t.allSpurious() < uint32(r.Value("min-resent"))) && r.Conn.SRTT(side) == 0 && r.Conn.HandshakeRTT(side.Peer()) == 0 && stalled.longest.lasted() <= longestPath
	if outcome == resentStalls && (a.mayBeQueued() || 2*a.stalls.lag >= a.stalls.total) {
		f.Fault = detectors.FaultUnknown
	}
	if outcome == resentStalls && a.ownBackoff() {
		f.Fault, f.Cause = detectors.FaultUnknown, causeBackoff
	}
	f.Message = a.message(outcome, &stalled, side, slow, r)
	if loopback.Is(r.Conn) {
		f.Fault, f.Cause, f.Action = detectors.FaultUnknown, loopback.CauseLoss, loopback.ActionLoss
		f.Message += loopback.SaidLoss
	}
	a.doubt(&f, outcome, &stalled, slow, side, r)
	r.Emit(f)
}

func (a *resender) measure(f *detectors.Finding, outcome *detectors.Outcome, stalled *stalls, side reassembly.Side, r *detectors.Report) {
	t := &a.total
	f.Metrics = make([]detectors.Metric, 0, 16)
	f.Measure("resent", int(t.all()))
	f.Measure("rto", int(t.by[timeout]))
	f.Measure("fast", int(t.by[fast]))
	f.Measure("tlp", int(t.by[tailProbe]))
	if n := t.by[tooLarge]; n > 0 {
		f.Measure("too_large", int(n))
	}
	f.Measure("unknown", int(t.by[unknownTrigger]))
	spurious, behind := t.allSpurious(), a.lostBehind()
	if n := a.answered(); outcome == resentStalls { // the ACKs were lost
		spurious, behind = spurious+n, behind-n
	}
	f.Measure("spurious", int(spurious))
	f.Measure("doubtful", int(t.notLost().doubtful[unfounded]+t.notLost().doubtful[notKept]))
	if r.Conn.Limits()&fsm.Overflow == 0 {
		f.Measure("lost_before_tap", int(t.unseen))
		f.Measure("lost_after_tap", int(behind))
	}
	f.Measure("episodes", int(a.episodes.n))
	f.Measure("share", math.Round(10000*a.share(side, r))/10000)
	f.Measure("stalls", int(stalled.n))
	f.Measure("stalled_s", detectors.Seconds(stalled.total))
	f.Measure("longest_stall_s", detectors.Seconds(stalled.longest.lasted()))
	f.Measure("confidence", a.confidence())
}

// doubt says what of the finding the capture does not prove. slow says that the path may be slower than the
// sender's timeout.
func (a *resender) doubt(f *detectors.Finding, outcome *detectors.Outcome, stalled *stalls, slow bool, side reassembly.Side, r *detectors.Report) {
	t := &a.total
	if f.Limits&fsm.CutOptions != 0 && outcome != resentStalls {
		f.Undecide("options-cut: timestamps and SACK, which show what was sent again unnecessarily, are not in the capture")
	}
	if f.Limits&fsm.SeqUnknown != 0 && !a.repeated { // see fsm, uncounted
		f.Undecide("seq-unknown: the text has no sequence numbers for empty segments, and that of the one before would show whether other bytes were sent at the same place")
	}
	if lost, _ := t.lost(); outcome != resentSpurious && a.drawn != nil && 2*a.drawn.perhaps >= lost && a.drawn.perhaps > 0 {
		f.Undecide("seq-unknown: the text has no sequence numbers for empty segments, and those of some would show whether they answer what arrived twice")
	}
	if f.Limits&fsm.AcksFiltered != 0 && outcome == resentStalls {
		f.Undecide("acks-filtered: the capture leaves out pure ACKs, and one may have ended each stall")
	}
	if 2*stalled.stood >= stalled.total && stalled.stood > 0 && outcome != resentLossy {
		f.Undecide(fmt.Sprintf("for %s of that, the sender sent nothing again, though its timer was due: its host was suspended, or what it sent then was not captured", detectors.Span(stalled.stood)))
	}
	if slow {
		f.Undecide("the round trip is unknown: nothing was acknowledged that had been sent once, so the path may be slower than the timeout")
	}
	switch unexplained := outcome != resentStalls && a.confidence() == "low" && a.lostBehind() >= t.unseen; {
	case unexplained && 2*a.copies >= t.all():
		f.Undecide("copies: nothing shows why most of these segments were sent again, and they follow the first within 2 ms, without IP identification: the network or the capture may have copied them")
	case unexplained && outcome == resentLossy:
		f.Undecide("nothing shows why most of these segments were sent again, neither duplicate ACKs or SACK nor a timer, so nothing shows that they were lost")
	}
	if f.Verdict == detectors.Seen && outcome == resentLossy && a.alwaysTwice(side, r) {
		f.Undecide("each segment was sent twice, and none a third time: no path loses so regularly, so the receiver may hold its ACKs for longer than the sender's timeout")
	}
	if f.Verdict == detectors.Seen && outcome == resentLossy && a.shortTimer(side, r) {
		f.Undecide(fmt.Sprintf("each of these segments was alone in flight and sent again within %s, and none a third time: no path loses so regularly, so the receiver may hold the ACK of a single segment for longer than that",
			detectors.Span(a.timed.most)))
	}
	if f.Limits&fsm.SeqUnknown != 0 && outcome == resentStalls && 2*a.afterDup >= t.all() && t.all() > 0 {
		f.Undecide("seq-unknown: the text has no sequence numbers for empty segments, and those of the duplicate ACKs would show whether the receiver must discard what is sent again")
	}
	if a.other != 0 && 2*a.afterAck >= t.all() {
		f.Undecide(fmt.Sprintf("a FIN (frame %d) ends what this side sends before what was acknowledged: somebody else may have sent the rest in its name, and the originals of these segments, too", a.other))
	}
	if 2*a.denied >= t.all() && t.all() > 0 {
		f.Undecide("these segments acknowledge what their receiver has not sent by its own sequence numbers (somebody may have sent it in its name): it must discard them (RFC 9293 3.10.7.4), so they need not have been lost")
	}
}

// alwaysTwice reports whether each segment was sent twice, and none three times, while neither SACK nor timestamps
// show why. However much a path loses at random, that happens to four segments at most once in 256 times.
func (a *resender) alwaysTwice(side reassembly.Side, r *detectors.Report) bool {
	t := &a.total
	lost, _ := t.lost()
	return lost >= 4 && t.by[fast]+t.unseen+a.thirds+a.headTS == 0 && 2*float64(t.bytes) > a.sent(side, r)
}

// shortTimer reports whether all segments that were sent again were alone in flight, and sent again many round trips
// after that: sooner than hosts acknowledge that have nothing to send (RFC 1122 4.2.3.2: 500 ms at
// most; Windows 200). A path that loses as many originals at random loses one of those that are sent again, too, but for
// once in shortTimerOdds times.
func (a *resender) shortTimer(side reassembly.Side, r *detectors.Report) bool {
	const shortTimerOdds, apart = 64, 8
	t, timed := &a.total, a.timed
	if timed == nil {
		return false
	}
	alone := timed.n == t.all() && t.by[fast] == 0 && t.unseen == 0 && a.thirds == 0
	short := timed.most < int64(leastTimeout) && timed.answered <= timed.least/apart
	stamped := a.headTS != 0 // timestamps show what was lost
	share := float64(t.bytes) / max(a.sent(side, r)-float64(t.bytes), 1)
	return alone && short && !stamped && math.Pow(max(1-share, 0), float64(t.all()))*shortTimerOdds < 1
}

// causeUnused is the cause of a stall in spite of duplicate ACKs.
const causeUnused = "Duplicate ACKs came back, and no fast retransmission followed: too few of them for one, they were lost behind the capture point, or the " +
	"sender does not use them. Each timeout without an answer doubles the next."

// causeHeldUp is the cause of stalls if most of what was sent again had arrived.
const causeHeldUp = "Most of what was sent again had arrived: segments or their ACKs were held up (a radio that sleeps, a queue that fills, a host that was suspended), or ACKs were lost. " +
	"Of the rest, the originals may have been lost. Each timeout without an answer doubles the next."

// causeBackoff is the cause of stalls that the sender made long.
const causeBackoff = "The path lost the originals, and each timeout's retransmission was acknowledged at once. But the sender repairs one hole for each timeout, and its timer went on doubling: " +
	"without SACK and timestamps, it takes no sample of the round trip meanwhile (RFC 6298 3). Enable SACK and timestamps at both ends."

// What is sent again needlessly, and by no timer.
const (
	causeOvertaken = "The sender took for lost what was late, or the ACKs of which were: later segments overtook the originals, and the duplicate ACKs or SACK that this drew made it send them again; " +
		"or the ACKs were lost or held up on the way back."
	causeUnclear = "The capture does not show what made the sender retransmit. Originals, copies or ACKs may have waited on the way (delay that jumps, a radio that sleeps), ACKs may be lost, or later segments had overtaken the originals. " +
		"Or the receiver delays its ACKs for longer than the sender waits, or the sender probes of its own accord."
	actionOvertaken = "Look for packets of one connection that take several paths (see reordering). If the capture holds ACKs that did not reach the sender, look for loss between the capture point and the sender."
)

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

// lossy reports whether so much must have been lost that it is worth a finding: again and again, or a large part of the payload.
func (a *resender) lossy(side reassembly.Side, r *detectors.Report) bool {
	lost, bytes := a.total.lost()
	few := uint32(r.Value("min-episodes"))
	return (a.episodes.withLoss() >= few || a.episodes.n >= few && a.heavy(side, r)) && lost >= uint32(r.Value("min-resent")) && float64(bytes) >= r.Value("min-share")*a.sent(side, r)
}

// share is how much of the payload was sent again.
func (a *resender) share(side reassembly.Side, r *detectors.Report) float64 {
	return float64(a.total.bytes) / max(a.sent(side, r), 1)
}

// lostBehind is how many segments were captured twice, and rightly sent again.
func (a *resender) lostBehind() uint32 {
	lost, _ := a.total.lost()
	return lost - min(a.total.unseen+a.total.notLost().older, lost)
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
