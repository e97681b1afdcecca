package opening

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// What is said instead where the first SYN without timestamps was answered. One connection does not prove it: the path may have
// come back just then.
const (
	causeTimestamps = "The SYNs or their answers were lost, and the path came back just then. Or the server, or something on the path, drops SYNs with options that it does not like. " +
		"Linux before 4.12 with net.ipv4.tcp_tw_recycle drops SYNs whose timestamp is behind the last one from the same address: clients behind one NAT lock each other out."
	actionTimestamps = "See whether other SYNs with timestamps to the server are answered. If none is: sysctl net.ipv4.tcp_tw_recycle (must be 0) and nstat TcpExtPAWSPassive on the server. " +
		"Otherwise try net.ipv4.tcp_timestamps=0 on a client; if that helps, look for a middlebox."
)

// mostHops is how many routers traceroute asks, unless told otherwise (traceroute(8), option -m).
const mostHops = 30

// traces reports whether the SYN expired because its sender gave it a shorter life than any host's packets have by themselves.
func (w *synUnanswered) traces() bool {
	return w.icmp != nil && w.icmp.First.Expired() && w.syn.TTL > 0 && w.syn.TTL <= mostHops
}

// finding is how things stand at trace time now.
func (w *synUnanswered) finding(outcome *detectors.Outcome, at, now int64, r *detectors.Report) detectors.Finding {
	server := w.client.Peer()
	evidence := []detectors.Evidence{r.Evidence("SYN", w.client, &w.syn)}
	if w.repeats > 0 {
		evidence = append(evidence, r.Evidence("SYN, last repeat", w.client, &w.last))
	}
	culprit := server
	switch outcome {
	case synNewISN:
		culprit = w.client
		evidence = append(evidence, r.Evidence("SYN with another ISN", w.client, &w.renewed))
	case synAnsweredLate:
		evidence = append(evidence, r.Evidence("answer", server, &w.answer))
	}
	evidence = append(evidence, w.icmp.Evidence()...)
	f := r.Find(outcome, culprit, at, evidence...)
	f.States, f.End = r.StatesNow(now), now
	f.Unheard = outcome == synNoAnswer && w.others == 0
	f.Roles = detectors.Roles("client", w.client, "server")
	f.Measure("repeats", w.repeats)
	f.Measure("waited_s", detectors.Seconds(now-w.syn.At))
	if w.repeats > 0 {
		f.Measure("last_interval_s", detectors.Seconds(w.last.At-w.before))
	}
	w.icmp.Measure(&f)
	switch {
	case outcome != synRefusedByICMP:
	case w.traces():
		f.Severity, f.Fault = detectors.Info, detectors.FaultUnknown
	case w.icmp.First.Reporter() == w.icmp.First.Dst.Addr:
		f.Fault = detectors.FaultHost // its own rule
	}
	if w.dropped {
		f.Cause, f.Action = causeTimestamps, actionTimestamps
	}
	f.Message = w.message(outcome, now, r)
	return f
}

func (w *synUnanswered) message(outcome *detectors.Outcome, now int64, r *detectors.Report) string {
	client, server := r.Name(w.client), r.Name(w.client.Peer())
	m := fmt.Sprintf("%s sent SYN to %s (frame %d)", client, server, w.syn.Frame) + again(w.repeats, &w.syn, &w.last)
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
		if w.slow {
			m += " It echoes the timestamp of an earlier SYN than the last: that one arrived, and the answer was slow, or a first SYN-ACK was lost."
		}
		return m
	}
	if outcome == synRefusedByICMP && w.traces() {
		return m + fmt.Sprintf(". %s The SYN has TTL %d: a program such as traceroute chose that, to be told so.", w.icmp.Sentence(client), w.syn.TTL)
	}
	if outcome == synRefusedByICMP {
		return m + ". " + w.icmp.Sentence(client) + " " + w.icmp.Meaning(client, server)
	}
	if w.others > 0 && w.resets == w.others {
		return m + fmt.Sprintf(". No answer came back in %s. %s with the address %s came (last in frame %d), without acknowledging the SYN: %s must ignore that (RFC 9293 3.10.7.3).",
			waited, detectors.Counted(uint32(w.resets), "RST", "RSTs"), server, w.other.Frame, client)
	}
	if w.others > 0 {
		return m + fmt.Sprintf(". No answer came back in %s. %s with the address %s came (last in frame %d), but of another connection: the SYN is not acknowledged.",
			waited, detectors.Counted(uint32(w.others), "segment", "segments"), server, w.other.Frame)
	}
	m += fmt.Sprintf(". Nothing came back in %s.", waited)
	if w.next.At != 0 {
		m += fmt.Sprintf(" %s gave up, and then tried again from the same port (frame %d).", client, w.next.Frame)
	}
	return m
}
