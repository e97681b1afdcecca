package closing

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// UnretransmittedFIN reports a side that sent FIN, got no acknowledgment of it,
// and never sent it again although the capture went on. RFC 9293 3.8.1; KB
// Q254930.
var UnretransmittedFIN = &detectors.Detector{
	Name: "unretransmitted-fin",
	Doc: detectors.Doc{
		Title: "a FIN was never acknowledged and never sent again",
		What: "One side sends FIN. Nothing from the other side acknowledges it, and no second FIN reaches the capture " +
			"point, though the capture goes on for more than three retransmission timeouts (six seconds at least). " +
			"The closer stays in FIN_WAIT_1 or LAST_ACK, its peer in ESTABLISHED, CLOSE_WAIT or FIN_WAIT_2.",
		Cause: "The FIN was lost on the way, and its sender does not retransmit it: a fault of its TCP (Windows NT 4.0 " +
			"before SP7 was one), a host that went away right after closing, or a middlebox between the sender and " +
			"the capture point that drops FINs or forgot the connection.",
		Action: "Capture on the closer's own interface: if the FIN is repeated there, something in between drops it; if " +
			"not, the closer's stack is at fault. Until then the peer's socket has to be closed by hand, or by keep-alive.",
		NotThis: "A FIN repeated with backoff and ignored: the closer does its part. A capture that ends too soon, or " +
			"that holds one direction only: undecided. A RST from either side: the connection ended after all. A " +
			"closer that still waits for older data to be acknowledged, or for the peer's window to open: its FIN is not due yet.",
		Peers: "Wireshark says nothing about a FIN that is not acknowledged, and Ostermann's tcptrace calls the connection complete " +
			"once both FINs were seen.",
		Refs:  []string{"KB Q254930", "RFC 9293 3.8.1", "RFC 6298 5"},
		Since: "0.1",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "peer-unaware", Severity: detectors.Critical, When: "the peer still acknowledges nothing beyond the FIN a timeout later: it never got it"},
		{Name: "silent", Severity: detectors.Warning, When: "nothing more came from the peer"},
	},
	Params: []detectors.Param{
		{Name: "patience", Default: 6, Min: 1, Max: 3600, Unit: "s", Doc: "how long to wait for a second FIN at least; three RTO if that is longer"},
	},
	Absence:  detectors.NoFINAck,
	StartsOn: fsm.On(fsm.FinSent),
	SubscribesTo: fsm.On(fsm.FinSent, fsm.FinResent, fsm.FinAcked, fsm.SentBeyondFin, fsm.Advanced, fsm.DataResent,
		fsm.WindowOpened, fsm.ResetSent, fsm.Sent),
	Watch: func(*detectors.Report) detectors.Watcher { return new(unretransmittedFIN) },
}

type unretransmittedFIN struct{ sides [2]lonelyFIN }

// A lonelyFIN is one side's FIN while it is neither repeated nor acknowledged.
type lonelyFIN struct {
	open    bool
	told    bool
	fin     reassembly.Mark
	busy    int64           // when it was sent, or when something still came before it
	unaware reassembly.Mark // the peer's latest segment that still does not acknowledge it
}

func (w *unretransmittedFIN) Event(ev fsm.Event, r *detectors.Report) {
	switch ev.Kind {
	case fsm.FinSent:
		if _, over := r.Old.ResetBy(); !over {
			w.sides[ev.Side] = lonelyFIN{open: true, fin: reassembly.MarkOf(ev.Seg)}
			w.busy(ev.Side, ev.Seg.At, r)
		}
	case fsm.FinResent, fsm.FinAcked, fsm.SentBeyondFin:
		w.drop(ev.Side, r)
	case fsm.Advanced, fsm.DataResent:
		w.busy(ev.Side, ev.Seg.At, r)
	case fsm.WindowOpened:
		w.busy(ev.Side.Peer(), ev.Seg.At, r)
	case fsm.ResetSent:
		w.drop(reassembly.A, r)
		w.drop(reassembly.B, r)
	case fsm.Sent:
		p := &w.sides[ev.Side.Peer()]
		own := ev.Class != fsm.OutOfWindow && ev.Class != fsm.Rst // not somebody else's in its name
		if p.open && own && ev.Seg.At-p.fin.At > int64(r.Old.RTO(ev.Side.Peer())) {
			p.unaware = reassembly.MarkOf(ev.Seg)
		}
	}
}

// busy notes that something came before the FIN until now: the wait for a
// second one begins anew.
func (w *unretransmittedFIN) busy(side reassembly.Side, at int64, r *detectors.Report) {
	if f := &w.sides[side]; f.open {
		f.busy = at
		r.WakeAt(w.deadline(side, r))
	}
}

// drop ends the watch for one FIN: it is not, or no longer, left alone.
func (w *unretransmittedFIN) drop(side reassembly.Side, r *detectors.Report) {
	f := &w.sides[side]
	if f.told {
		r.Withdraw(f.fin.File, f.fin.Frame)
	}
	f.open = false
}

// deadline is when a second FIN is overdue. RTO resends the oldest segment
// first (RFC 6298 5.4), so the wait begins when what came before the FIN is done.
func (w *unretransmittedFIN) deadline(side reassembly.Side, r *detectors.Report) int64 {
	patience := max(time.Duration(r.Value("patience")*float64(time.Second)), 3*r.Old.RTO(side))
	return w.sides[side].busy + int64(patience)
}

// Due tells what is overdue; a later resend, ACK or RST takes it back.
func (w *unretransmittedFIN) Due(now int64, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		f := &w.sides[side]
		if !f.open || f.told {
			continue
		}
		if at := w.deadline(side, r); at > now {
			r.WakeAt(at)
		} else if r.Old.FINDue(side) {
			w.tell(side, at, now, r)
		}
	}
}

func (w *unretransmittedFIN) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if w.sides[side].open && r.Old.FINDue(side) {
			w.tell(side, min(w.deadline(side, r), e.At), e.At, r)
		}
	}
}

// tell reports the FIN of side as things stand at trace time now.
func (w *unretransmittedFIN) tell(side reassembly.Side, at, now int64, r *detectors.Report) {
	f := &w.sides[side]
	f.told = true
	evidence := []detectors.Evidence{r.Evidence("FIN, never acknowledged", side, &f.fin)}
	outcome := "silent"
	if f.unaware.At != 0 {
		outcome = "peer-unaware"
		evidence = append(evidence, r.Evidence("still does not acknowledge the FIN", side.Peer(), &f.unaware))
	}
	found := r.FindNamed(outcome, side, at, evidence...)
	found.States = r.StatesNow(now)
	found.End = now
	found.Roles = []detectors.Role{{Name: "closer", Side: side}, {Name: "peer", Side: side.Peer()}}
	deadline := w.deadline(side, r)
	found.Measure("waited_s", detectors.Seconds(now-f.busy))
	found.Measure("deadline_s", detectors.Seconds(deadline-f.busy))
	found.Measure("rto_s", r.Old.RTO(side).Seconds())
	found.Message = w.message(side, now-f.busy, outcome, &found, r)
	if now < deadline {
		found.Undecide(fmt.Sprintf("the capture ends %s before a resend of the FIN would be overdue", detectors.Span(deadline-now)))
	} else {
		r.Absence(&found, f.fin.At)
	}
	r.Emit(found)
}

func (w *unretransmittedFIN) message(side reassembly.Side, waited int64, outcome string, found *detectors.Finding, r *detectors.Report) string {
	f := &w.sides[side]
	own, peer := r.Name(side), r.Name(side.Peer())
	m := fmt.Sprintf("%s sent FIN (frame %d); in the %s after it no acknowledgment of it came and no resend of it reached the capture point.",
		own, f.fin.Frame, detectors.Span(waited))
	if outcome == "peer-unaware" {
		m += fmt.Sprintf(" %s never got it: %s later it still acknowledges nothing beyond what came before (frame %d).",
			peer, detectors.Span(f.unaware.At-f.fin.At), f.unaware.Frame)
	} else {
		m += fmt.Sprintf(" %s has sent nothing since that would tell whether it got it.", peer)
	}
	return m + fmt.Sprintf(" %s is left in %s, %s in %s.", own, found.States[side], peer, found.States[side.Peer()])
}
