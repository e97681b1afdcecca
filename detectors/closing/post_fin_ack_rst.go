package closing

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// PostFINAckRST reports an ACK, sent after both FINs, that draws a RST from a
// side which has already forgotten the connection. RFC 9293 3.10.7.1; KB
// Q152474.
var PostFINAckRST = &detectors.Detector{
	Name: "post-fin-ack-rst",
	Doc: detectors.Doc{
		Title: "an ACK after both FINs drew a RST",
		What: "Both sides have sent FIN. One side, X, acknowledges the other's FIN, and then a pure ACK of X meets a RST " +
			"from Y, which has no connection any more. X's application may see \"connection reset by peer\" " +
			"(WSAECONNRESET, ECONNRESET) and lose what it had not read yet.",
		Cause: "redundant-ack: X acknowledged Y's FIN twice. Y was CLOSED after the first, and RFC 9293 3.10.7.1 makes it " +
			"answer anything later with RST (Windows NT 3.51 let a delayed-ACK timer send the second one). forgotten: " +
			"Y sent FIN and did not wait for its ACK, as hurried servers, load balancers and crashed hosts do.",
		Action: "Ask X's application for connection-reset errors at this time and for data cut short (bytes_at_risk). " +
			"Update X's TCP (redundant-ack), or look at how Y or the middlebox before it tears connections down (forgotten).",
		NotThis: "A RST that answers data, a keep-alive or a repeated FIN; a RST from a side that has not closed; the second " +
			"RST after an earlier one; an ACK that a host in TIME_WAIT swallowed. A half-close, however long, is normal.",
		Peers: "Wireshark shows a Dup ACK and a RST and gives no cause.",
		Refs:  []string{"KB Q152474", "RFC 9293 3.10.7.1"},
		Since: "0.1",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "redundant-ack", Severity: detectors.Warning, When: "X acknowledged a FIN that it had acknowledged already, and nothing had called for it"},
		{Name: "forgotten", Severity: detectors.Info, When: "the RST answers the very first ACK of Y's FIN: Y did not wait in LAST_ACK"},
	},
	StartsOn:     fsm.On(fsm.FinSent),
	SubscribesTo: fsm.On(fsm.FinSent, fsm.FinAcked, fsm.ResetSent, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(postFINAckRST) },
}

// recentSent is how many of the last segments of each side are remembered, to
// find the one that a RST answers.
const recentSent = 4

type postFINAckRST struct {
	fin      [2]reassembly.Mark
	finAck   [2]reassembly.Mark // the first ACK of that side's FIN
	sent     [2][recentSent]reassembly.Mark
	n        [2]int
	calledBy [2]bool // since the first ACK of its FIN that side sent something that calls for another
	done     bool
	withACK  reassembly.Mark // the RST of a finding, if it acknowledges something
}

func (w *postFINAckRST) Event(ev fsm.Event, r *detectors.Report) {
	if w.done {
		w.behind(ev, r)
		return
	}
	side := ev.Side
	switch ev.Kind {
	case fsm.FinSent:
		w.fin[side] = reassembly.MarkOf(ev.Seg)
	case fsm.FinAcked:
		w.finAck[side] = reassembly.MarkOf(ev.Seg)
		if detectors.SameFrame(&w.finAck[side], &w.fin[side]) { // captured microseconds before the FIN
			w.finAck[side] = r.Old.LastSent(side.Peer())
		}
	case fsm.ResetSent:
		w.done = true
		rst := reassembly.MarkOf(ev.Seg)
		w.judge(side, &rst, r)
	case fsm.Sent:
		m := reassembly.MarkOf(ev.Seg)
		w.sent[side][w.n[side]%recentSent] = m
		w.n[side]++
		switch {
		case ev.Class == fsm.ChallengeAck: // the other side's SYN called for it
			w.calledBy[side.Peer()] = true
		case w.fin[side].At != 0 && callsForAck(ev) && !detectors.SameFrame(&m, &w.fin[side]): // also before the first ACK: there may be one for each
			w.calledBy[side] = true
		}
	}
}

func (w *postFINAckRST) End(detectors.Ending, *detectors.Report) {}

// callsForAck says whether a receiver must acknowledge the segment, even if it
// has done so before (RFC 9293 3.10.7.4).
func callsForAck(ev fsm.Event) bool {
	return ev.Seg.SeqLen() > 0 || ev.Class == fsm.KeepAlive || ev.Class == fsm.Probe || ev.Class == fsm.OutOfWindow
}

// behind takes what follows the RST. If that was RST with ACK, and a bare one comes
// behind it, the first was Y's own abort, and only the second an answer.
func (w *postFINAckRST) behind(ev fsm.Event, r *detectors.Report) {
	y, x := ev.Side, ev.Side.Peer()
	if ev.Kind != fsm.Sent || ev.Class != fsm.Rst || w.withACK.At == 0 || ev.Seg.Flags&reassembly.ACK != 0 {
		return
	}
	if ev.Seg.Seq == w.withACK.Seq && ev.Seg.At-w.withACK.At <= int64(r.Old.RTO(y)) {
		r.Withdraw(w.fin[x].File, w.fin[x].Frame)
	}
	w.withACK = reassembly.Mark{}
}

// judge takes Y's RST: does it answer a pure ACK that X sent after its FIN?
func (w *postFINAckRST) judge(y reassembly.Side, rst *reassembly.Mark, r *detectors.Report) {
	x := y.Peer()
	if w.fin[x].At == 0 || w.finAck[y].At == 0 || w.answersOpenFIN(x, rst, r) {
		return
	}
	ack := w.trigger(x, rst, r)
	if ack == nil {
		return
	}
	switch {
	case detectors.SameFrame(ack, &w.finAck[y]):
		w.tell("forgotten", y, x, ack, rst, r)
	case r.Before[y] == fsm.Closed && !w.calledBy[y]:
		w.tell("redundant-ack", x, x, ack, rst, r)
	}
}

// answersOpenFIN: while X's FIN is unacknowledged, a RST at its ACK number, or
// one that acknowledges it, answers that.
func (w *postFINAckRST) answersOpenFIN(x reassembly.Side, rst *reassembly.Mark, r *detectors.Report) bool {
	if r.Old.Half(x).Phase == fsm.PhaseFinAcked {
		return false
	}
	return fsm.Answers(rst, &w.fin[x])
}

// trigger finds the pure ACK of X that the RST answers: the latest that fits,
// and nothing else that X sent later fits as well. A RST that comes sooner than Y
// can answer was already on its way from one before; if none is there that Y
// would have answered about then, Y is quick: on one machine, a handshake may take
// longer than a RST does.
func (w *postFINAckRST) trigger(x reassembly.Side, rst *reassembly.Mark, r *detectors.Report) *reassembly.Mark {
	y := x.Peer()
	answer := int64(r.Old.Answer(y))
	var sooner *reassembly.Mark
	for i := range min(w.n[x], recentSent) {
		seg := &w.sent[x][(w.n[x]-1-i)%recentSent]
		if !fsm.Answers(rst, seg) {
			continue
		}
		wait := rst.At - seg.At
		if wait < answer/4 {
			if sooner == nil {
				sooner = seg
			}
			continue
		}
		if sooner != nil && wait > 4*answer {
			seg, wait = sooner, rst.At-sooner.At
		}
		if !r.Old.ClosingAck(x, seg) || wait > int64(r.Old.RTO(y)) {
			return nil
		}
		return seg
	}
	return nil
}

func (w *postFINAckRST) tell(outcome string, culprit, x reassembly.Side, ack, rst *reassembly.Mark, r *detectors.Report) {
	y := x.Peer()
	evidence := []detectors.Evidence{
		r.Evidence("FIN of "+r.Name(x), x, &w.fin[x]),
		r.Evidence("FIN of "+r.Name(y), y, &w.fin[y]),
		r.Evidence("first ACK of that FIN", x, &w.finAck[y]),
	}
	if outcome == "redundant-ack" {
		evidence = append(evidence, r.Evidence("redundant ACK", x, ack))
	}
	evidence = append(evidence, r.Evidence("RST", y, rst))
	f := r.FindNamed(outcome, culprit, rst.At, evidence...)
	f.Roles = []detectors.Role{{Name: "acker", Side: x}, {Name: "resetter", Side: y}}
	f.Measure("ack_to_rst_s", detectors.Seconds(rst.At-ack.At))
	f.Measure("bytes_at_risk", int(r.Old.Recent(y, rst.At)))
	if outcome == "redundant-ack" {
		f.Measure("after_first_ack_s", detectors.Seconds(ack.At-w.finAck[y].At))
		f.Message = fmt.Sprintf("%s had acknowledged the FIN of %s (frame %d), which was then CLOSED; %s later it acknowledged "+
			"it once more, uncalled for (frame %d), and met a RST %s after that (frame %d). An application on %s that was "+
			"still reading may get a connection reset instead of the last data.",
			r.Name(x), r.Name(y), w.finAck[y].Frame, detectors.Span(ack.At-w.finAck[y].At), ack.Frame, detectors.Span(rst.At-ack.At), rst.Frame, r.Name(x))
	} else {
		f.Message = fmt.Sprintf("%s sent FIN (frame %d) and answered its very first acknowledgment (frame %d) with RST (frame %d): "+
			"it had thrown the connection away instead of waiting in LAST_ACK.",
			r.Name(y), w.fin[y].Frame, ack.Frame, rst.Frame)
	}
	if outcome == "redundant-ack" && f.Limits&fsm.Copies != 0 && ack.At-w.finAck[y].At <= int64(fsm.CopyTime) {
		f.Undecide("copies: the two ACKs are alike and may be one, captured twice; or the FIN came twice, and each had to be acknowledged")
	}
	if rst.Flags&reassembly.ACK != 0 {
		w.withACK = *rst
	}
	r.Emit(f)
}
