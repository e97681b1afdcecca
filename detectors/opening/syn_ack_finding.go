package opening

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/loopback"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is reported of a handshake that stalls after the SYN-ACK.

// An account is what a finding says of the connection as it was at trace time now. Most connections go on as if nothing had been, so that their
// finding is drafted: see [detectors.Report.Draft].
type account struct {
	outcome  *detectors.Outcome
	at, now  int64 // when it could be said, and when it is
	states   [2]fsm.State
	unacked  uint32 // payload of the client that is not acknowledged, in bytes
	shown    bool   // see shown
	captured bool   // the SYN
}

// findings has room for what is written.
var findings detectors.Spare[detectors.Finding]

// report reports how things stand at trace time now.
func (w *synAckUnanswered) report(outcome *detectors.Outcome, at, now int64, r *detectors.Report) {
	a := account{outcome: outcome, at: at, now: now, states: r.Before, unacked: w.unackedBytes(r), shown: w.shown(r)}
	if _, a.captured = r.Conn.SYNOptions(w.client); w.rst.At == 0 {
		a.states = r.StatesNow(now)
	}
	f := findings.Take()
	defer findings.Give(f)
	*f = r.Sketch(outcome, w.culprit(outcome))
	w.qualify(f, &a, r)
	if r.Draft(f, &w.synAck) {
		if w.drafted == nil {
			w.drafted = new(account)
		}
		*w.drafted = a
	} else {
		w.drafted = nil
		w.write(f, &a, r)
		w.qualify(f, &a, r)
		r.Emit(*f)
	}
	w.reported, w.reportedAt = outcome, at
}

// complete writes what is drafted, before what it says changes.
func (w *synAckUnanswered) complete(r *detectors.Report) {
	a := w.drafted
	if a == nil {
		return
	}
	w.drafted = nil
	if drafted := r.Drafted(&w.synAck); drafted != nil {
		f := findings.Take()
		w.write(f, a, r)
		r.Complete(f, drafted)
		findings.Give(f)
	}
}

func (w *synAckUnanswered) culprit(outcome *detectors.Outcome) reassembly.Side {
	if w.ignored > 0 || outcome == synAckNotRepeated {
		return w.client.Peer()
	}
	return w.client
}

// write writes the finding.
func (w *synAckUnanswered) write(f *detectors.Finding, a *account, r *detectors.Report) {
	server := w.client.Peer()
	evidence := append(make([]detectors.Evidence, 0, 4), r.Evidence("SYN-ACK", server, &w.synAck))
	add := func(role string, side reassembly.Side, m *reassembly.Mark) {
		if m.At != 0 {
			evidence = append(evidence, r.Evidence(role, side, m))
		}
	}
	if w.early() {
		add(w.roleOfACK(), w.client, &w.ack)
	}
	add("SYN, last repeat", w.client, &w.syn)
	add("SYN-ACK, last repeat", server, &w.last)
	if w.early() {
		add("the server continues", server, &w.end)
	} else {
		add("acknowledged in the end", w.client, &w.ack)
	}
	add("the server gives up", server, &w.rst)
	if a.outcome != synAckRecovered {
		add("the client gives up", w.client, &w.left)
	}
	*f = r.Find(a.outcome, w.culprit(a.outcome), a.at, evidence...)
	until := w.until(a)
	f.End, f.States = max(a.now, until), a.states
	waited := until - w.synAck.At
	f.Roles = detectors.Roles("client", w.client, "server")
	f.Measure("repeats", w.often())
	f.Measure("syn_repeats", w.synRepeats)
	f.Measure("acks_ignored", w.ignored)
	f.Measure("unacked_bytes", int(a.unacked))
	f.Measure("waited_s", detectors.Seconds(waited))
	f.Message = w.message(a, waited, r)
	switch {
	case a.outcome == synAckRecovered && !w.early() && loopback.Is(r.Conn):
		f.Cause, f.Action = loopback.CauseACK, loopback.ActionACK
		f.Message += loopback.Said
	case a.outcome == synAckRecovered && w.early() && w.beyond:
		f.Cause, f.Action = causeUnsent, actionUnsent
	case a.outcome == synAckLostOrIgnored && w.arrived:
		f.Cause, f.Action = causeArrived, actionArrived
	case w.held(a):
		f.Cause, f.Action = causeHeld, actionHeld
	}
}

// held reports whether the first SYN-ACK arrived, and its ACK was late, or lost.
func (w *synAckUnanswered) held(a *account) bool {
	return a.outcome == synAckRecovered && w.got1st && !w.early() && !w.other
}

// unreached reports whether the client sent its SYN again so long after the first SYN-ACK had passed that this should have arrived: a timeout at
// least, and longer than its ACK took in the end.
func (w *synAckUnanswered) unreached() bool {
	since, latest := w.syn.At-w.synAck.At, &w.synAck
	if w.repeats > 0 {
		latest = &w.last
	}
	return w.synRepeats > 0 && since >= int64(time.Second) && w.ack.At-latest.At < since
}

// until is how long somebody waited.
func (w *synAckUnanswered) until(a *account) int64 {
	until := a.now
	if a.outcome == synAckRecovered {
		until = w.last.At
	}
	switch {
	case !w.early() && w.ack.At != 0:
		until = w.ack.At
	case w.early() && w.end.At != 0 && w.waits():
		until = w.end.At
	}
	if w.left.At != 0 && a.outcome != synAckRecovered {
		until = min(until, w.left.At)
	}
	return until
}

// qualify sets the verdict and the severity.
func (w *synAckUnanswered) qualify(f *detectors.Finding, a *account, r *detectors.Report) {
	left, waited := w.Limit(0, r)-a.now, w.until(a)-w.synAck.At
	switch {
	case w.ignored == 1 && w.end.At == 0 && left > 0:
		f.Undecide(fmt.Sprintf("the capture ends %s before the next SYN-ACK would be overdue", detectors.Span(left)))
	case w.early() && !a.shown:
		f.Undecide(fmt.Sprintf("nothing shows that the server did not take the ACK: it may wait for data before it accepts (TCP_DEFER_ACCEPT), which is normal, "+
			"or the repeated SYN-ACK (frame %d) had left before the ACK arrived", w.last.Frame))
	case a.outcome == synAckRecovered && w.begins(r) > 0:
		f.Undecide(fmt.Sprintf("the first ACK that was captured (frame %d) follows %s that were not: the client had acknowledged before",
			w.ack.Frame, detectors.Counted(w.begins(r), "byte", "bytes")))
	case a.outcome == synAckRecovered:
		if waited >= r.Nanos("costly") && (!w.early() || w.waits()) {
			f.Severity = detectors.Warning
		}
	case w.reported != a.outcome && left > 0 && w.ignored < 2:
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer would be overdue", detectors.Span(left)))
	case r.Conn.Packets(w.client) == 0:
		f.Undecide("one-sided: nothing from the client was captured, not even its SYN")
	case w.ignored < 2:
		r.Absence(f, w.synAck.At)
	}
}

// begins is how many bytes of the client precede its first ACK that was captured.
func (w *synAckUnanswered) begins(r *detectors.Report) uint32 {
	if out := r.Conn.Stream(w.client); w.ack.At != 0 && out.Knows(reassembly.KnowISS) {
		return uint32(max((out.ISS + 1).To(w.ack.Seq), 0))
	}
	return 0
}

// waits reports whether somebody waited while the ACK was missing: data of the client, or, where more than one was, a
// server that speaks first.
func (w *synAckUnanswered) waits() bool {
	return w.unread || w.ignored > 1 && w.greets
}

// early reports whether the ACK was captured before the SYN-ACK came again. If none was ignored for sure, that may have left before
// the ACK arrived.
func (w *synAckUnanswered) early() bool {
	return w.ignored > 0 || w.repeats > 0 && w.ack.At != 0 && w.ack.At < w.last.At
}

// notHeeded is what it means that the SYN-ACK came again although it had been acknowledged, and nothing follows: the repeat
// echoes the SYN's timestamp both where the ACK was lost and where Linux 6.18 ignored it (samples/real/accept-queue-full).
func (w *synAckUnanswered) notHeeded(r *detectors.Report) *detectors.Outcome {
	if w.got(r) {
		return synAckQueueFull
	}
	return synAckLostOrIgnored
}

// unackedBytes is how much payload of the client is not acknowledged.
func (w *synAckUnanswered) unackedBytes(r *detectors.Report) uint32 {
	n := w.inFlight(r)
	if _, sent := r.Conn.FIN(w.client); sent && n > 0 && r.Conn.Phase(w.client) != fsm.PhaseFinAcked {
		n-- // the FIN
	}
	return n
}

// continued says when the server continued, if it has.
func (w *synAckUnanswered) continued() string {
	if w.end.At == 0 {
		return ""
	}
	return fmt.Sprintf(" The server continued after %s (frame %d).", detectors.Span(w.end.At-w.synAck.At), w.end.Frame)
}

func (w *synAckUnanswered) message(a *account, waited int64, r *detectors.Report) string {
	outcome := a.outcome
	client, server := r.Name(w.client), r.Name(w.client.Peer())
	least := w.orMore()
	m := fmt.Sprintf("%s answered the SYN of %s with SYN-ACK (frame %d)", server, client, w.synAck.Frame) + again(w.often(), &w.synAck, &w.last, least)
	switch {
	case outcome == synAckQueueFull || outcome == synAckLostOrIgnored:
		m += fmt.Sprintf(", although %s had acknowledged it (%s). ", client, w.acked())
		if n := a.unacked; n > 0 {
			m += detectors.Counted(n, "byte from "+client+" is", "bytes from "+client+" are") + " not acknowledged either. "
		}
		switch {
		case outcome == synAckQueueFull:
			m += "The ACK was ignored: the server's accept queue is full."
		case w.arrived:
			m += fmt.Sprintf("An ACK had arrived, as frame %d echoes a later timestamp than that of the SYN. What followed is lost or held up beyond the capture point, or the server ignores it.", w.last.Frame)
		default:
			m += "What the client sends is lost or held up beyond the capture point, or the server ignores it."
		}
		m += w.continued()
	case outcome == synAckSYNRepeated:
		m += fmt.Sprintf(", but %s repeated its SYN %s (last in frame %d) and acknowledged nothing in %s: no SYN-ACK reaches its TCP.",
			client, moreTimes(w.synRepeats, w.synMore), w.syn.Frame, detectors.Span(waited))
	case outcome == synAckNotRepeated:
		m += fmt.Sprintf(" and never repeated it, though no ACK came and %s repeated its SYN %s (last in frame %d).", client, moreTimes(w.synRepeats, w.synMore), w.syn.Frame)
	case outcome == synAckNoACK && w.tooMany():
		m += fmt.Sprintf(", and %s repeated its SYN %s%s (last in frame %d), more often than any TCP does: a program that makes its own segments.",
			client, least, moreTimes(w.synRepeats, w.synMore), w.syn.Frame)
	case outcome == synAckNoACK:
		m += fmt.Sprintf(". Nothing came from %s on this connection in %s.", client, detectors.Span(waited))
	case w.early() && w.beyond:
		m += w.unsentSentence(client) + w.continued()
	case w.early():
		m += fmt.Sprintf(", although %s had acknowledged it (%s): ", client, w.acked())
		switch {
		case w.arrived:
			m += fmt.Sprintf("that ACK arrived and was ignored at first, as frame %d echoes a later timestamp than that of the SYN.", w.last.Frame)
		case w.ignored > 1:
			m += "what the client sent was lost, held up, or ignored at first." + w.continued()
		case !a.shown:
			m += "that ACK was lost, held up, or ignored at first, or the repeated SYN-ACK had left before it arrived."
		default:
			m += "that ACK was lost, held up, or ignored at first." + w.continued()
		}
	case w.other:
		m += fmt.Sprintf("; %s repeated its SYN %s and acknowledged another SYN-ACK, with another initial sequence number, %s after the first (frame %d).",
			client, moreTimes(w.synRepeats, w.synMore), detectors.Span(waited), w.ack.Frame)
	case w.synRepeats > 0:
		m += fmt.Sprintf("; %s repeated its SYN %s and acknowledged the SYN-ACK in the end, %s after the first SYN-ACK (frame %d).",
			client, moreTimes(w.synRepeats, w.synMore), detectors.Span(waited), w.ack.Frame)
	default:
		m += fmt.Sprintf("; %s acknowledged it in the end, %s after the first (frame %d).", client, detectors.Span(waited), w.ack.Frame)
	}
	if outcome == synAckRecovered && !w.other && !w.early() && w.unreached() {
		m += fmt.Sprintf(" The first SYN-ACK had passed the capture point %s before the SYN in frame %d did, and had not reached the TCP of %s when that was sent: it was lost or held up between the two, or the SYN was held up.",
			detectors.Span(w.syn.At-w.synAck.At), w.syn.Frame, client)
	}
	if w.held(a) {
		m += " That ACK echoes the timestamp of the first SYN-ACK, which arrived: it was held up, or its ACK was held up or lost."
	}
	if !a.captured && w.repeats > 0 && outcome != synAckNoACK {
		m += " The SYN was not captured: the SYN-ACK may have been sent more often, and for longer."
	}
	if w.rst.At != 0 {
		m += fmt.Sprintf(" Then %s gave up with RST (frame %d).", server, w.rst.Frame)
	}
	if w.left.At != 0 && outcome != synAckRecovered {
		m += fmt.Sprintf(" Then %s gave up with RST (frame %d).", client, w.left.Frame)
	}
	return m
}
