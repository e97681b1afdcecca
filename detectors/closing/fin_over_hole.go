package closing

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FINOverHole reports a FIN that follows bytes which the peer is missing and which
// are never sent again: the stream ends with a hole in it. RFC 9293 3.10.7.4; RFC
// 6298 5.4.
var FINOverHole = &detectors.Detector{
	Name: "fin-over-hole",
	Doc: detectors.Doc{
		Title: "a stream was closed, but some of its bytes never arrived",
		What: "One side sends data and FIN. The peer keeps acknowledging only what comes before a hole in the data: it is missing something, " +
			"and says so (a duplicate ACK, or SACK). Those bytes never come, although the capture continues for more than three " +
			"retransmission timeouts (at least six seconds).",
		Cause: "The sender's TCP discards its send buffer when the socket is closed; or it does retransmit, and something before the capture point drops just these segments. " +
			"If nothing else comes from it, it may have disappeared right after closing, or the path from it.",
		Action: "Capture on the sender's own interface. If it retransmits the bytes there, look for what drops them on the way. If not, check the " +
			"sender: did it lose power, or its address, or does its TCP have a bug? The receiver's application has an incomplete stream: check what it stored.",
		NotThis: "A hole that a retransmission fills: ordinary loss. A hole in the capture alone: the peer acknowledges everything. A peer that " +
			"sends nothing: dead-peer. A FIN with nothing missing before it: unretransmitted-fin, fin-unanswered.",
		Peers: "Wireshark shows \"Previous segment not captured\" and duplicate ACKs, but not that the gap was never filled. Zeek logs a content gap.",
		Refs:  []string{"RFC 9293 3.10.7.4", "RFC 6298 5.4", "RFC 5681 4.2"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{holeAbandoned, holeFINOnly},
	Params: []detectors.Param{
		{Name: "patience", Default: 6, Min: 1, Max: 3600, Unit: "s", Doc: "minimum wait for the bytes; three RTOs if that is longer, or three times what the connection had lasted if no round trip was timed"},
	},
	YieldsTo:     []string{"dead-peer"}, // the peer says nothing after that, however often it gets the bytes
	StartsOn:     fsm.On(fsm.FinOverHole),
	SubscribesTo: fsm.On(fsm.FinOverHole, fsm.Advanced, fsm.DataSent, fsm.DataResent, fsm.FinResent, fsm.FinWithdrawn, fsm.SentBeyondFin, fsm.WindowOpened, fsm.ResetSent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(finOverHole) },
}

var (
	holeAbandoned = &detectors.Outcome{Name: "abandoned", Severity: detectors.Warning, Fault: detectors.FaultSuspected, When: "the sender sent no more of its stream"}
	holeFINOnly   = &detectors.Outcome{Name: "fin-only", Severity: detectors.Warning, Fault: detectors.FaultPath, When: "the sender retransmits its FIN, but not the bytes before it",
		Cause: "The sender is alive and retransmits, but only its small segments reach the capture point: a link with a smaller MTU before it " +
			"(a path-MTU black hole), or a middlebox, drops the others; or its TCP discarded the data and kept the FIN.",
		Action: "Capture on the sender's own interface. If it retransmits the bytes there, test the path with large packets (ping -M do -s 1472) and fix the MTU or clamp the " +
			"MSS. If not, the sender's stack is at fault."}
)

// Where the bytes passed the capture point again and again, their sender has neither disappeared nor discarded them.
const (
	causeLostAgain = "The sender retransmitted the bytes, and each time they were lost between the capture point and the peer, until it gave up. The peer answered what was sent behind them, so the path was not down: " +
		"a smaller MTU, or a device that inspects payload, may drop these segments; or the path lost most of what was sent."
	actionLostAgain = "Capture on the peer's own interface. If the bytes do not arrive there, look for what drops them between the two. The receiver's application has an incomplete stream: check what it stored."
)

// causeGone is the cause where nothing else came from the side that closed.
const causeGone = "The sender, or the path from it, was gone right after it had closed, so nothing could be retransmitted; or its TCP discards its send buffer when the " +
	"socket is closed; or it does retransmit, and something before the capture point drops that."

// causeUp and actionUp are said where its host is up.
const (
	causeUp  = "The sender's host was gone for a while at most: it sent something in another connection since. Either it, or a front end, lost the connection (it restarted); or its TCP discards its send buffer when the socket is closed; or it does retransmit, and something before the capture point drops that."
	actionUp = "Capture on the sender's own interface. If it retransmits the bytes there, look for what drops them on the way. If not, its TCP may have a bug. The receiver's application has an incomplete stream: check what it stored."
)

// finOverHole waits for each side to fill the hole before its FIN.
type finOverHole struct {
	due   [2]detectors.Deadline
	sides [2]finAfterHole
}

// A finAfterHole is one side's FIN while the peer is missing something before it.
type finAfterHole struct {
	ack   reassembly.Mark // the first that says so: the anchor
	fin   reassembly.Mark // if it was the side's last segment by then
	again reassembly.Mark // the latest retransmission of the FIN
	last  reassembly.Mark // the latest ACK that says so
	acks  int
	sent  reassembly.Mark // the bytes again, the latest time; At is 0 if they were not
	gap   int64           // between the latest two times; 0 if they were sent again once
	next  int64           // the latest interval, at most: they double (RFC 6298 5.5), so the next one is about as long as all of them
	held  uint32          // bytes beyond the hole and before the FIN that the latest ACK selectively acknowledges, if it names all; else 0
	asked reassembly.Mark // what the peer has sent again last, which calls for an answer
}

func (w *finOverHole) Event(ev fsm.Event, r *detectors.Report) {
	switch ev.Kind {
	case fsm.FinOverHole:
		w.missing(ev, r)
	case fsm.DataResent:
		w.sides[ev.Side.Peer()].asked = reassembly.MarkOf(ev.Seg)
		w.sides[ev.Side].resent(ev.Side, ev.Seg, r.Conn)
		w.progress(ev.Side, ev.Seg.At, r)
	case fsm.Advanced, fsm.DataSent:
		if ev.Kind == fsm.Advanced { // others are missing now
			w.sides[ev.Side].sent, w.sides[ev.Side].gap, w.sides[ev.Side].next = reassembly.Mark{}, 0, 0
		}
		w.progress(ev.Side, ev.Seg.At, r)
	case fsm.FinResent:
		w.sides[ev.Side.Peer()].asked = reassembly.MarkOf(ev.Seg)
		if r.Conn.Stream(ev.Side).Una.Before(ev.Seg.Seq) { // without the bytes
			w.sides[ev.Side].again = reassembly.MarkOf(ev.Seg)
		}
	case fsm.FinWithdrawn, fsm.SentBeyondFin: // that was no FIN, whatever came after it
		w.due[ev.Side].Withdraw(r)
		w.due[ev.Side].Disarm()
	case fsm.WindowOpened:
		w.progress(ev.Side.Peer(), ev.Seg.At, r)
	case fsm.ResetSent: // what was reported stands: nothing filled the hole
		w.due[0].Disarm()
		w.due[1].Disarm()
	}
}

// missing takes an ACK that repeats what the peer is missing.
func (w *finOverHole) missing(ev fsm.Event, r *detectors.Report) {
	if _, reset := r.Conn.ResetBy(); reset {
		return
	}
	f := &w.sides[ev.Side]
	f.last = reassembly.MarkOf(ev.Seg)
	f.acks++
	fin, _ := r.Conn.FIN(ev.Side)
	f.held = heldBefore(fin.Seq, ev.Seg)
	if w.due[ev.Side].Armed() {
		return
	}
	*f = finAfterHole{ack: f.last, last: f.last, acks: 1, held: f.held}
	if last := r.Conn.Last(ev.Side); last.Flags&reassembly.FIN != 0 {
		if last.Seq.AtOrBefore(ev.Seg.Ack) { // it lacks the segment of the FIN itself
			return
		}
		f.fin = last
	}
	w.due[ev.Side].Arm(ev.Seg.At, r)
}

// heldBefore is how many bytes before the FIN the ACK acknowledges selectively; 0 if it may not have had room for all blocks, which
// are three with timestamps (RFC 2018 3).
func heldBefore(fin reassembly.Seq, ack *reassembly.Segment) (n uint32) {
	blocks := ack.Opts.Blocks[:ack.Opts.NBlocks]
	if len(blocks) > 2 {
		return 0
	}
	for _, b := range blocks {
		if to := b.To; ack.Ack.Before(b.From) && b.From.Before(to) {
			if fin.Before(to) {
				to = fin
			}
			n += uint32(max(b.From.To(to), 0))
		}
	}
	return n
}

// resent takes bytes of the side that it sends again: of those that are missing, the first.
func (f *finAfterHole) resent(side reassembly.Side, seg *reassembly.Segment, v fsm.View) {
	if f.ack.At == 0 || v.Stream(side).Una.Before(seg.Seq) {
		return
	}
	if f.sent.At != 0 {
		f.gap = seg.At - f.sent.At
	}
	backoff := int64(detectors.ResendTimeout(v, side)) << min(v.Retries(side), 7) // two minutes at least: few TCPs double further (RFC 6298 2.5)
	f.next = max(f.gap, min(backoff, seg.At-v.First())/2)
	f.sent = reassembly.MarkOf(seg)
}

// progress restarts the wait: the side did something about the hole, or could not
// until now.
func (w *finOverHole) progress(side reassembly.Side, at int64, r *detectors.Report) {
	due := &w.due[side]
	if n, _ := w.missingBeforeFIN(r.Conn, side); n == 0 {
		due.Satisfy(r)
	} else if due.Armed() {
		due.Withdraw(r)
		due.Extend(at, r)
	}
}

// missingBeforeFIN is how many bytes before the side's FIN the peer has not
// acknowledged, and whether the capture lacks the first of them too; 0 once all that is
// missing was in the segment of the FIN.
func (w *finOverHole) missingBeforeFIN(v fsm.View, side reassembly.Side) (n uint32, unseen bool) {
	fin, _ := v.FIN(side)
	out := v.Stream(side)
	if m := &w.sides[side].fin; m.At != 0 && out.Covered(m.Seq) {
		return 0, false
	}
	if v.Phase(side) != fsm.PhaseFinSent || !out.Knows(reassembly.KnowUna) || !out.Una.Before(fin.Seq) {
		return 0, false
	}
	return uint32(fin.Seq - out.Una), out.Skipped(out.Una)
}

func (w *finOverHole) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when the bytes are overdue.
func (w *finOverHole) Limit(i int, r *detectors.Report) int64 {
	side := reassembly.Side(i)
	again := int64(detectors.GiveUpFactor * float64(w.sides[i].next))
	if r.Conn.SRTT(side) == 0 && r.Conn.HandshakeRTT(side.Peer()) == 0 { // nothing was timed, as where SYNs were repeated: the round trip may be as long as all of it
		again = max(again, 3*(w.sides[i].ack.At-r.Conn.First()))
	}
	return w.due[i].Since() + max(r.Nanos("patience"), int64(3*detectors.ResendTimeout(r.Conn, side)), again)
}

// Overdue reports the hole if the side is free to fill it.
func (w *finOverHole) Overdue(i int, o detectors.Overdue, r *detectors.Report) {
	side, s := reassembly.Side(i), &w.sides[i]
	n, unseen := w.missingBeforeFIN(r.Conn, side)
	if n == 0 || r.Conn.Window(side.Peer()).Shut {
		return
	}
	outcome := holeAbandoned
	evidence := []detectors.Evidence{r.Evidence("is missing bytes before the FIN", side.Peer(), &s.ack)}
	if s.fin.At != 0 {
		evidence = append(evidence, r.Evidence("FIN", side, &s.fin))
	}
	if s.again.At > s.ack.At {
		outcome = holeFINOnly
		evidence = append(evidence, r.Evidence("FIN retransmitted, without the bytes", side, &s.again))
	}
	if !detectors.SameFrame(&s.last, &s.ack) {
		evidence = append(evidence, r.Evidence("is still missing them", side.Peer(), &s.last))
	}
	waited := o.Now - w.due[i].Since()
	f := r.Find(outcome, side, o.At, evidence...)
	f.States = r.StatesNow(o.Now)
	f.End = o.Now
	f.Roles = detectors.Roles("closer", side, "peer")
	f.Measure("lacking_bytes", int(n))
	f.Measure("acks", s.acks)
	f.Measure("waited_s", detectors.Seconds(waited))
	own, peer := r.Name(side), r.Name(side.Peer())
	part, lacks := "part", &s.ack
	if s.held > 0 && s.held < n {
		part, lacks = fmt.Sprint(n-s.held), &s.last
	}
	fin := "its FIN"
	if s.fin.At != 0 {
		fin += fmt.Sprintf(" (frame %d)", s.fin.Frame)
	}
	f.Message = fmt.Sprintf("%s closed, but %s is missing %s of the last %d bytes before %s, as frame %d shows. ", own, peer, part, n, fin, lacks.Frame)
	switch {
	case unseen:
		f.Message += "The first of these never reached the capture point."
	case s.sent.At != 0:
		f.Message += fmt.Sprintf("They passed the capture point more than once, the first of them in frame %d for the last time, and were lost after it.", s.sent.Frame)
	default:
		f.Message += "They passed the capture point once and were lost after it."
	}
	nothing := "no copy of them"
	silent := r.Conn.Last(side).At <= s.ack.At
	if silent { // its host may be gone, or the path from it: that is nobody's fault as far as this shows
		nothing, f.Fault, f.Cause = "nothing of this connection from "+own, detectors.FaultUnknown, causeGone
	}
	f.Message += fmt.Sprintf(" In the %s after that, %s reached the capture point", detectors.Span(waited), nothing)
	if silent && s.asked.At > s.ack.At {
		f.Evidence = append(f.Evidence, r.Evidence("sent again, without an answer", side.Peer(), &s.asked))
		f.Message += fmt.Sprintf(", no answer to frame %d either", s.asked.Frame)
	}
	if outcome == holeFINOnly {
		f.Message += fmt.Sprintf(", although the FIN was (frame %d)", s.again.Frame)
	}
	left := fmt.Sprintf(" %s has the stream only up to the hole.", peer)
	f.Message += "." + left
	if silent && !detectors.Over(r.Conn) { // shards know no hosts otherwise
		f.Quiet, f.Asker = &detectors.Quiet{Since: s.ack.At, First: "such ACK", Guess: left, Up: left, Cause: causeUp, Action: actionUp}, r.Asker(side.Peer())
	}
	if s.gap > 0 { // its sender did what it could
		f.Fault, f.Cause, f.Action = detectors.FaultPath, causeLostAgain, actionLostAgain
	}
	if o.Short > 0 {
		f.Undecide(fmt.Sprintf("the capture ends %s before the bytes would be overdue", detectors.Span(o.Short)))
	} else {
		r.Absence(&f, s.ack.At)
	}
	w.due[i].Emit(f, r)
}
