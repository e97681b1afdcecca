package resets

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/middlebox"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// role is what the evidence calls X's last segment.
func (k *resetCase) role() string {
	switch {
	case k.answers:
		return "answered by it"
	case k.near:
		return "answered by it, or sent too late for that"
	}
	return "last data before it"
}

// what names X's last segment: "data (frame 7)".
func (k *resetCase) what() string {
	m := &k.last
	name := "an ACK"
	switch {
	case m.Flags.Has(reassembly.SYN | reassembly.ACK):
		name = "the SYN-ACK"
	case m.Flags.Has(reassembly.SYN):
		name = "the SYN"
	case k.prods:
		name = "a keep-alive"
	case m.Flags.Has(reassembly.FIN):
		name = "the FIN"
	case m.Len > 0:
		name = detectors.Counted(m.Len, "byte", "bytes")
	}
	if k.near {
		return fmt.Sprintf("%s (frame %d), or something just before it,", name, m.Frame)
	}
	return fmt.Sprintf("%s (frame %d)", name, m.Frame)
}

// measure adds what belongs to one outcome.
func (k *resetCase) measure(outcome string, f *detectors.Finding) {
	switch outcome {
	case "data-after-close":
		switch {
		case k.unsure:
		case k.knewFIN:
			f.Measure("raced_fin", 0)
		default:
			f.Measure("raced_fin", 1)
		}
	case "idle-drop", "keepalive-refused":
		if s, _, _ := middlebox.Longest(k.idle); s > 0 {
			f.Measure("idle_default_s", float64(s))
		}
	case "suspected-injection", "late-ack":
		f.Measure("ttl", int(k.rst.TTL))
		f.Measure("ttl_before", int(k.prev.TTL))
	}
}

// message is the sentence for the ticket.
func (k *resetCase) message(outcome string, w *resetCause, r *detectors.Report) string {
	y, x := r.Name(k.y), r.Name(k.y.Peer())
	rst := fmt.Sprintf("(frame %d)", k.rst.Frame)
	m := ""
	switch outcome {
	case "refused":
		m = fmt.Sprintf("%s answered %s of %s with RST %s: it refuses the connection.", y, k.what(), x, rst)
		if k.prev.Flags.Has(reassembly.SYN | reassembly.ACK) {
			m = fmt.Sprintf("%s answered %s of %s with RST %s: it refuses the connection, which it had accepted before (frame %d).", y, k.what(), x, rst, k.prev.Frame)
		}
		if k.scanned() {
			m = fmt.Sprintf("%s answered a segment of %s with neither SYN nor ACK (frame %d), as port scans send them (FIN, NULL, Xmas), with RST %s, as a closed port does.",
				y, x, k.last.Frame, rst)
		}
		switch {
		case k.taken:
			m += fmt.Sprintf(" It takes the SYN that comes again (frame %d).", w.goneOn.Frame)
		case w.goneOn.At != 0:
			m += fmt.Sprintf(" SYN-ACK came in its name all the same (frame %d).", w.goneOn.Frame)
		}
	case "handshake-reset":
		m = fmt.Sprintf("%s opened the connection and answered %s with RST %s: it does not want the connection any more, or its host does not know of it.", y, k.what(), rst)
		if k.last.Flags&reassembly.SYN == 0 {
			m = fmt.Sprintf("%s sent a SYN and then RST %s.", y, rst)
		}
	case "stale":
		m = fmt.Sprintf("%s reset %s %s", y, x, rst)
		if k.answers || k.near {
			m = fmt.Sprintf("%s answered %s of %s with RST %s", y, k.what(), x, rst)
		}
		if k.closed() {
			m += " after both sides had closed."
		} else {
			m += fmt.Sprintf("; %s had acknowledged more than that before, so that it is an old duplicate, and %s does not know the connection any more.", x, y)
		}
	case "data-after-close":
		were, they := "were", "They"
		if k.lost == 1 {
			were, they = "was", "It"
		}
		m = fmt.Sprintf("%s had closed; %s of %s met no socket there any more and %s answered with RST %s.", y, detectors.Counted(k.lost, "byte", "bytes"), x, were, rst)
		switch {
		case k.unsure:
		case k.knewFIN:
			m += fmt.Sprintf(" %s knew of the FIN and sent all the same.", x)
		default:
			m += fmt.Sprintf(" %s crossed the FIN on the way: %s could not know of it.", they, x)
		}
	case "idle-drop":
		m = fmt.Sprintf("Nobody had spoken for %s, %s; then ", detectors.Span(k.idle), middlebox.Words(k.idle))
		if k.broke {
			m += fmt.Sprintf("a RST came in the name of %s %s.", y, rst)
		} else {
			m += fmt.Sprintf("%s of %s met a RST %s, as of a host that does not know the connection.", k.what(), x, rst)
		}
		if k.ttl {
			m += fmt.Sprintf(" The RST has TTL %d, all else of %s %d: a middlebox sent it.", k.rst.TTL, y, k.prev.TTL)
		} else {
			m += fmt.Sprintf(" A middlebox, or %s itself, had forgotten it.", y)
		}
	case "keepalive-refused":
		m = fmt.Sprintf("%s answered %s of %s with RST %s: ", y, k.what(), x, rst)
		if k.shut(k.y) {
			m += "it had closed and does not have the connection any more."
		} else {
			m += "it is up and does not know the connection."
		}
		if words := middlebox.Words(k.idle); words != "" {
			m += fmt.Sprintf(" Before that nobody had spoken for %s, %s.", detectors.Span(k.idle), words)
		}
	case "half-open":
		closed := "It had not closed"
		switch {
		case k.shut(k.y):
			closed = "It had closed"
		case k.endUnseen || k.held || k.prev.At == 0:
			closed = "If it had not closed"
		}
		m = fmt.Sprintf("%s answered %s of %s with a bare RST %s, as a host that does not know the connection. %s: ", y, k.what(), x, rst, closed)
		switch {
		case k.challenge:
			lost := "lost it"
			if k.shut(k.y) {
				lost = "nothing left of it"
			}
			m += fmt.Sprintf("it has %s, and the ACK challenges what it sent just before (RFC 5961, RFC 9293 figure 9).", lost)
		case k.newborn:
			m += "it took the SYN and did not take the connection (a full accept queue that resets, a SYN cookie that does not hold, no backend)."
		default:
			m += "it has lost it, or something else answers at its address."
		}
	case "unread-data":
		m = fmt.Sprintf("%s closed its socket by RST %s with data of %s ", y, rst, x)
		switch {
		case k.windowFell():
			m += fmt.Sprintf("in it that its application had not read: its window had fallen by %d bytes.", k.filled)
		case k.lost > 0 && k.beyond == 0:
			m += fmt.Sprintf("in it that its application had not read: %d bytes, which the RST itself acknowledges.", k.lost)
		case k.lost > 0:
			m += fmt.Sprintf("in it that its application had not read, or still on its way: %d bytes were not acknowledged.", k.lost)
		default:
			m += fmt.Sprintf("acknowledged and never answered (%d bytes, frame %d): for all that can be seen, its application had not read them.",
				k.last.Len, k.last.Frame)
		}
	case "aborted":
		m = k.abortWords(y, x, rst)
	case "late-ack":
		m = fmt.Sprintf("%s of %s was answered with RST in the name of %s %s, which goes on as if nothing had been (frame %d): something in front of %s did not "+
			"recognise the ACK.", k.what(), x, y, rst, w.goneOn.Frame, y)
	case "suspected-injection":
		m = k.injectionWords(y, x, rst, w)
	default:
		m = fmt.Sprintf("A RST in the name of %s ended the connection with %s %s.", y, x, rst)
		switch {
		case k.doubtful:
			m += " It does not lie where its sender stood."
		case !k.seen():
			m += " What led to it was not captured."
		default:
			m += " It answers nothing that was captured, and is not made as a socket would make it."
		}
	}
	if w.goneOn.At != 0 && !w.alive && w.resets[k.y.Peer()] > 0 {
		m += fmt.Sprintf(" %s took it for good: it answered with RST.", x)
	}
	return m
}

func (k *resetCase) abortWords(y, x, rst string) string {
	m := fmt.Sprintf("%s ended the connection with %s by RST %s", y, x, rst)
	switch {
	case k.first.At != 0:
		m += fmt.Sprintf(", the second of two: the first (frame %d) lay where %s must not believe it, which asked with an ACK (frame %d; RFC 5961 3.2).",
			k.first.Frame, x, k.last.Frame)
	case k.gaveUp && k.row > 0:
		m += fmt.Sprintf(": it gave up, after %d resends in a row that %s did not answer.", k.row, x)
	case k.gaveUp:
		m += fmt.Sprintf(": it gave up, after %s of silence and a keep-alive that %s did not answer.", detectors.Span(k.rst.At-k.last.At), x)
	case k.shut(k.y) && (k.answers || k.near) && k.bare():
		m += fmt.Sprintf(" in answer to %s: it had closed already, and its socket was gone.", k.what())
	case k.shut(k.y):
		m += ", after its own FIN."
	case k.shut(k.y.Peer()):
		m += fmt.Sprintf(" in place of a FIN: %s had closed.", x)
	case k.before[k.y] == fsm.SynReceived:
		m += fmt.Sprintf(": it gave up a handshake that %s had not completed.", x)
	case k.spoke[k.y.Peer()]:
		m += " in place of a FIN: its application aborted it, or closed it with something left unread that the wire does not show."
	default:
		m += " in place of a FIN: its application aborted it."
	}
	if k.bare() && !k.shut(k.y) && k.first.At == 0 {
		m += " It is without ACK, as some stacks make it."
	}
	switch {
	case k.missing > 0:
		m += fmt.Sprintf(" %d bytes of its own were not acknowledged and may be lost.", k.missing)
	case k.unsent > 0:
		m += fmt.Sprintf(" What was on its way arrived: %s acknowledged it (frame %d).", x, k.arrived.Frame)
	case k.lost == 0:
		m += " Nothing was on its way."
	}
	return m
}

func (k *resetCase) injectionWords(y, x, rst string, w *resetCause) string {
	m := fmt.Sprintf("A RST in the name of %s ", y)
	switch {
	case w.goneOn.At != 0:
		m += fmt.Sprintf("%s did not end the connection for it: %s goes on after it (frame %d).", rst, y, w.goneOn.Frame)
	case k.answers || k.near:
		m += fmt.Sprintf("answers %s of %s %s.", k.what(), x, rst)
	case k.bare() && k.lost > 0 && fsm.Answers(&k.rst, &k.last): // any of them, if they were longer on their way
		m += fmt.Sprintf("%s met %d bytes of %s that were on their way.", rst, k.lost, x)
	default:
		m += fmt.Sprintf("answers nothing that %s sent %s.", x, rst)
	}
	if k.ttl {
		m += fmt.Sprintf(" It has TTL %d, all else of %s %d.", k.rst.TTL, y, k.prev.TTL)
	}
	if k.borrowed {
		return m + fmt.Sprintf(" Its IP ID, %d, is not as %s counts (%d before it), but one of the last of %s (%d in frame %d): something made it of a packet of %s.",
			k.rst.IPID, y, k.prev.IPID, x, k.last.IPID, k.last.Frame, x)
	}
	if k.id {
		m += fmt.Sprintf(" Its IP ID, %d, is out of the order in which %s counts (%d before it).", k.rst.IPID, y, k.prev.IPID)
	}
	if k.noID && !k.answers && !k.near {
		m += fmt.Sprintf(" It has no IP ID, though %s counts its packets: no socket of that host made it.", y)
	}
	return m + " Something else may have sent it."
}
