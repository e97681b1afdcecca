package closing

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FINUnanswered reports a FIN that is retransmitted and never acknowledged: the closer
// stays in FIN_WAIT_1 or LAST_ACK until it gives up. RFC 6298 5; RFC 9293 3.8.3.
var FINUnanswered = &detectors.Detector{
	Name: "fin-unanswered",
	Doc: detectors.Doc{
		Title: "a FIN was retransmitted repeatedly and never acknowledged",
		What: "One side sends FIN, and retransmits it at growing intervals, as it should. Nothing from the peer acknowledges " +
			"it for six seconds or more. The closer stays in FIN_WAIT_1 (if it closed first) or LAST_ACK (second) until it gives up.",
		Cause: "The peer is gone (switched off, crashed, moved to another network), or its host or a firewall or NAT on the way has forgotten the " +
			"connection and drops what it does not know. The closer's socket is an orphan: its application has closed it, and the " +
			"kernel retransmits the FIN for a minute or two.",
		Action: "Find out what happened to the peer, and to the path to it, at this time. The closer behaves correctly. If there are many such " +
			"orphans (netstat: FIN_WAIT1, LAST_ACK), they use memory on its host; fewer retransmissions are enough for a peer that is gone (Linux: net.ipv4.tcp_orphan_retries).",
		NotThis: "A FIN that is never retransmitted: unretransmitted-fin. A FIN behind data of earlier segments that is not acknowledged, " +
			"or facing a closed window: those come first. Data that was first sent in the segment of the FIN is part of it; data that was sent before and comes again with the FIN is not. A FIN that was acknowledged, but whose ACK was lost: the retransmission is acknowledged, or the ACK was captured. Undecided, if the closer then acknowledges bytes which the capture lacks: their segments may have acknowledged the FIN; or if its own address or access may have failed, as no answer over TCP arrives at it from anybody (see idle-blackhole).",
		Peers: "Wireshark marks each repeat as a retransmission, and does not report that the FIN is never acknowledged. Ostermann's tcptrace calls the " +
			"connection complete once it has seen both FINs.",
		Refs:  []string{"RFC 6298 5", "RFC 9293 3.8.3", "RFC 1122 4.2.3.5", "KB Q254930"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{unansweredUnaware, unansweredExhausted, unansweredTrying, unansweredReset, unansweredLate},
	Params: []detectors.Param{
		{Name: "min-sends", Default: 2, Min: 2, Max: 100, Unit: "", Doc: "minimum number of times that a FIN is sent, including the first"},
		{Name: "patience", Default: 6, Min: 0.5, Max: 3600, Unit: "s", Doc: "minimum time without an acknowledgment of the FIN"},
	},
	Absence:      detectors.NoFINAck,
	StartsOn:     fsm.On(fsm.FinSent),
	SkipsClose:   true,
	SubscribesTo: fsm.On(fsm.FinSent, fsm.FinResent, fsm.DataResent, fsm.FinAcked, fsm.FinWithdrawn, fsm.SentBeyondFin, fsm.WindowOpened, fsm.HoleAcked, fsm.ResetSent, fsm.Revived, fsm.Sent, fsm.ICMPError),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(finUnanswered) },
}

var (
	unansweredUnaware = &detectors.Outcome{Name: "peer-unaware", Severity: detectors.Critical, Fault: detectors.FaultPath,
		When: "a timeout after the second FIN or later, the peer still sends and acknowledges only what came before: it received neither, or ignores them; a warning if the peer has closed, too, or if the closer ended the connection afterwards with a RST, which may have arrived",
		Cause: "The peer is alive, and its segments arrive. Something on the path drops the closer's FINs (a firewall, a NAT, a WAN " +
			"optimiser that considers the connection closed) or all its segments (then the peer retransmits, too), or the peer ignores them: its host has changed its address, or a filter there drops them.",
		Action: "Capture on the peer's own interface. If no FIN arrives there, check each middlebox in between. Until then the peer's " +
			"application never learns that the stream has ended: close its socket manually, or let keep-alives close it."}
	unansweredExhausted = &detectors.Outcome{Name: "exhausted", Severity: detectors.Warning,
		When: "the retransmissions stopped although the capture continued: the closer gave up, or was cut off"}
	unansweredTrying = &detectors.Outcome{Name: "still-trying", Severity: detectors.Warning,
		When: "the next retransmission was not overdue at the end of the capture"}
	unansweredReset = &detectors.Outcome{Name: "reset", Severity: detectors.Info, When: "a RST from either side ended the connection",
		Cause: "The peer's host no longer has the connection (it was restarted, or gave up by itself), and says so by RST; or the closer gave up and sent RST."}
	unansweredLate = &detectors.Outcome{Name: "answered", Severity: detectors.Info, Fault: detectors.FaultPath,
		When:  "it was acknowledged in the end",
		Title: "a FIN was retransmitted and acknowledged only late",
		Cause: "The FINs or their ACKs were lost, or held up in a queue: the path was down or congested for a while, or drops many packets. " +
			"A peer whose host did not run (a suspended machine) looks the same.",
		Action: "Look at what other connections of the two hosts did at that time: if they went on, single segments were lost; if they stood still, the path was down. " +
			"Then look at the loss and the queues of the path."}
)

// finUnanswered waits for the ACK of each side's FIN. What it reports is reviewed after
// each retransmission, and when the next one is overdue.
type finUnanswered struct {
	due   [4]detectors.Deadline // by side the ACK; then by side the review, due at its start
	rst   [2]reassembly.Mark    // by side the last RST in its name, whether it ended anything or not
	cut   bool                  // the capture was interrupted
	sides [2]*repeatedFIN       // nil as long as there is nothing to say: a flood of FINs has one side's
}

// of is what is known of the side's FIN.
func (w *finUnanswered) of(side reassembly.Side) *repeatedFIN {
	if w.sides[side] == nil {
		w.sides[side] = repeatedFINs.Take()
	}
	return w.sides[side]
}

func (w *finUnanswered) Event(ev fsm.Event, r *detectors.Report) {
	side, peer := ev.Side, ev.Side.Peer()
	switch ev.Kind {
	case fsm.FinSent:
		f := w.of(side)
		f.first, f.from = reassembly.MarkOf(ev.Seg), ev.Seg.Seq
		if fin, _ := r.Conn.FIN(side); fin.Alone {
			f.from = fin.Seq
		}
	case fsm.DataResent:
		if f := w.sides[side]; f != nil && !w.due[side].Armed() && ev.Seg.Flags&reassembly.FIN == 0 { // that comes first
			fin, _ := r.Conn.FIN(side)
			f.first, f.from = reassembly.Mark{}, fin.Seq
		}
		w.sides[peer].sentAgain(ev, r)
	case fsm.FinResent:
		w.resent(ev, r)
		w.sides[peer].sentAgain(ev, r)
	case fsm.ICMPError:
		f := w.of(side)
		if f.icmp == nil {
			f.icmp = new(detectors.ICMPErrors)
		}
		f.icmp.Add(ev.Seg)
	case fsm.FinAcked:
		w.ended(side, unansweredLate, ev, r)
		w.forget(side)
	case fsm.FinWithdrawn, fsm.SentBeyondFin:
		w.drop(side, r)
	case fsm.WindowOpened:
		w.drop(peer, r) // until now it waited for that
	case fsm.HoleAcked:
		if f := w.sides[peer]; f != nil && f.first.At != 0 && f.first.At < ev.Seg.At {
			f.unseen = true
		}
	case fsm.ResetSent:
		w.rst[side] = reassembly.MarkOf(ev.Seg)
		if acknowledges(ev, r.Conn) {
			w.drop(side, r)
		}
		w.ended(reassembly.A, unansweredReset, ev, r)
		w.ended(reassembly.B, unansweredReset, ev, r)
	case fsm.Revived:
		for side := range reassembly.Side(2) {
			if w.due[side].Reported() {
				w.drop(side, r)
			}
		}
	case fsm.Sent:
		if own := w.sides[side]; own != nil && own.reset.At != 0 && ev.Class == fsm.Rst {
			own.resets++
		}
		f := w.sides[peer]
		// One FIN may be lost; of two that did not arrive, what is sent a timeout later crossed neither.
		if f != nil && f.sends > 1 && !detectors.MayBeForged(ev) && ev.Seg.At-f.second > int64(r.Conn.RTO(peer)) {
			if f.unaware.At == 0 {
				f.heard = ev.Seg.At
			}
			f.unaware = reassembly.MarkOf(ev.Seg)
			if f.reset.At != 0 && w.due[peer].Reported() && ev.Class != fsm.Rst && ev.Seg.At-f.reset.At > int64(r.Conn.RTO(peer)) {
				w.report(peer, unansweredUnaware, ev.Seg.At, r, r.Evidence("RST", peer, &f.reset), r.Evidence("still does not acknowledge the FIN", side, &f.unaware))
			}
		}
		if f != nil && !detectors.MayBeForged(ev) {
			f.answered(ev, r)
		}
	}
}

// acknowledges reports whether a RST of the side itself shows that its FIN was acknowledged in what was
// not captured: without ACK, it has the number that it was sent (RFC 9293 3.10.7.1).
func acknowledges(ev fsm.Event, v fsm.View) bool {
	fin, sent := v.FIN(ev.Side)
	return sent && ev.Seg.Flags&reassembly.ACK == 0 && ev.Seg.Seq == fin.Seq+1 && v.Packets(ev.Side.Peer()) == 0
}

// knowsMore reports whether a RST acknowledges what the capture does not have of the peer: that may have acknowledged the FIN.
func knowsMore(rst *reassembly.Segment, peer reassembly.Stream) bool {
	return rst.Flags&reassembly.ACK != 0 && peer.Knows(reassembly.KnowUna) && peer.Nxt.Before(rst.Ack) && peer.Una.Before(rst.Ack)
}

// resent takes a retransmission of the FIN.
func (w *finUnanswered) resent(ev fsm.Event, r *detectors.Report) {
	side, m := ev.Side, reassembly.MarkOf(ev.Seg)
	f, ack := w.of(side), &w.due[side]
	// A RST or an ACK answered it, and was lost behind the capture point.
	if _, reset := r.Conn.ResetBy(); reset || r.Conn.Phase(side) == fsm.PhaseFinAcked {
		return
	}
	if ack.Armed() {
		f.repeat(m)
		ack.Extend(f.first.At, r)
	} else {
		first := f.first
		*f = repeatedFIN{sends: 1, first: m, last: m, from: f.from, deaf: f.deaf, unseen: f.unseen, icmp: f.icmp}
		if first.At != 0 {
			f.first, f.last = first, first
			f.repeat(m)
			f.clock, f.clocked = ev.Seg.Opts.TSVal, ev.Seg.Opts.Has&reassembly.HasTimestamps != 0
		}
		ack.Arm(f.first.At, r)
	}
	f.due = detectors.FINDue(r.Conn, side, f.from)
	review := f.overdue()
	if ack.Reported() {
		review = m.At
	}
	w.due[2+side].Arm(review, r)
}

// patient is when the FIN has been unanswered for long enough to report it. An only
// retransmission must have had the time to be answered, too.
func (w *finUnanswered) patient(side reassembly.Side, r *detectors.Report) int64 {
	f := w.of(side)
	at := f.first.At + r.Nanos("patience")
	if f.sends == 2 {
		at = max(at, f.last.At+int64(r.Conn.RTO(side)))
	}
	return at
}

// ripe reports whether the FIN was sent often enough, and only its ACK is missing.
func (w *finUnanswered) ripe(side reassembly.Side, r *detectors.Report) bool {
	f := w.of(side)
	return f.sends >= int(r.Value("min-sends")) && detectors.FINDue(r.Conn, side, f.from)
}

// drop ends the wait: there is nothing to report about this FIN.
func (w *finUnanswered) drop(side reassembly.Side, r *detectors.Report) {
	w.due[side].Withdraw(r)
	w.disarm(side)
	if f := w.sides[side]; f != nil {
		*f = repeatedFIN{from: f.from}
	}
}

// forget gives back what is known of a FIN that was acknowledged in time: what is sent after it was withdrawn is known anew.
func (w *finUnanswered) forget(side reassembly.Side) {
	if f := w.sides[side]; f != nil && f.sends == 0 && f.icmp == nil {
		repeatedFINs.Give(f)
		w.sides[side] = nil
	}
}

func (w *finUnanswered) disarm(side reassembly.Side) {
	w.due[side].Disarm()
	w.due[2+side].Disarm()
}

// ended takes an ACK or a RST.
func (w *finUnanswered) ended(side reassembly.Side, outcome *detectors.Outcome, ev fsm.Event, r *detectors.Report) {
	f, ack := w.sides[side], &w.due[side]
	if !ack.Armed() {
		return
	}
	long := f.sends >= int(r.Value("min-sends")) && ev.Seg.At >= w.patient(side, r)
	if !long || !(ack.Reported() || outcome == unansweredLate && f.due || detectors.FINDue(r.Conn, side, f.from)) {
		w.drop(side, r)
		return
	}
	end := reassembly.MarkOf(ev.Seg)
	f.echoed = f.echoes(ev.Seg)
	f.unseen = f.unseen || outcome == unansweredReset && ev.Side == side && knowsMore(ev.Seg, r.Conn.Stream(side.Peer()))
	if outcome == unansweredReset && ev.Side != side {
		f.copied, f.ttl = isCopied(ev, r.Conn), otherTTL(ev)
	}
	if outcome == unansweredReset && ev.Side == side {
		f.reset, f.gaveUp = end, r.Conn.Last(side.Peer()).At < f.last.At
	}
	if last := r.Conn.Last(side.Peer()); outcome == unansweredReset && ev.Side == side && f.unaware.At != 0 && !f.isRefused() && !(last.Len > 0 && detectors.Answers(&end, &last)) {
		w.report(side, unansweredUnaware, end.At, r, r.Evidence("still does not acknowledge the FIN", side.Peer(), &f.unaware), r.Evidence("RST", side, &end))
	} else if outcome == unansweredReset {
		w.report(side, outcome, end.At, r, r.Evidence("RST", ev.Side, &end))
	} else {
		w.report(side, outcome, end.At, r, r.Evidence("acknowledged in the end", side.Peer(), &end))
	}
	w.disarm(side)
}

func (w *finUnanswered) Deadlines() []detectors.Deadline { return w.due[:] }

func (w *finUnanswered) Limit(i int, r *detectors.Report) int64 {
	if i >= 2 {
		return w.due[i].Since()
	}
	return max(w.patient(reassembly.Side(i), r), w.of(reassembly.Side(i)).last.At)
}

func (w *finUnanswered) Overdue(i int, o detectors.Overdue, r *detectors.Report) {
	if o.Ended {
		w.cut = o.Why == detectors.Interrupted
		if i < 2 && w.ripe(reassembly.Side(i), r) {
			w.unanswered(reassembly.Side(i), o.Now, r)
		}
		return
	}
	if i >= 2 && o.Now < w.sides[i-2].overdue() {
		w.due[i].Arm(w.sides[i-2].overdue(), r)
	}
	for side := range reassembly.Side(2) { // the FIN of one side shows whether it knows of the other's
		if w.due[side].Armed() && o.Now >= w.patient(side, r) && w.ripe(side, r) {
			w.unanswered(side, o.Now, r)
		}
	}
}

// unanswered reports a FIN that nobody has answered by trace time now.
func (w *finUnanswered) unanswered(side reassembly.Side, now int64, r *detectors.Report) {
	switch f := w.of(side); {
	case f.unaware.At != 0:
		w.report(side, unansweredUnaware, now, r, r.Evidence("still does not acknowledge the FIN", side.Peer(), &f.unaware))
	case now >= f.overdue():
		w.report(side, unansweredExhausted, now, r)
	default:
		w.report(side, unansweredTrying, now, r)
	}
}
