package opening

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// isOnly reports whether nothing but the last segment came in the server's name: the first may have come before
// the SYN was repeated, and nobody counted then.
func (w *synUnanswered) isOnly(r *detectors.Report) bool { return r.Conn.Packets(w.client.Peer()) == 1 }

// some is one or the other, by how many came.
func (w *synUnanswered) some(one, several string, r *detectors.Report) string {
	if w.isOnly(r) {
		return one
	}
	return several
}

// finding is how things stand at trace time now.
func (w *synUnanswered) finding(outcome *detectors.Outcome, at, now int64, r *detectors.Report) detectors.Finding {
	server := w.client.Peer()
	evidence := []detectors.Evidence{r.Evidence("SYN", w.client, &w.syn)}
	if w.repeats > 0 {
		evidence = append(evidence, r.Evidence("SYN, last repeat", w.client, &w.last))
	}
	culprit := server
	switch {
	case outcome == synRefusedByICMP && w.refusesSource():
		culprit = w.client
	case outcome == synNewISN:
		culprit = w.client
		evidence = append(evidence, r.Evidence("SYN with another ISN", w.client, &w.renewed))
	case outcome == synAnsweredLate:
		evidence = append(evidence, r.Evidence("answer", server, &w.answer))
	}
	evidence = append(evidence, w.icmp.Evidence()...)
	f := r.Find(outcome, culprit, at, evidence...)
	f.States, f.End = r.StatesNow(now), now
	if w.clock.held != 0 {
		f.States = w.states
	}
	f.Unheard, f.Asker = outcome == synNoAnswer && w.others == 0 && !w.staysOnLink(r), r.Asker(w.client) // else the address is reason enough
	f.Unanswered = f.Unheard
	syn, _ := r.Conn.SYNOptions(w.client)
	f.Stamped = syn.Has&mayBeStamped != 0
	f.Tried = outcome == synNoAnswer || outcome == synRefusedByICMP && !w.traces(r)
	f.Roles = detectors.Roles("client", w.client, "server")
	f.Measure("repeats", w.repeats)
	f.Measure("waited_s", detectors.Seconds(now-w.syn.At))
	if w.repeats > 0 {
		f.Measure("last_interval_s", detectors.Seconds(w.last.At-w.before))
	}
	w.icmp.Measure(&f)
	f.Message = w.message(outcome, now, r)
	for i := range synRows {
		if row := &synRows[i]; row.outcome == outcome && row.holds(w, r) {
			f.Severity, f.Fault, f.Cause, f.Action = row.severity, row.fault, row.cause, row.action
			f.Message += strings.ReplaceAll(row.said, "%s", r.Name(server))
			break
		}
	}
	if outcome == synNoAnswer && w.crafted {
		f.Undecide("the SYNs have no MSS, which nearly every TCP sends, and the same IP ID: a program may have written them, and come to the same port twice, as a flood with ports at random does")
	}
	return f
}

func (w *synUnanswered) message(outcome *detectors.Outcome, now int64, r *detectors.Report) string {
	client, server := r.Name(w.client), r.Name(w.client.Peer())
	m := fmt.Sprintf("%s sent SYN to %s (frame %d)", client, server, w.syn.Frame) + again(w.repeats, &w.syn, &w.last, "")
	waited := detectors.Span(now - w.syn.At)
	switch outcome {
	case synNewISN:
		if m += ", and got no answer"; w.icmp != nil {
			m += " but ICMP errors. " + w.icmp.Sentence(client)
		} else {
			m += "."
		}
		return m + fmt.Sprintf(" %s after the first SYN, it sent one with another initial sequence number on the same ports (frame %d). "+
			"To any device that saw the first, this is another connection.", waited, w.renewed.Frame)
	case synAnsweredLate:
		if w.anew.At != 0 {
			m += fmt.Sprintf(". No timer waits so long as %s, after which it began anew with the same numbers (frame %d)", detectors.Span(w.anew.At-w.last.At), w.anew.Frame)
		}
		m += fmt.Sprintf(". The answer came %s after the first (frame %d).", waited, w.answer.Frame)
		if w.icmp != nil {
			m += " Before that, " + w.icmp.Sentence(client)
		}
		if w.dropped {
			m += fmt.Sprintf(" The first %s offered timestamps, and the first without them (frame %d) was answered within %s. If that is so in other connections, too, SYNs with timestamps are dropped.",
				detectors.Counted(uint32(w.bare), "SYN", "SYNs"), w.last.Frame, detectors.Span(w.answer.At-w.last.At))
		}
		if w.clock.held != 0 {
			return m + fmt.Sprintf(" But %s had sent it %s before it passed the capture point, or earlier, as its timestamp shows against that of the next segment (frame %d): the path held it up.",
				server, detectors.Span(w.clock.held), w.clock.frame)
		}
		if w.gaveUp(r) {
			m += fmt.Sprintf(" Before that, a RST with the address %s came (frame %d), which %s must ignore, as it has no ACK (RFC 9293 3.10.7.3). But its acknowledgment number is that of the SYN: an earlier SYN had arrived.",
				server, w.refused.Frame, client)
		}
		if w.slow {
			m += " It echoes the timestamp of an earlier SYN than the last: that one arrived, and the answer was slow, or a first SYN-ACK was lost."
		}
		return m + r.SpokenFor(w.client.Peer())
	}
	if outcome == synRefusedByICMP && w.traces(r) {
		return m + fmt.Sprintf(". %s The SYN has TTL %d: a program such as traceroute chose that, to be told so.", w.icmp.Sentence(client), w.syn.TTL)
	}
	if outcome == synRefusedByICMP && w.refusedLate(r) {
		return m + fmt.Sprintf(". %s An error came up to %s after the SYN that it quotes: what sent it had waited, or the path held one of them up. It need not be %s itself.", w.icmp.Sentence(client), detectors.Span(w.lag), server)
	}
	if outcome == synRefusedByICMP {
		return m + ". " + w.icmp.Sentence(client) + " " + w.icmp.Meaning(client, server)
	}
	last := "last in "
	if w.isOnly(r) {
		last = ""
	}
	if w.others > 0 && w.resets == w.others {
		return m + fmt.Sprintf(". No answer came back in %s. %s with the address %s came (%sframe %d), without acknowledging the SYN: %s must ignore that (RFC 9293 3.10.7.3).",
			waited, w.some("A RST", "RSTs", r), server, last, w.other.Frame, client)
	}
	if w.bareACKs > 0 && w.bareACKs == w.others {
		return m + fmt.Sprintf(". No SYN-ACK came back in %s. %s with the address %s acknowledged the SYN (%sframe %d), but without a SYN: %s must ignore that (RFC 9293 3.10.7.3).",
			waited, w.some("An ACK", "ACKs", r), server, last, w.other.Frame, client)
	}
	if w.others > 0 {
		return m + fmt.Sprintf(". No answer came back in %s. %s with the address %s came (%sframe %d), but of another connection: the SYN is not acknowledged.",
			waited, w.some("A segment", "Segments", r), server, last, w.other.Frame)
	}
	m += fmt.Sprintf(". Nothing came back in %s.", waited)
	if w.next.At != 0 {
		m += fmt.Sprintf(" %s gave up, and then tried again from the same port (frame %d).", client, w.next.Frame)
	}
	return m
}
