package opening

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

var misanswerParams = []detectors.Param{
	{Name: "patience", Default: 3, Min: 0.5, Max: 3600, Unit: "s", Doc: "how long after the last SYN, or its wrong answer, the right one may still come"},
	{Name: "costly", Default: 3, Min: 0, Max: 3600, Unit: "s", Doc: "how late the right answer must come to be a warning"},
}

var misanswerEvents = fsm.On(fsm.SynChallenged, fsm.SynMisacked, fsm.ChallengeRst, fsm.SynResent, fsm.SynAcked, fsm.ResetSent)

// A misanswer follows a SYN that met an answer which does not acknowledge it,
// until it meets one that does.
type misanswer struct {
	kind    fsm.Kind // SynChallenged or SynMisacked
	client  reassembly.Side
	syn     reassembly.Mark // that met the first of them
	wrong   reassembly.Mark // the first of them
	rst     reassembly.Mark // the client's answer to it
	answer  reassembly.Mark
	times   int
	resets  int
	renewed int   // SYNs since the first
	last    int64 // the latest of all
	said    int64
	done    bool
}

func (w *misanswer) Event(ev fsm.Event, r *detectors.Report) {
	switch {
	case w.done:
	case ev.Kind == w.kind:
		if w.times++; w.times == 1 {
			w.client, w.syn, w.wrong = ev.Side, *ev.Was, reassembly.MarkOf(ev.Seg)
		}
		w.goesOn(ev, r)
	case w.times == 0:
	case ev.Kind == fsm.ChallengeRst:
		if w.resets++; w.resets == 1 {
			w.rst = reassembly.MarkOf(ev.Seg)
		}
		w.goesOn(ev, r)
	case ev.Kind == fsm.SynResent && ev.Side == w.client:
		w.renewed++
		w.goesOn(ev, r)
	case ev.Kind == fsm.SynAcked && ev.Side == w.client && ev.Seg.Flags.Has(reassembly.SYN):
		w.done, w.answer = true, reassembly.MarkOf(ev.Seg)
		w.tell("connected", ev.Seg.At, ev.Seg.At, r)
	// They went on, and the capture lacks the right SYN-ACK, or shows it garbled.
	case ev.Kind == fsm.SynAcked && ev.Side == w.client, ev.Kind == fsm.ResetSent && ev.Side != w.client: // refused
		w.done = true
		if w.said != 0 {
			r.Withdraw(w.syn.File, w.syn.Frame)
		}
	}
}

// goesOn notes that the right answer has its time from here on.
func (w *misanswer) goesOn(ev fsm.Event, r *detectors.Report) {
	w.last = ev.Seg.At
	r.WakeAt(w.deadline(r))
}

func (w *misanswer) deadline(r *detectors.Report) int64 {
	return w.last + int64(r.Value("patience")*float64(time.Second))
}

// minded says whether there is a client that the answer came to. A SYN that was
// forged, to hit a connection that runs, is not sent again, and nobody resets
// what answers it.
func (w *misanswer) minded() bool { return w.resets+w.renewed > 0 }

func (w *misanswer) Due(now int64, r *detectors.Report) {
	if w.done || w.said != 0 || !w.minded() {
		return
	}
	if at := w.deadline(r); at > now {
		r.WakeAt(at)
	} else {
		w.said = at
		w.tell("stuck", at, now, r)
	}
}

func (w *misanswer) End(e detectors.Ending, r *detectors.Report) {
	switch {
	case w.done || w.times == 0 || !w.minded():
	case w.said != 0:
		w.tell("stuck", w.said, e.At, r)
	default:
		w.tell("stuck", e.At, e.At, r)
	}
}

// tell reports how things stand at trace time now.
func (w *misanswer) tell(outcome string, at, now int64, r *detectors.Report) {
	server := w.client.Peer()
	evidence := []detectors.Evidence{r.Evidence("SYN", w.client, &w.syn)}
	if w.kind == fsm.SynChallenged {
		evidence = append(evidence, r.Evidence("ACK of another connection", server, &w.wrong))
	} else {
		evidence = append(evidence, r.Evidence("SYN-ACK of something else", server, &w.wrong))
	}
	if w.resets > 0 {
		evidence = append(evidence, r.Evidence("the client's answer to that", w.client, &w.rst))
	}
	if outcome == "connected" {
		evidence = append(evidence, r.Evidence("the right answer", server, &w.answer))
	}
	f := r.FindNamed(outcome, server, at, evidence...)
	f.States, f.End = r.StatesNow(now), now
	f.Roles = []detectors.Role{{Name: "client", Side: w.client}, {Name: "server", Side: server}}
	f.Measure("wrong_answers", w.times)
	f.Measure("resets", w.resets)
	f.Measure("syn_repeats", w.renewed)
	f.Measure("waited_s", detectors.Seconds(now-w.syn.At))
	f.Message = w.message(outcome, now, r)
	switch {
	case outcome == "connected":
		if now-w.syn.At >= int64(r.Value("costly")*float64(time.Second)) {
			f.Severity = detectors.Warning
		}
	case w.said == 0:
		f.Undecide(fmt.Sprintf("the capture ends %s before the right answer would be overdue", detectors.Span(w.deadline(r)-now)))
	default:
		r.Absence(&f, w.syn.At)
	}
	r.Emit(f)
}

func (w *misanswer) message(outcome string, now int64, r *detectors.Report) string {
	client, server := r.Name(w.client), r.Name(w.client.Peer())
	m := fmt.Sprintf("%s sent SYN (frame %d), and %s answered ", client, w.syn.Frame, server)
	if w.kind == fsm.SynChallenged {
		m += fmt.Sprintf("with an ACK whose numbers are another connection's (frame %d): it still has one on these ports.", w.wrong.Frame)
	} else {
		m += fmt.Sprintf("with a SYN-ACK that acknowledges something else (frame %d).", w.wrong.Frame)
	}
	if w.resets > 0 {
		m += fmt.Sprintf(" %s answered that with RST (frame %d).", client, w.rst.Frame)
	}
	if w.times > 1 {
		m += fmt.Sprintf(" That happened %s in all.", times(w.times))
	}
	if outcome == "connected" {
		return m + fmt.Sprintf(" The right SYN-ACK came %s after the SYN (frame %d).", detectors.Span(now-w.syn.At), w.answer.Frame)
	}
	return m + fmt.Sprintf(" No right SYN-ACK has come in %s.", detectors.Span(now-w.syn.At))
}
