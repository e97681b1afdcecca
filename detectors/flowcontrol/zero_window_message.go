package flowcontrol

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func (e *episode) message(outcome string, at int64, by *detectors.Evidence, prober reassembly.Side, r *detectors.Report) string {
	s, rcv := r.Name(prober), r.Name(prober.Peer())
	m := fmt.Sprintf("%s closed its window (frame %d) and %s probed it %d times in %s; ",
		rcv, e.opened.Seg.Frame, s, e.probes, detectors.Span(at-e.opened.Seg.At))
	if e.opened.Seg.Src == r.Old.Endpoint(prober) {
		m = fmt.Sprintf("%s had closed its window before the capture began, and %s probed it %d times in %s, from frame %d on; ",
			rcv, s, e.probes, detectors.Span(at-e.opened.Seg.At), e.opened.Seg.Frame)
	}
	switch e.answered {
	case 0:
		m += "no probe was answered."
	case e.probes:
		m += "each probe was answered with window 0."
	default:
		m += fmt.Sprintf("%d probes were answered with window 0, %d not.", e.answered, e.probes-e.answered)
	}
	switch outcome {
	case "ghosted":
		m += fmt.Sprintf(" %s has said nothing for %s and the last %d probes: it is gone, and %s does not give up.",
			rcv, detectors.Span(e.silence(at)), e.silent, s)
	case "stalled":
		m += fmt.Sprintf(" The window was still closed when the capture ended: the application on %s does not read.", rcv)
	case "reset":
		m += fmt.Sprintf(" Then %s answered a probe with RST (frame %d): it is back, without the connection.", rcv, by.Seg.Frame)
	case "aborted":
		m += fmt.Sprintf(" Then %s ended the connection with a RST that no probe called for (frame %d): its application was closed or killed without reading.",
			rcv, by.Seg.Frame)
	case "gave-up":
		switch {
		case by != nil:
			m += fmt.Sprintf(" Then %s gave up with RST (frame %d).", s, by.Seg.Frame)
		case e.replaced:
			m += " Then a new connection took its place."
		default:
			m += fmt.Sprintf(" Then %s gave up: it has sent nothing for %s.", s, detectors.Span(at-e.sender))
		}
	case "recovered":
		m += fmt.Sprintf(" Then the window opened again (frame %d).", by.Seg.Frame)
	}
	if quiet := e.last.At - e.quiet; e.silent > 0 && quiet > int64(userTimeout) {
		m += fmt.Sprintf(" %s went on probing for %s without any answer, past the 100 s of RFC 1122 4.2.3.5 (R2): the fault of Windows NT 3.1 in Q117317.",
			s, detectors.Span(quiet))
	}
	return m
}
