package loss

import (
	"slices"
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
			"SACK had shown a hole), a timeout (nothing had), a tail probe (only the last segment, about two round trips later; its timer may be the timeout's, so the message counts both together), or " +
			"unknown. It was spurious if the ACK echoes the timestamp of the original (Eifel) or came a round trip after that and too soon for " +
			"an answer to the retransmission, if a D-SACK reports that it arrived twice, if SACK had acknowledged it, if its ACK had been captured before, if a receiver without SACK acknowledged it and then sent one more pure ACK for it, or answered each segment with one, copies in their turn, or if nothing explains why it was sent again, and a full segment beyond it was acknowledged without a duplicate ACK.",
		Cause: "Segments are lost: a congested link, a full queue, a bad cable or radio link, a duplex mismatch, a policer. If the originals " +
			"are in the capture, they were lost between the capture point and the receiver, or their ACKs were; if the capture shows holes that are filled " +
			"later, they were lost before it.",
		Action: "Check the error and drop counters of the interfaces on the side named. Capture on its other end too: if " +
			"a segment is in one capture and not in the other, it was lost between them.",
		NotThis: "A handful of fast retransmissions: normal TCP. One segment that is retransmitted to a peer that does not answer, until " +
			"the connection ends: what was never acknowledged is not counted here; dead-peer, mtu-blackhole and " +
			"idle-blackhole report it. Zero-window probes. Segments that were sent again because others overtook them: reordering. Duplicate ACKs that nothing after the " +
			"segment can have drawn show no loss, nor does what a receiver acknowledged by duplicates and did not keep. Other bytes at an old sequence number, from a sender whose ACKs show that it does not count what it sent there. Bytes that were acknowledged before any segment with them was captured. A segment whose acknowledgment number is older than what its side sent a second before: the network delivered an old copy. Undecided: lossy if nothing shows why most of these segments were sent again. A stall where no " +
			"round trip is known: the path may be slower than the timeout. Stalls in which the sender sent nothing again for longer than any timer runs, or for a minute or more and four times as long as the time before, if that is half of the time: its host may have been suspended.",
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
		{Name: "min-episodes", Default: 3, Min: 1, Max: 1e6, Unit: "", Doc: "minimum number of separate episodes, for lossy of those in which something was lost: a single burst may be the end of slow start"},
		{Name: "min-share", Default: 0.02, Min: 0, Max: 1, Unit: "", Doc: "minimum share of the payload, from the first retransmission on, that was retransmitted"},
		{Name: "min-stall", Default: 3, Min: 0.2, Max: 3600, Unit: "s", Doc: "minimum total of stalls of a second or more that ended with a timeout"},
	},
	StartsOn:     fsm.On(fsm.DataResent, fsm.HoleShown, fsm.ICMPError, fsm.WindowOpened, fsm.FinResent), // a hole says why the first comes
	SubscribesTo: fsm.On(fsm.DataResent, fsm.ResendAcked, fsm.HoleAcked, fsm.ArrivedTwice, fsm.HoleShown, fsm.DataOutOfOrder, fsm.ICMPError, fsm.WindowOpened, fsm.Advanced, fsm.FinResent, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(retransmissions) },
	YieldsTo:     []string{"dead-peer", "mtu-blackhole", "idle-blackhole", "dropped-behind-tap"},
}

var (
	resentStalls = &detectors.Outcome{Name: "rto-stalls", Severity: detectors.Info, Fault: detectors.FaultPath,
		When: "the data stalled for seconds in total, until timeouts expired; a warning if that happened more than once, if three or more retransmissions made up 30 % of the payload, or if it is also lossy; nobody's fault if most of that is the sender's own timer, or came after the last retransmission",
		Cause: "During a stall, the acknowledgment number did not move: whole windows, last segments or retransmissions were lost, or the ACKs, " +
			"and only a timer made the sender repeat them. Each timeout without an answer doubles the next."}
	resentLossy = &detectors.Outcome{Name: "lossy", Severity: detectors.Warning, Fault: detectors.FaultPath,
		When: "a considerable share of the payload was lost and sent again"}
	resentSpurious = &detectors.Outcome{Name: "spurious", Severity: detectors.Info,
		When: "a considerable share of the payload was sent again unnecessarily, by timeouts, by probes, or at the end of a recovery, or the data stalled for seconds until the originals were acknowledged: nothing was lost but time, or ACKs",
		Cause: "The ACK came later than the sender's timeout, or was lost: delay that jumps (a queue that fills, a radio that sleeps, " +
			"a virtual machine that is not scheduled), a receiver that delays its ACKs, a timeout that is too short, or loss on the return path.",
		Action: "Compare the round trip at these moments with that of the handshake. If the capture holds ACKs that did not " +
			"reach the sender, look for loss between the capture point and the sender."}
)

// retransmissions is indexed by the side that sent something again.
type retransmissions struct {
	sides [2]*resender
	acks  [2]ackSent
	icmp  [2]*detectors.ICMPErrors // about what the side sent; nil if there were none
	open  [2]int64                 // since when the side's peer has offered a window again after none; 0 if it has not
	fins  [2]bool                  // a FIN without payload was sent again
}

type resender struct {
	resends
	waiting  int64  // since when nothing had been acknowledged when something was sent again
	stall    *stall // that lasts; nil if none does
	*stalled        // to be written with noteStalled only
	afterAck uint32 // resends whose ACK was captured before
	lostAcks uint32 // long before, at least
	afterDup uint32 // resends after a duplicate ACK, which may be such as the next
	denied   uint32 // resends that acknowledge what the peer has not sent by its own account
	other    uint32 // the first frame that shows that the side has not sent itself what was acknowledged; 0 if none does
	unacked  uint32 // the last resends, which were not acknowledged to the end
	copies   uint32 // resends without IP identification that came as soon as a copy of the same
	next     uint32 // how many resends are worth another report
	icmp     *detectors.ICMPErrors
	shown    shownResends
	drawn    *drawnACKs // nil if nothing is known
	unaAt    int64      // since when una has been that, or longer
	stood    int64      // the same, with something in flight; 0 if nothing was
	backoff  backoff
	joined   uint32 // how many of these were captured within another: what a network card joins, or splits later, is one frame
	reported uint8  // 1 and the place of the outcome among those of the detector; 0 if nothing was
	awaited  bool   // the ACK of the last resends, which were not acknowledged, may come after the end
	maybe    bool   // something was captured late, or so soon after a hole that it may have been, or was sent again
	repeated bool   // some resend is not just what follows an empty segment, which may show that the side does not count
}

func (w *retransmissions) Event(ev fsm.Event, r *detectors.Report) {
	a := w.sides[ev.Side]
	if ev.Kind == fsm.DataResent && (notResent(ev, r) || w.acks[ev.Side].old(ev)) {
		return
	}
	switch ev.Kind {
	case fsm.Sent:
		w.sent(ev, r)
		return
	case fsm.ICMPError:
		w.told(ev)
		return
	case fsm.FinResent: // it counts with the payload only
		w.fins[ev.Side] = w.fins[ev.Side] || ev.Seg.Len == 0
		return
	case fsm.WindowOpened:
		w.open[ev.Side.Peer()] = ev.Seg.At
		return
	}
	if a == nil {
		if ev.Kind != fsm.DataResent && ev.Kind != fsm.HoleShown {
			return
		}
		a = resenders.Take()
		a.icmp, a.stalled = w.icmp[ev.Side], &neverStalled
		a.told()
		w.sides[ev.Side] = a
	}
	a.maybe = a.maybe || w.fins[ev.Side]
	if ev.Kind == fsm.DataResent && a.tooSoon(ev, r) {
		a.maybe = true
		a.noteUna(ev, r)
		return
	}
	if a.shown.n == 0 && ev.Kind == fsm.DataResent {
		a.begin(ev, r)
	}
	switch ev.Kind {
	case fsm.DataResent:
		a.sendsAgain(ev, w.open[ev.Side], r)
	case fsm.ResendAcked:
		n := a.pending.all()
		a.notesProbe(ev.Seg.At)
		_, original := a.acked(ev, r)
		a.endStall(ev.Seg, n, original, ev.Side.Peer(), r)
		a.review(false, ev.Seg.At, ev.Side, r)
	case fsm.HoleShown:
		a.holeShown(ev, r)
	case fsm.DataOutOfOrder:
		_, original := a.cameLate(ev)
		a.maybe = a.maybe || ev.Place == reassembly.Repeat && !original
	case fsm.HoleAcked:
		a.uncaptured(ev, r)
	case fsm.ArrivedTwice:
		a.arrivedTwice(ev.Seg, r)
		a.stalls.longest.arrivedTwice(ev.Seg)
	}
	a.noteUna(ev, r)
	w.subscribe(r)
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
	if a := w.sides[ev.Side]; a != nil {
		a.told()
	}
}

// told notes when the sender was last told that a segment is too large.
func (a *resender) told() {
	if a.icmp != nil && a.icmp.Last.TooBig() {
		a.tooLarge = a.icmp.Last.At
	}
}

// sendsAgain takes a retransmission. Until since, the peer's window was closed: what is sent then are
// probes, whatever they carry, and what waits for a window waits for no answer.
func (a *resender) sendsAgain(ev fsm.Event, since int64, r *detectors.Report) {
	a.shown.add(ev.Seg)
	peer, out := ev.Side.Peer(), r.Conn.Stream(ev.Side)
	heard := r.Conn.Last(peer)
	if ends := ev.Place != reassembly.Overlap && ev.Seg.End() == out.Nxt; ev.Was.Len > 0 || ends || ev.Seg.Len >= r.Conn.EffSndMSS() {
		a.repeated = true
	}
	if heard.Flags == reassembly.ACK && heard.Len == 0 && ev.Seg.Ack.After(heard.Seq+1) { // else a keep-alive
		a.denied++
	}
	if heard.Flags == reassembly.ACK && heard.Len == 0 && ev.Dups > 0 {
		a.afterDup++
	}
	if ev.Seg.IPID == 0 && ev.Was.Seq == ev.Seg.Seq && ev.Was.Len == ev.Seg.Len && time.Duration(ev.Seg.At-ev.Was.At) <= fsm.DuplicateTime {
		a.copies++
	}
	if a.other == 0 && endsBefore(ev, &out) {
		a.other = ev.Seg.Frame
	}
	a.joined += joinedIn(ev, r)
	a.stalls.longest.resentAfter(reassembly.Block{From: ev.Seg.Seq, To: ev.Seg.End()})
	first := a.pending.all() == 0
	still := a.stands(&out)
	expired, late := a.resent(ev, r)
	if ev.Dups > 0 && a.awaits(r) {
		a.noteDrawn().misses(out.Nxt)
	}
	silence, waited := waits(ev)
	if late {
		a.afterAck++
		a.noteDrawn().owe()
		if a.unaAt != 0 && ev.Seg.End().AtOrBefore(a.una) {
			silence = max(silence, time.Duration(ev.Seg.At-a.unaAt))
		}
		if silence >= r.Conn.RTT()+ackClock {
			a.lostAcks++
		}
		return
	}
	if first {
		a.waits(ev, waited, silence, since, still, heard, r)
	}
	a.goesOnStalling(ev, expired, r)
}

func (w *retransmissions) End(e detectors.Ending, r *detectors.Report) {
	for side, a := range w.sides {
		if a != nil {
			a.settleSoon(reassembly.Side(side), r)
			a.underway(e.At, reassembly.Side(side), r)
			a.review(true, e.At, reassembly.Side(side), r)
		}
	}
}

// outcome is what there is to report of the direction by now; nil if nothing.
func (a *resender) outcome(side reassembly.Side, r *detectors.Report) *detectors.Outcome {
	least, worth := uint32(r.Value("min-resent")), r.Value("min-share")*a.sent(side, r)
	t := &a.total
	switch late := a.needlessStalls(); {
	case a.stalls.total+a.stalls.slack >= r.Nanos("min-stall") && !a.allNeedless():
		return resentStalls
	case late.total+late.slack >= r.Nanos("min-stall") && 2*t.allSpurious() >= t.all() && t.all() > 0:
		return resentSpurious
	case a.episodes.n < uint32(r.Value("min-episodes")): // one burst: a queue overflows at the end of slow start
	case a.lossy(side, r):
		return resentLossy
	case t.unneeded() >= least && float64(t.notLost().spuriousBytes) >= worth:
		return resentSpurious
	}
	return nil
}

// review reports how things stand: at the end, and for those who read it before, when the
// outcome changes and each time that the number of resends has doubled.
func (a *resender) review(last bool, at int64, side reassembly.Side, r *detectors.Report) {
	if !last && r.ReadAtEnd() {
		return
	}
	outcome := a.outcome(side, r)
	now := uint8(1 + slices.Index(Retransmissions.Outcomes, outcome))
	if !last && now == a.reported && a.total.all() < a.next {
		return
	}
	if outcome == nil && a.reported != 0 {
		r.Withdraw(a.shown.first().File, a.shown.first().Frame)
	}
	a.reported, a.next = now, 2*a.total.all()
	if outcome == nil {
		return
	}
	if last {
		a.unacked = a.leftOver()
		if rst, resend := r.Conn.Last(side.Peer()), a.shown.last(); rst.Flags.Has(reassembly.RST|reassembly.ACK) && !rst.Ack.Before(resend.End()) {
			a.unacked = 0 // it had arrived, at a host that had closed (RFC 9293 3.10.7.4)
		}
		a.awaited = at-a.shown.last().At < int64(r.Conn.RTO(side)) && !detectors.Over(r.Conn)
	}
	a.slow.settle(&a.total)
	a.report(outcome, at, side, r)
}
