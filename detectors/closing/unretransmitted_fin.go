package closing

import (
	"fmt"
	"math"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// UnretransmittedFIN reports a side that sent FIN, got no acknowledgment of it, and
// never sent it again although the capture continued. RFC 9293 3.8.1; KB Q254930.
var UnretransmittedFIN = &detectors.Detector{
	Name: "unretransmitted-fin",
	Doc: detectors.Doc{
		Title: "a FIN was never acknowledged and never retransmitted",
		What: "One side sends FIN. Nothing from the other side acknowledges it, and no retransmission of it reaches the capture " +
			"point, although the capture continues for more than three retransmission timeouts (at least six seconds). " +
			"The closer stays in FIN_WAIT_1 or LAST_ACK, its peer in ESTABLISHED, CLOSE_WAIT or FIN_WAIT_2.",
		Cause: "The FIN was lost, and its sender does not retransmit it: its TCP has a bug (Windows NT 4.0 before SP7 had one), " +
			"the host disappeared right after closing, or a middlebox between the sender and the capture point drops FINs or " +
			"has forgotten the connection.",
		Action: "Capture on the closer's own interface. If it retransmits the FIN there, something in between drops it; if " +
			"not, the closer's stack is at fault. Until then, close the peer's socket manually, or let keep-alives close it.",
		NotThis: "A FIN that is retransmitted with backoff and never acknowledged: fin-unanswered. A capture that ends too soon, " +
			"that holds only one direction, or, if the peer sent nothing more, that has the ACK of no second FIN, though several connections have one: undecided. A RST from either side, which ends the connection. A closer that still " +
			"waits for older data to be acknowledged, or for the peer's window to open: its FIN is not due yet.",
		Peers: "Wireshark does not report a FIN that is not acknowledged. Ostermann's tcptrace calls the connection complete " +
			"once it has seen both FINs.",
		Refs:  []string{"KB Q254930", "RFC 9293 3.8.1", "RFC 6298 5"},
		Since: "0.1",
	},
	Outcomes: []*detectors.Outcome{unretransmittedUnaware, unretransmittedSilent},
	Params: []detectors.Param{
		{Name: "patience", Default: 6, Min: 1, Max: 3600, Unit: "s", Doc: "minimum wait for a second FIN; three RTOs of its sender if that is longer"},
	},
	Absence:  detectors.NoFINAck,
	StartsOn: fsm.On(fsm.FinSent),
	SubscribesTo: fsm.On(fsm.FinSent, fsm.FinResent, fsm.FinAcked, fsm.FinDenied, fsm.FinConfirmed, fsm.FinWithdrawn, fsm.SentBeyondFin, fsm.Advanced, fsm.DataResent,
		fsm.WindowOpened, fsm.ResetSent, fsm.Sent),
	SkipsClose: true,
	Watch:      func(*detectors.Report) detectors.Watcher { return new(unretransmittedFIN) },
}

var (
	unretransmittedUnaware = &detectors.Outcome{Name: "peer-unaware", Severity: detectors.Critical, Fault: detectors.FaultSuspected,
		When: "a timeout later, the peer still acknowledges only what came before the FIN: it never received the FIN; a warning if the closer does not answer either what the peer retransmits: its host may be gone"}
	unretransmittedSilent = &detectors.Outcome{Name: "silent", Severity: detectors.Warning, Fault: detectors.FaultSuspected, When: "the peer sent nothing more"}
)

// causeStillSends is the cause where the closer's host has not disappeared.
const causeStillSends = "The FIN was lost, and its sender does not retransmit it, though its host sent something in another connection since: its TCP has a bug (Windows NT 4.0 before SP7 had one), it lost the connection (it restarted), " +
	"a program on the host withholds it, or a middlebox between the sender and the capture point drops FINs or has forgotten the connection."

// unretransmittedFIN waits for each side's second FIN.
type unretransmittedFIN struct {
	due     [2]detectors.Deadline
	fin     [2]reassembly.Mark
	denied  [2]bool            // a segment of its side contradicts it
	begins  [2]bool            // it is the first segment of a connection that opened before the capture began
	unaware [2]reassembly.Mark // the peer's latest segment that still does not acknowledge it
	strange [2]uint32          // frame of the peer's answer to it whose numbers lie far outside; 0 if there is none
}

func (w *unretransmittedFIN) Event(ev fsm.Event, r *detectors.Report) {
	side, peer := ev.Side, ev.Side.Peer()
	switch ev.Kind {
	case fsm.FinSent:
		if _, reset := r.Conn.ResetBy(); !reset {
			w.fin[side], w.unaware[side], w.denied[side], w.strange[side] = reassembly.MarkOf(ev.Seg), reassembly.Mark{}, false, 0
			w.begins[side] = ev.Seg.At == r.Conn.First() && ev.Seg.Flags&reassembly.SYN == 0
			w.due[side].Arm(ev.Seg.At, r)
		}
	case fsm.FinResent, fsm.FinAcked, fsm.FinWithdrawn, fsm.SentBeyondFin:
		w.due[side].Satisfy(r)
	case fsm.FinDenied:
		w.denied[side] = true
	case fsm.FinConfirmed:
		w.denied[side] = false
	case fsm.Advanced, fsm.DataResent:
		w.due[side].Extend(ev.Seg.At, r)
	case fsm.WindowOpened:
		w.due[peer].Extend(ev.Seg.At, r)
	case fsm.ResetSent:
		w.due[side].Satisfy(r)
		w.due[peer].Satisfy(r)
	case fsm.Sent:
		if w.due[peer].Armed() && strange(ev, r.Conn) && ev.Seg.At-w.fin[peer].At <= int64(r.Conn.RTO(peer)) {
			w.strange[peer] = ev.Seg.Frame
		}
		if w.due[peer].Armed() && !detectors.MayBeForged(ev) && ev.Seg.At-w.fin[peer].At > int64(r.Conn.RTO(peer)) {
			w.unaware[peer] = reassembly.MarkOf(ev.Seg)
		}
	}
}

// strange reports whether the segment's numbers lie far outside the connection: it is no old
// duplicate if it acknowledges what lies a whole window below what had been acknowledged.
func strange(ev fsm.Event, v fsm.View) bool {
	out := v.Stream(ev.Side.Peer())
	old := ev.Seg.Flags&reassembly.ACK != 0 && out.Knows(reassembly.KnowUna) && ev.Seg.Ack.To(out.Una) > int32(min(v.Window(ev.Side).Max, math.MaxInt32))
	return ev.Class == fsm.OutOfWindow || ev.Class != fsm.Rst && old
}

func (w *unretransmittedFIN) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when a second FIN is overdue. A timeout retransmits the earliest segment
// first (RFC 6298 5.4), so the wait starts once everything before the FIN has arrived.
func (w *unretransmittedFIN) Limit(i int, r *detectors.Report) int64 {
	return w.due[i].Since() + max(r.Nanos("patience"), int64(3*detectors.ResendTimeout(r.Conn, reassembly.Side(i))))
}

func (w *unretransmittedFIN) Overdue(i int, o detectors.Overdue, r *detectors.Report) {
	side := reassembly.Side(i)
	if !detectors.FINDue(r.Conn, side, w.fin[i].Seq) {
		return
	}
	fin, unaware, since := &w.fin[side], &w.unaware[side], w.due[side].Since()
	evidence := []detectors.Evidence{r.Evidence("FIN, never acknowledged", side, fin)}
	outcome := unretransmittedSilent
	if unaware.At != 0 {
		outcome = unretransmittedUnaware
		evidence = append(evidence, r.Evidence("still does not acknowledge the FIN", side.Peer(), unaware))
	}
	f := r.Find(outcome, side, o.At, evidence...)
	f.States = r.StatesNow(o.Now)
	f.End, f.During = o.Now, [2]int64{fin.At, o.Now}
	f.Roles = detectors.Roles("closer", side, "peer")
	f.Measure("waited_s", detectors.Seconds(o.Now-since))
	f.Measure("deadline_s", detectors.Seconds(w.Limit(i, r)-since))
	f.Measure("rto_s", detectors.ResendTimeout(r.Conn, side).Seconds())
	own, peer := r.Name(side), r.Name(side.Peer())
	f.Message = fmt.Sprintf("%s sent FIN (frame %d). For %s, nothing acknowledged it, and no retransmission of it reached the capture point.",
		own, fin.Frame, detectors.Span(o.Now-since))
	if outcome == unretransmittedUnaware {
		f.Message += fmt.Sprintf(" %s never received it: %s after the FIN, it still acknowledges only what came before (frame %d).",
			peer, detectors.Span(unaware.At-fin.At), unaware.Frame)
	} else {
		f.Message += fmt.Sprintf(" %s has sent nothing since that would show whether it received it.", peer)
	}
	if n := r.Conn.Retries(side.Peer()); n >= 2 && r.Conn.Last(side).At <= fin.At { // a TCP that is left answers that
		f.Severity, f.Fault = detectors.Warning, detectors.FaultUnknown
		f.Message += fmt.Sprintf(" Nor has %s answered what %s has retransmitted %s since: its host is gone, or nothing reaches it, or comes from it, any more.", own, peer, detectors.Times(n))
	} else {
		f.Message += fmt.Sprintf(" %s is left in %s, %s in %s%s.", own, f.States[side], peer, f.States[side.Peer()], orGone(&f, side.Peer(), r))
	}
	if o.Short > 0 {
		f.Undecide(fmt.Sprintf("the capture ends %s before a retransmission of the FIN would be overdue", detectors.Span(o.Short)))
	} else if w.begins[side] && o.Now-since < detectors.MaxTimeout {
		f.Undecide("midstream: the capture has nothing of the connection before the FIN, which may itself be a retransmission: the next may come only two minutes later")
	} else if onlyFINs(r.Conn, side) {
		f.Undecide("midstream: of the connection, nothing but one FIN of each side was captured: the capture may leave out its ACKs")
	} else if n := w.strange[side]; n != 0 && unaware.At == 0 {
		f.Undecide(fmt.Sprintf("what the peer answered at once has numbers outside the connection (frame %d): it may be the ACK of the FIN, damaged", n))
	} else if w.denied[side] {
		f.Undecide("a later segment of the closer begins at or below the FIN, so that the FIN may not be its own")
	} else {
		r.Absence(&f, fin.At)
	}
	if outcome == unretransmittedSilent {
		if f.Absence != detectors.NoAbsence {
			f.Absence = detectors.NothingAfterFIN
		}
		f.Silence = detectors.NewSilence(r.Conn, fin.At+int64(detectors.ResendTimeout(r.Conn, side)), w.Limit(i, r)) // from then on, the FIN was due again
		f.Silence.Stopped, f.Silence.Up = true, causeStillSends
		f.Lossless = detectors.NewLossless(r.Conn, false, fin.At, w.Limit(i, r))
	}
	w.due[side].Emit(f, r)
}

// onlyFINs reports whether the capture holds one FIN of each side and nothing else, as a filter of FINs does.
func onlyFINs(v fsm.View, side reassembly.Side) bool {
	return v.Packets(side) == 1 && v.Packets(side.Peer()) == 1 && v.Phase(side.Peer()) >= fsm.PhaseFinSent
}
