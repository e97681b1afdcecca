package loss

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Retransmissions reports a direction that lost so much, stalled so long, or was sent
// again unnecessarily so often, that somebody should look: what made the sender send
// again, and on which side of the capture point segments were lost. RFC 5681, RFC
// 6298, RFC 6675, RFC 8985.
var Retransmissions = &detectors.Detector{
	Name:  "retransmissions",
	Needs: fsm.Text, // without IP IDs, a late copy looks like a resend
	Doc: detectors.Doc{
		Title: "high retransmission rate",
		What: "One side retransmits a considerable share of its payload, or nothing moves for seconds until its retransmission timer " +
			"expires. Each retransmission is classified by what made the sender send again: fast (three duplicate ACKs or " +
			"SACK had shown a hole), a timeout (nothing had), a tail probe (only the last segment, about two round trips later), or " +
			"unknown. It was spurious if the ACK echoes the timestamp of the original (Eifel), if a D-SACK reports that it " +
			"arrived twice, or if its ACK had been captured before.",
		Cause: "Segments are lost: a congested link, a full queue, a bad cable or radio link, a duplex mismatch, a policer. If the originals " +
			"are in the capture, they were lost between the capture point and the receiver; if the capture shows holes that are filled " +
			"later, they were lost before it.",
		Action: "Check the error and drop counters of the interfaces on the side named. Capture on its other end too: if " +
			"a segment is in one capture and not in the other, it was lost between them.",
		NotThis: "A handful of fast retransmissions: normal TCP. One segment that is retransmitted to a peer that does not answer, until " +
			"the connection ends: what was never acknowledged is not counted here; dead-peer, mtu-blackhole and " +
			"idle-blackhole report it. Zero-window probes. Segments that were sent again because others overtook them: reordering.",
		Peers: "Wireshark calls a segment a fast retransmission only if two duplicate ACKs name it and it follows them within 20 ms; " +
			"the rest of the same recovery is a plain retransmission. It calls one spurious only if its ACK was captured " +
			"before it, and out of order if it fills a hole within 3 ms or the handshake's round trip, even if SACK had asked for it. " +
			"It has no category for timeouts and tail probes, and does not use timestamps or D-SACK for this.",
		Refs:  []string{"RFC 5681 3.2", "RFC 6298 5", "RFC 6675", "RFC 8985 7", "RFC 3522", "RFC 2883"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{resentStalls, resentLossy, resentSpurious},
	Params: []detectors.Param{
		{Name: "min-resent", Default: 10, Min: 1, Max: 1e6, Unit: "", Doc: "minimum number of retransmitted segments for a finding"},
		{Name: "min-episodes", Default: 3, Min: 1, Max: 1e6, Unit: "", Doc: "minimum number of separate episodes: a single burst may be the end of slow start"},
		{Name: "min-share", Default: 0.02, Min: 0, Max: 1, Unit: "", Doc: "minimum share of the payload, from the first retransmission on, that was retransmitted"},
		{Name: "min-stall", Default: 3, Min: 0.2, Max: 3600, Unit: "s", Doc: "minimum total of stalls of a second or more that ended with a timeout"},
	},
	StartsOn:     fsm.On(fsm.DataResent, fsm.HoleShown, fsm.ICMPError), // a hole says why the former comes
	SubscribesTo: fsm.On(fsm.DataResent, fsm.ResendAcked, fsm.ArrivedTwice, fsm.HoleShown, fsm.ICMPError),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(retransmissions) },
	YieldsTo:     []string{"dead-peer", "mtu-blackhole", "idle-blackhole", "dropped-behind-tap"},
}

var (
	resentStalls = &detectors.Outcome{Name: "rto-stalls", Severity: detectors.Info, Fault: detectors.FaultPath,
		When: "the connection stalled for seconds in total, until timeouts expired; a warning if that happened more than once, or if three or more retransmissions made up 30 % of the payload",
		Cause: "Nothing came back that would have shown what is missing: whole windows or last segments were lost, their " +
			"retransmissions too, or the ACKs. Each timeout without an answer doubles the next."}
	resentLossy = &detectors.Outcome{Name: "lossy", Severity: detectors.Warning, Fault: detectors.FaultPath,
		When: "a considerable share of the payload was lost and sent again"}
	resentSpurious = &detectors.Outcome{Name: "spurious", Severity: detectors.Info,
		When: "a considerable share of the payload was sent again unnecessarily, by timeouts or probes: nothing was lost but time, or ACKs",
		Cause: "The ACK came later than the sender's timeout, or was lost: delay that jumps (a queue that fills, a radio that sleeps, " +
			"a virtual machine that is not scheduled), a timeout that is too short, or loss on the return path.",
		Action: "Compare the round trip at these moments with that of the handshake. If the capture holds ACKs that did not " +
			"reach the sender, look for loss between the capture point and the sender."}
)

// retransmissions is indexed by the side that sent something again.
type retransmissions struct {
	sides [2]*resender
	icmp  [2]*detectors.ICMPErrors // about what the side sent; nil if there were none
}

type resender struct {
	resends
	first    reassembly.Mark // the first segment that was sent again
	waiting  int64           // since when nothing had been acknowledged when something was sent again
	stall    stall           // that lasts; its segment's At is 0 if none does
	longest  stall
	stalled  int64 // in all
	stalls   uint32
	lostAcks uint32             // resends whose ACK was captured long before
	reported *detectors.Outcome // nil if nothing was
	next     uint32             // how many resends are worth another report
	icmp     *detectors.ICMPErrors
	shown    shownResends
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

// A stall is a time in which nothing new was acknowledged, until a timeout.
type stall struct {
	resent reassembly.Mark // the first that the timeout caused
	ended  reassembly.Mark // the ACK
	since  int64
	heard  uint16 // IP ID of the receiver's last segment before it; 0 if there is none
	unseen uint32 // packets that the receiver sent meanwhile and that were not captured, by its IP IDs
}

func (s *stall) lasted() int64 { return s.ended.At - s.since }

func (w *retransmissions) Event(ev fsm.Event, r *detectors.Report) {
	a := w.sides[ev.Side]
	if ev.Kind == fsm.DataResent && padded(ev) {
		return
	}
	if ev.Kind == fsm.ICMPError {
		w.told(ev)
		return
	}
	if a == nil {
		if ev.Kind != fsm.DataResent && ev.Kind != fsm.HoleShown {
			return
		}
		a = &resender{icmp: w.icmp[ev.Side]}
		w.sides[ev.Side] = a
	}
	if a.first.At == 0 && ev.Kind == fsm.DataResent {
		a.first = reassembly.MarkOf(ev.Seg)
		a.begin(ev.Side, r)
	}
	switch ev.Kind {
	case fsm.DataResent:
		a.sendsAgain(ev, r)
	case fsm.ResendAcked:
		n := a.pending.all()
		a.acked(ev.Seg)
		a.endStall(ev.Seg, n)
		a.review(false, ev.Seg.At, ev.Side, r)
	case fsm.HoleShown:
		a.holeShown(ev, r)
	case fsm.ArrivedTwice:
		a.arrivedTwice(ev.Seg.Opts.Blocks[0])
	}
}

// padding is how much an Ethernet frame with a pure ACK in IPv4 is padded by. Some hosts and
// tunnels count it in the IP length.
const padding = 6

// padded reports whether what the segment seems to send again was an ACK with padding: a few
// bytes that were not pushed, with other ones at their place now, or a newer ACK.
func padded(ev fsm.Event) bool {
	was, seg := ev.Was, ev.Seg
	return was.Len > 0 && was.Len <= padding && was.Flags&(reassembly.PSH|reassembly.FIN) == 0 && was.Seq == seg.Seq &&
		(seg.Len > was.Len || seg.Len == was.Len && seg.Flags&reassembly.PSH == 0 && seg.Ack.After(was.Ack))
}

// told takes an ICMP error.
func (w *retransmissions) told(ev fsm.Event) {
	if w.icmp[ev.Side] == nil {
		w.icmp[ev.Side] = new(detectors.ICMPErrors)
		if a := w.sides[ev.Side]; a != nil {
			a.icmp = w.icmp[ev.Side]
		}
	}
	w.icmp[ev.Side].Add(ev.Seg)
}

func (a *resender) sendsAgain(ev fsm.Event, r *detectors.Report) {
	a.shown.add(ev.Seg)
	first := a.pending.all() == 0
	expired, late := a.resent(ev, r)
	silence, waited := waits(ev)
	if late {
		if silence >= r.Conn.RTT()+ackClock {
			a.lostAcks++
		}
		return
	}
	if first { // the segment that is timed may be older than the last progress by a round trip
		a.waiting = ev.Seg.At - int64(max(silence, waited-r.Conn.SRTT(ev.Side)))
	}
	if expired && a.stall.resent.At == 0 {
		a.stall = stall{resent: reassembly.MarkOf(ev.Seg), since: a.waiting, heard: r.Conn.Last(ev.Side.Peer()).IPID}
	}
}

// noticeable is how long a connection must stall for that to count.
const noticeable = time.Second

// endStall takes an ACK of something new, before which n segments were sent again. Where the
// receiver's IP IDs skip no more than it can have answered, it may have answered those and
// the first: its ACKs, then, did not reach the capture point.
func (a *resender) endStall(ack *reassembly.Segment, n uint32) {
	s := a.stall
	if s.resent.At == 0 {
		return
	}
	a.stall = stall{}
	s.ended = reassembly.MarkOf(ack)
	if skipped := uint32(ack.IPID - s.heard - 1); s.heard != 0 && ack.IPID != 0 && skipped <= n+1 {
		s.unseen = skipped
	}
	if s.lasted() < int64(noticeable) {
		return
	}
	a.stalls++
	a.stalled += s.lasted()
	if s.lasted() > a.longest.lasted() {
		a.longest = s
	}
}

func (w *retransmissions) End(e detectors.Ending, r *detectors.Report) {
	for side, a := range w.sides {
		if a != nil {
			a.review(true, e.At, reassembly.Side(side), r)
		}
	}
}

// outcome is what there is to report of the direction by now; nil if nothing.
func (a *resender) outcome(side reassembly.Side, r *detectors.Report) *detectors.Outcome {
	least, worth := uint32(r.Value("min-resent")), r.Value("min-share")*a.sent(side, r)
	t := &a.total
	switch {
	case a.stalled >= r.Nanos("min-stall"):
		return resentStalls
	case a.episodes < uint32(r.Value("min-episodes")): // one burst: a queue overflows at the end of slow start
	case t.all()-t.allSpurious() >= least && float64(t.bytes-t.spuriousBytes) >= worth:
		return resentLossy
	case t.allSpurious()-t.spurious[fast] >= least && float64(t.spuriousBytes) >= worth: // the fast ones are reordering's
		return resentSpurious
	}
	return nil
}

// review reports how things stand: at the end, when the outcome changes, and each time
// that the number of resends has doubled.
func (a *resender) review(last bool, at int64, side reassembly.Side, r *detectors.Report) {
	outcome := a.outcome(side, r)
	if !last && outcome == a.reported && a.total.all() < a.next {
		return
	}
	if outcome == nil && a.reported != nil {
		r.Withdraw(a.first.File, a.first.Frame)
	}
	a.reported, a.next = outcome, 2*a.total.all()
	if outcome != nil {
		a.report(outcome, at, side, r)
	}
}

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
	f.Message = a.message(outcome, side, r)
	if f.Limits&fsm.CutOptions != 0 && outcome != resentStalls {
		f.Undecide("options-cut: timestamps and SACK, which show what was sent again unnecessarily, are not in the capture")
	}
	r.Emit(f)
}

// A direction that stalled once is a warning if it also sent heavyResends segments again
// (R1 of RFC 9293 3.8.3: from three on, TCP should suspect the path), heavyShare of its payload.
const (
	heavyResends = 3
	heavyShare   = 0.3
)

func (a *resender) heavy(side reassembly.Side, r *detectors.Report) bool {
	t := &a.total
	return t.all()-t.allSpurious() >= heavyResends && float64(t.bytes-t.spuriousBytes) >= heavyShare*a.sent(side, r)
}

// share is how much of the payload was sent again, to four decimal places.
func (a *resender) share(side reassembly.Side, r *detectors.Report) float64 {
	return math.Round(10000*float64(a.total.bytes)/max(a.sent(side, r), 1)) / 10000
}

// lostBehind is how many segments were captured twice, and rightly sent again.
func (a *resender) lostBehind() uint32 {
	return a.total.all() - min(a.total.allSpurious()+a.total.unseen, a.total.all())
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

func (a *resender) message(outcome *detectors.Outcome, side reassembly.Side, r *detectors.Report) string {
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
		m += fmt.Sprintf(" Of these, %d were unnecessary: the original had arrived.", n)
	}
	if a.lostAcks > 0 {
		m += fmt.Sprintf(" For %d, the ACK had passed the capture point long before: it was lost between there and %s.", a.lostAcks, own)
	}
	if outcome != resentSpurious && t.all() > t.allSpurious() {
		switch behind, unseen := a.lostBehind(), a.longest.unseen; {
		case behind > 0 && unseen > 0 && outcome == resentStalls:
			m += fmt.Sprintf(" The originals are in the capture, but the IP IDs of %s skip %s before it acknowledged one: it may have answered before, and the answers were lost before the capture point.",
				peer, detectors.Counted(unseen, "number", "numbers"))
		case behind == 0:
			m += fmt.Sprintf(" The originals never reached the capture point: they were lost between %s and it.", own)
		case t.unseen == 0:
			m += fmt.Sprintf(" The originals are in the capture: they were lost between the capture point and %s.", peer)
		default:
			m += fmt.Sprintf(" %s lost before the capture point, %d between it and %s.", detectors.Counted(t.unseen, "original was", "originals were"), behind, peer)
		}
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
