package opening

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

var wrongAnswerParams = []detectors.Param{
	{Name: "patience", Default: 3, Min: 0.5, Max: 3600, Unit: "s", Doc: "how long to wait for the right answer after the last SYN or wrong answer"},
	{Name: "costly", Default: 3, Min: 0, Max: 3600, Unit: "s", Doc: "delay of the right answer from which the finding is a warning"},
}

var wrongAnswerEvents = fsm.On(fsm.SynChallenged, fsm.SynMisacked, fsm.ChallengeRst, fsm.SynResent, fsm.SynAcked, fsm.ResetSent)

// A wrongAnswer follows a SYN whose answer does not acknowledge it, until one does.
type wrongAnswer struct {
	kind             fsm.Kind // SynChallenged or SynMisacked
	connected, stuck *detectors.Outcome

	due        [1]detectors.Deadline // the right answer, since the latest SYN, wrong answer or RST
	client     reassembly.Side
	syn        reassembly.Mark // that met the first wrong answer: the anchor
	wrong      reassembly.Mark // the first wrong answer
	rst        reassembly.Mark // the client's first RST in answer to one
	answer     reassembly.Mark // the right one
	answers    int             // wrong ones
	resets     int
	repeats    int   // SYNs since the first
	asked      bool  // a SYN came after the last RST
	reportedAt int64 // when stuck could first be said
}

func (w *wrongAnswer) Event(ev fsm.Event, r *detectors.Report) {
	due, at := &w.due[0], ev.Seg.At
	switch {
	case ev.Kind == w.kind && w.answers == 0:
		w.client, w.syn, w.wrong, w.answers = ev.Side, *ev.Was, reassembly.MarkOf(ev.Seg), 1
		due.Arm(at, r)
	case !due.Armed():
	case ev.Kind == w.kind:
		w.answers++
		due.Extend(at, r)
	case ev.Kind == fsm.ChallengeRst:
		w.asked = false
		if w.resets++; w.resets == 1 {
			w.rst = reassembly.MarkOf(ev.Seg)
		}
		due.Extend(at, r)
	case ev.Kind == fsm.SynResent && ev.Side == w.client:
		w.repeats++
		w.asked = true
		due.Extend(at, r)
	case ev.Kind == fsm.SynAcked && ev.Side == w.client && ev.Seg.Flags.Has(reassembly.SYN):
		due.Disarm()
		w.answer = reassembly.MarkOf(ev.Seg)
		if w.wrong.IPID != 0 && w.wrong.IPID == w.answer.IPID && w.resets == 0 { // one packet, captured on both sides of a device that rewrites sequence numbers
			return
		}
		f := w.finding(w.connected, at, at, r)
		if at-w.syn.At >= r.Nanos("costly") {
			f.Severity = detectors.Warning
		}
		r.Emit(f)
	// The connection went on, and the capture lacks the right SYN-ACK, or shows it
	// garbled; or the server refused it.
	case ev.Kind == fsm.SynAcked && ev.Side == w.client, ev.Kind == fsm.ResetSent && ev.Side != w.client:
		due.Satisfy(r)
	}
}

func (w *wrongAnswer) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when the right answer is overdue.
func (w *wrongAnswer) Limit(_ int, r *detectors.Report) int64 {
	return w.due[0].Since() + r.Nanos("patience")
}

// Overdue reports that no right answer came, if there is a client that it should come
// to. A SYN that was forged, to hit a live connection, is not sent again, and nobody
// resets what answers it.
func (w *wrongAnswer) Overdue(_ int, o detectors.Overdue, r *detectors.Report) {
	if w.resets+w.repeats == 0 {
		return
	}
	first := !w.due[0].Reported()
	if first {
		w.reportedAt = o.At
	}
	f := w.finding(w.stuck, w.reportedAt, o.Now, r)
	if first && o.Short > 0 {
		f.Undecide(fmt.Sprintf("the capture ends %s before the right answer would be overdue", detectors.Span(o.Short)))
	} else if w.kind == fsm.SynChallenged && w.answers == 1 && w.resets > 0 && !w.asked { // the RST clears the way for the next SYN (RFC 9293 3.5.1)
		f.Undecide("the client sent no SYN after its RST: nothing shows whether that ended the old connection")
	} else {
		r.Absence(&f, w.syn.At)
	}
	w.due[0].Emit(f, r)
}

// finding is how things stand at trace time now.
func (w *wrongAnswer) finding(outcome *detectors.Outcome, at, now int64, r *detectors.Report) detectors.Finding {
	client, server := r.Name(w.client), r.Name(w.client.Peer())
	role := "SYN-ACK that does not acknowledge it"
	m := fmt.Sprintf("%s sent SYN (frame %d), and %s answered with a SYN-ACK that acknowledges something else (frame %d).", client, w.syn.Frame, server, w.wrong.Frame)
	stray := w.kind == fsm.SynChallenged && outcome == w.connected && w.repeats == 0
	if w.kind == fsm.SynChallenged {
		role = "ACK that does not fit the SYN"
		m = fmt.Sprintf("%s sent SYN (frame %d), and %s answered with an ACK whose numbers do not fit the SYN (frame %d)",
			client, w.syn.Frame, server, w.wrong.Frame)
		if !stray {
			m += ", as if it still had another connection on these ports"
		}
		m += "."
	}
	evidence := []detectors.Evidence{r.Evidence("SYN", w.client, &w.syn), r.Evidence(role, w.client.Peer(), &w.wrong)}
	if w.resets > 0 {
		evidence = append(evidence, r.Evidence("RST in answer to that", w.client, &w.rst))
		m += fmt.Sprintf(" %s answered that with RST (frame %d).", client, w.rst.Frame)
	}
	if w.answers > 1 {
		m += fmt.Sprintf(" This happened %s in all.", detectors.Times(w.answers))
	}
	waited := now - w.syn.At
	if outcome == w.connected {
		evidence = append(evidence, r.Evidence("the right answer", w.client.Peer(), &w.answer))
		m += fmt.Sprintf(" The right SYN-ACK came %s after the SYN (frame %d)", detectors.Span(waited), w.answer.Frame)
		if stray {
			m += ", which was not captured again: the server seems to have had no other connection on these ports"
		}
		m += "."
	} else {
		m += fmt.Sprintf(" No right SYN-ACK came in %s.", detectors.Span(waited))
	}
	f := r.Find(outcome, w.client.Peer(), at, evidence...)
	f.States, f.End = r.StatesNow(now), now
	f.Roles = detectors.Roles("client", w.client, "server")
	f.Measure("wrong_answers", w.answers)
	f.Measure("resets", w.resets)
	f.Measure("syn_repeats", w.repeats)
	f.Measure("waited_s", detectors.Seconds(waited))
	if f.Message = m; stray {
		f.Cause, f.Action = causeStray, actionStray
	}
	return f
}

// causeStray and actionStray are said where the SYN that met an ACK got its SYN-ACK, too.
const (
	causeStray  = "An ACK of an older connection on these ports was held up on the path, or another device or host answers for the address, too: one that still has a connection does not answer the SYN (RFC 5961 4.2)."
	actionStray = "No action needed unless it happens often: then compare TTL, IP ID and link-layer address of the ACK with those of the SYN-ACK to see who sent it."
)
