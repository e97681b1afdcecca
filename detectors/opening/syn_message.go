package opening

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// tell reports how things stand at trace time now.
func (w *synUnanswered) tell(outcome string, at, now int64, r *detectors.Report) {
	server := w.client.Peer()
	evidence := []detectors.Evidence{r.Evidence("SYN", w.client, &w.syn)}
	if w.repeats > 0 {
		evidence = append(evidence, r.Evidence("SYN, the last repeat", w.client, &w.last))
	}
	culprit := server
	switch outcome {
	case "new-isn":
		culprit = w.client
		evidence = append(evidence, r.Evidence("SYN with another ISN", w.client, &w.renewed))
	case "answered-late", "timestamps":
		evidence = append(evidence, r.Evidence("answer", server, &w.answer))
	}
	f := r.FindNamed(outcome, culprit, at, evidence...)
	f.States, f.End = r.StatesNow(now), now
	f.Roles = []detectors.Role{{Name: "client", Side: w.client}, {Name: "server", Side: server}}
	f.Measure("repeats", w.repeats)
	f.Measure("waited_s", detectors.Seconds(now-w.syn.At))
	if w.repeats > 0 {
		f.Measure("last_interval_s", detectors.Seconds(w.last.At-w.before))
	}
	f.Message = w.message(outcome, now, r)
	switch outcome {
	case "answered-late":
		if now-w.syn.At >= int64(r.Value("costly")*float64(time.Second)) {
			f.Severity = detectors.Warning
		}
	case "no-answer":
		if w.said == 0 {
			f.Undecide(fmt.Sprintf("the capture ends %s before the second SYN has had its time to be answered", detectors.Span(w.deadline(r)-now)))
		}
	}
	if f.Verdict == detectors.Seen {
		r.Absence(&f, w.syn.At)
	}
	r.Emit(f)
}

// message is the sentence for the ticket.
func (w *synUnanswered) message(outcome string, now int64, r *detectors.Report) string {
	client, server := r.Name(w.client), r.Name(w.client.Peer())
	m := fmt.Sprintf("%s sent SYN to %s (frame %d)", client, server, w.syn.Frame)
	if w.repeats > 0 {
		m += fmt.Sprintf(", and again %s, the last time %s later (frame %d)", times(w.repeats), detectors.Span(w.last.At-w.syn.At), w.last.Frame)
	}
	switch waited := detectors.Span(now - w.syn.At); outcome {
	case "new-isn":
		return m + fmt.Sprintf("; unanswered, it sent one with another initial sequence number on the same ports %s after the first (frame %d). "+
			"To whoever has seen the first, that is another connection.", waited, w.renewed.Frame)
	case "timestamps":
		return m + fmt.Sprintf(". The first %s offered timestamps and met silence; the first without (frame %d) was answered within %s "+
			"(frame %d). The connection took %s to open.",
			many(w.bare, "SYN"), w.last.Frame, detectors.Span(w.answer.At-w.last.At), w.answer.Frame, waited)
	case "answered-late":
		m += fmt.Sprintf(". The answer came %s after the first (frame %d).", waited, w.answer.Frame)
		if w.slow {
			m += " It echoes the timestamp of an earlier SYN than the last: that one arrived, and the answer was slow."
		}
		return m
	default:
		return m + fmt.Sprintf(". Nothing came back in %s.", waited)
	}
}

// times counts in words: "once", "twice", "3 times".
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// many counts things: "1 SYN", "3 SYNs".
func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
