package report

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// socketLines are what a kernel says about the ends of a connection, a paragraph each:
// whose the socket is, its state beside that of the capture, and what waits in it.
func (o *Options) socketLines(f *result.Flow, sockets []result.Socket) string {
	var lines []string
	for i := range sockets {
		s := &sockets[i]
		parts := []string{holder(s) + owner(s), socketState(s), queues(s), timer(s)}
		text := strings.TrimSpace(name(f, s.Side)+" "+o.endpoint(f, s.Side)) + ": " + strings.Join(nonEmpty(parts), "; ")
		switch {
		case s.Gone:
			text += "; the socket is gone, it was last seen at " + quantity.Instant(s.Until)
		case s.Until > s.At:
			text += "; from " + quantity.Instant(s.At) + " to " + quantity.Instant(s.Until)
		case s.At != 0:
			text += "; at " + quantity.Instant(s.At)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n\n")
}

func nonEmpty(parts []string) (list []string) {
	for _, p := range parts {
		if p != "" {
			list = append(list, p)
		}
	}
	return list
}

// maxHolders is how many of the processes that share a socket are named.
const maxHolders = 3

// holder is "java (PID 812, fd 97)", or why there is no process.
func holder(s *result.Socket) string {
	var list []string
	for i, p := range s.Processes {
		if i == maxHolders {
			list = append(list, fmt.Sprintf("%d more", len(s.Processes)-i))
			break
		}
		list = append(list, fmt.Sprintf("%s (PID %d, fd %d)", Clean(p.Name), p.PID, p.FD))
	}
	switch {
	case s.Former:
		return "closed by " + strings.Join(list, ", ")
	case len(list) > 0:
		return strings.Join(list, ", ")
	case s.Inode != 0:
		return "process unknown (the right to see it was missing)"
	case s.State == fsm.SynReceived || s.State == fsm.Established || s.State == fsm.CloseWait:
		return "no process has accepted it yet"
	case s.State == fsm.TimeWait || s.State == fsm.Listen:
		return ""
	}
	return "its process has closed it"
}

// owner is ", user 1000, unit nginx.service".
func owner(s *result.Socket) (text string) {
	switch {
	case s.User != "":
		text = ", user " + Clean(s.User)
	case s.UID == 0:
		text = ", user root"
	case s.UID > 0:
		text = fmt.Sprintf(", user %d", s.UID)
	}
	switch {
	case strings.HasPrefix(s.Unit, "container "):
		text += ", " + Clean(s.Unit)
	case s.Unit != "":
		text += ", unit " + Clean(s.Unit)
	}
	return text
}

// socketState is the kernel's state and, if it differs, that of the capture.
func socketState(s *result.Socket) string {
	text := s.State.String() + " in the kernel"
	switch s.Agrees {
	case result.Agree:
		return text + " and in the capture"
	case result.Disagree:
		text += ", " + s.Ours.String() + " in the capture"
		if s.Bounded {
			text += " at most"
		}
	}
	return text
}

// queues are what waits: the kernel counts a FIN in both queues as a byte
// (tcp_diag_get_info takes them from RCV.NXT and from the last sequence number written).
func queues(s *result.Socket) string {
	recv, send := s.Recv, s.Send
	var parts []string
	switch s.State {
	case fsm.Listen:
		text := fmt.Sprintf("%s waiting to be accepted, of %s that may wait", quantity.Count(recv, "connection"), quantity.Thousands(send))
		if recv > send {
			text += ": the queue is full"
		}
		return text
	case fsm.CloseWait, fsm.LastAck, fsm.Closing:
		switch recv {
		case 0:
			parts = append(parts, "everything read, the peer's FIN too")
		case 1:
			parts = append(parts, "everything read but the peer's FIN")
		default:
			parts = append(parts, quantity.Count(recv-1, "byte")+" and the peer's FIN unread")
		}
	default:
		if recv > 0 {
			parts = append(parts, quantity.Count(recv, "byte")+" unread")
		}
	}
	switch s.State {
	case fsm.FinWait1, fsm.LastAck, fsm.Closing:
		switch {
		case send > 1:
			parts = append(parts, quantity.Count(send-1, "byte")+" and its FIN not acknowledged")
		case send == 1:
			parts = append(parts, "its FIN not acknowledged")
		}
	case fsm.SynSent, fsm.SynReceived: // the SYN
	default:
		if send > 0 {
			parts = append(parts, quantity.Count(send, "byte")+" not acknowledged")
		}
	}
	return strings.Join(parts, ", ")
}

// timers are those of ss -o, in the words of the RFCs.
var timers = map[string]string{"on": "retransmission timer", "keepalive": "keep-alive timer", "timewait": "TIME-WAIT timer", "persist": "persist timer"}

func timer(s *result.Socket) string {
	text := timers[s.Timer]
	if s.Timer == "timewait" && s.State == fsm.FinWait2 { // Linux has the same structure for both (tcp_time_wait)
		text = "FIN_WAIT_2 timer (tcp_fin_timeout)"
	}
	if text != "" && s.Retries > 0 {
		text += ", " + quantity.Count(s.Retries, "attempt") + " without an answer"
	}
	return text
}

// sockets are the same for programs.
func (b object) sockets(f *result.Flow, sockets []result.Socket) object {
	b = b.open("sockets", '[')
	for i := range sockets {
		s := &sockets[i]
		b = b.element().str("end", s.Side.String()).endpoint("endpoint", f.End[s.Side]).timeIf(s.At != 0, "time", s.At).timeIf(s.At != 0, "until", s.Until).
			str("state", s.State.String())
		if s.Agrees == result.AgreementUnknown {
			b = append(append(b.key("capture_state"), "null"...), `, "bounded": null, "agrees": null`...)
		} else {
			b = b.str("capture_state", s.Ours.String()).bool("bounded", s.Bounded).bool("agrees", s.Agrees == result.Agree)
		}
		b = b.uint("recv_q", s.Recv).uint("send_q", s.Send).open("processes", '[')
		for _, p := range s.Processes {
			b = b.element().str("name", p.Name).uint("pid", uint64(p.PID))
			b = b.uint("fd", uint64(p.FD)).str("command", p.Command).close('}')
		}
		if b = b.close(']').key("uid"); s.UID >= 0 {
			b = b.number(uint64(s.UID))
		} else {
			b = append(b, "null"...)
		}
		b = b.str("user", s.User).uint("inode", s.Inode).str("cgroup", s.Cgroup).str("unit", s.Unit).str("timer", s.Timer).uint("retries", s.Retries).
			bool("former", s.Former).bool("gone", s.Gone).close('}')
	}
	return b.close(']')
}
