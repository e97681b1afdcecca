package opening

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// tell reports how things stand at trace time now.
func (w *synAckUnanswered) tell(outcome string, at, now int64, r *detectors.Report) {
	server := w.client.Peer()
	culprit := w.client
	evidence := []detectors.Evidence{r.Evidence("SYN-ACK", server, &w.synAck)}
	add := func(role string, side reassembly.Side, m *reassembly.Mark) {
		if m.At != 0 {
			evidence = append(evidence, r.Evidence(role, side, m))
		}
	}
	if w.ignored > 0 {
		culprit = server
		add("acknowledged", w.client, &w.ack)
	}
	add("SYN, the last repeat", w.client, &w.syn)
	add("SYN-ACK, the last repeat", server, &w.last)
	until := now
	if outcome == "recovered" {
		until = w.last.At
	}
	if w.ignored == 0 {
		add("acknowledged at last", w.client, &w.ack)
		if w.ack.At != 0 {
			until = w.ack.At
		}
	}
	if w.ignored > 0 {
		add("the server goes on", server, &w.end)
		if w.end.At != 0 && w.waiting {
			until = w.end.At
		}
	}
	if outcome == "not-repeated" {
		culprit = server
	}
	add("the server gives up", server, &w.rst)
	f := r.FindNamed(outcome, culprit, at, evidence...)
	if f.End = max(now, until); w.rst.At == 0 {
		f.States = r.StatesNow(now)
	}
	f.Roles = []detectors.Role{{Name: "client", Side: w.client}, {Name: "server", Side: server}}
	f.Measure("repeats", w.repeats)
	f.Measure("syn_repeats", w.asked)
	f.Measure("acks_ignored", w.ignored)
	f.Measure("unacked_bytes", int(r.Old.Stream(w.client).InFlight()))
	f.Measure("waited_s", detectors.Seconds(until-w.synAck.At))
	f.Message = w.message(outcome, until-w.synAck.At, r)
	if w.rst.At != 0 {
		f.Message += fmt.Sprintf(" Then %s gave up, with RST (frame %d).", r.Name(server), w.rst.Frame)
	}
	switch {
	case w.ignored == 1 && w.end.At == 0 && now < w.deadline(r):
		f.Undecide(fmt.Sprintf("the capture ends %s before the next SYN-ACK would be overdue", detectors.Span(w.deadline(r)-now)))
	case outcome == "recovered":
		if until-w.synAck.At >= int64(r.Value("costly")*float64(time.Second)) && (w.ignored == 0 || w.waiting) {
			f.Severity = detectors.Warning
		}
	case w.said != outcome && now < w.deadline(r) && w.ignored < 2:
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer would be overdue", detectors.Span(w.deadline(r)-now)))
	case r.Old.Packets(w.client) == 0:
		f.Undecide("one-sided: nothing of the client was captured, not even its SYN")
	case w.ignored < 2:
		r.Absence(&f, w.synAck.At)
	}
	w.said, w.saidAt = outcome, at
	r.Emit(f)
}

// message is the sentence for the ticket.
func (w *synAckUnanswered) message(outcome string, waited int64, r *detectors.Report) string {
	client, server := r.Name(w.client), r.Name(w.client.Peer())
	m := fmt.Sprintf("%s answered the SYN of %s with SYN-ACK (frame %d)", server, client, w.synAck.Frame)
	if w.repeats > 0 {
		m += fmt.Sprintf(", and again %s, the last time %s later (frame %d)", times(w.repeats), detectors.Span(w.last.At-w.synAck.At), w.last.Frame)
	}
	switch outcome {
	case "accept-queue-full":
		m += fmt.Sprintf(", although %s had acknowledged it (frame %d). ", client, w.ack.Frame)
		if n := r.Old.Stream(w.client).InFlight(); n > 0 {
			m += fmt.Sprintf("%s of %s are not acknowledged either. ", many(int(n), "byte"), client)
		}
		m += "The ACK did not count: the server's accept queue is full, or what the client sends is lost behind the capture point."
		if w.end.At != 0 {
			m += fmt.Sprintf(" After %s the server went on (frame %d).", detectors.Span(w.end.At-w.synAck.At), w.end.Frame)
		}
	case "syn-repeated":
		m += fmt.Sprintf(", but %s repeated its SYN %s (the last: frame %d) and acknowledged nothing in %s: no SYN-ACK reaches it.",
			client, times(w.asked), w.syn.Frame, detectors.Span(waited))
	case "not-repeated":
		m += fmt.Sprintf(" and never repeated it, though no ACK came and %s repeated its SYN %s (the last: frame %d).", client, times(w.asked), w.syn.Frame)
	case "ack-missing":
		m += fmt.Sprintf(". Nothing came from %s in %s.", client, detectors.Span(waited))
	default:
		switch {
		case w.ignored > 0:
			m += fmt.Sprintf(", although %s had acknowledged it (frame %d): that ACK was lost, or did not count yet.", client, w.ack.Frame)
		case w.asked > 0:
			m += fmt.Sprintf("; %s repeated its SYN %s and acknowledged at last, %s after the first SYN-ACK (frame %d).",
				client, times(w.asked), detectors.Span(waited), w.ack.Frame)
		default:
			m += fmt.Sprintf("; %s acknowledged at last, %s after the first (frame %d).", client, detectors.Span(waited), w.ack.Frame)
		}
	}
	return m
}
