package closing

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// report reports the silence of the open side up to now.
func (w *closeWaitLeak) report(outcome *detectors.Outcome, now int64, r *detectors.Report) {
	holder, since, until := w.closer.Peer(), w.due[0].Since(), now
	if w.asked.At != 0 {
		until = w.asked.At
	}
	if w.parting.seg.At != 0 && w.end.At != 0 {
		until = w.parting.seg.At
	}
	evidence := []detectors.Evidence{r.Evidence("FIN acknowledged", holder, &w.ack)}
	if w.fin.At != 0 {
		evidence = append(evidence, r.Evidence("FIN", w.closer, &w.fin))
	}
	if w.beyond.At != 0 && !detectors.SameFrame(&w.beyond, &w.ack) {
		evidence = append(evidence, r.Evidence("sent after something that was not captured", holder, &w.beyond))
	}
	switch {
	case outcome == leakAbandoned:
		if w.asked.At != 0 {
			evidence = append(evidence, r.Evidence("last segment from the open side", holder, &w.asked))
		}
		evidence = append(evidence, r.Evidence("RST from the side that had closed", w.closer, &w.end))
	case w.end.Flags&reassembly.RST != 0:
		evidence = append(evidence, r.Evidence("late RST", holder, &w.end))
	case w.end.At != 0:
		if w.parting.seg.At != 0 && !detectors.SameFrame(&w.parting.seg, &w.end) {
			evidence = append(evidence, r.Evidence("goodbye before the late FIN", holder, &w.parting.seg))
		}
		evidence = append(evidence, r.Evidence("late FIN", holder, &w.end))
	}
	if w.reply.At != 0 {
		evidence = append(evidence, r.Evidence("RST in answer to the "+w.answered(), w.closer, &w.reply))
	}
	f := r.Find(outcome, holder, now, evidence...)
	if outcome == leakIdle {
		f.At = max(w.ack.At, min(w.Limit(0, r), now))
		f.States = r.StatesNow(now)
		r.Absence(&f, w.ack.At)
		f.Silence = detectors.NewSilence(r.Conn, w.Limit(0, r), w.Limit(0, r))
		f.Lossless = detectors.NewLossless(r.Conn, true, w.ack.At, now)
	}
	f.End = max(now, w.reply.At)
	f.Roles = detectors.Roles("holder", holder, "closer")
	f.Measure("close_wait_s", detectors.Seconds(now-w.ack.At))
	f.Measure("idle_s", detectors.Seconds(until-since))
	f.Measure("threshold_s", detectors.Seconds(w.patience(r)))
	f.Message = w.message(outcome, until-since, &f, r)
	if outcome != leakAbandoned && w.end.Flags&reassembly.FIN == 0 && mayHaveClosed(r.Conn, holder) {
		f.Undecide("midstream: of the side that did not close, nothing but ACKs was captured; its FIN may lie before the capture")
	}
	if w.beyond.At != 0 {
		f.Undecide(fmt.Sprintf("an ACK of the side that did not close lies %s beyond all that was captured of it: its FIN may have been lost before the capture point",
			detectors.Counted(w.hole, "byte", "bytes")))
	}
	if took := r.Conn.Relayed(holder); took > 0 && opened(r.Conn, w.closer) {
		f.Fault = detectors.FaultUnknown
		f.Message += " " + detectors.RelayedBy(int64(took), r.Name(holder)) + "."
		f.Undecide("a NAT or proxy seems to acknowledge for the side that did not close: it may never have received the FIN")
	}
	w.due[0].Emit(f, r)
}

func (w *closeWaitLeak) message(outcome *detectors.Outcome, silence int64, f *detectors.Finding, r *detectors.Report) string {
	holder, closer := r.Name(w.closer.Peer()), r.Name(w.closer)
	m := fmt.Sprintf("%s closed, and %s acknowledged its FIN (frame %d). %s then ", closer, holder, w.ack.Frame, holder)
	if w.busy > 0 {
		m += fmt.Sprintf("continued to send for %s, and after that ", detectors.Span(w.due[0].Since()-w.ack.At))
	}
	m += "sent neither data nor FIN for " + detectors.Span(silence)
	switch {
	case outcome == leakIdle:
		until, has, is := "to the end of the capture", "has", "is left"
		if w.cut {
			until, has, is = "until the capture was interrupted", "had", "was still"
		}
		m += fmt.Sprintf(", %s: its application %s not closed the socket", until, has)
		switch {
		case w.beyond.At != 0:
			m += ", unless its FIN was not captured"
		case far(w.ack.TTL):
			m += ", unless something before the capture point drops its FIN and every retransmission"
			if r.Conn.Bytes(w.closer.Peer()) == 0 { // it may never have been accepted, and a listener that closes resets it
				m += ", or dropped its RST, which is sent once"
			}
		}
		m += fmt.Sprintf(". %s %s in %s, ", holder, is, f.States[w.closer.Peer()])
		ignored := w.ignored
		if ignored > 0 && f.End-w.asks < int64(r.Conn.RTO(w.closer.Peer())) { // the answer to the last may be on its way
			ignored--
		}
		if ignored > 0 {
			last := "the last keep-alive"
			if ignored > 1 {
				last = fmt.Sprintf("the last %d keep-alives", ignored)
			}
			m += fmt.Sprintf("%s was in %s, and has not answered %s", closer, f.States[w.closer], last)
		} else {
			m += fmt.Sprintf("%s in %s", closer, f.States[w.closer]) + orGone(f, w.closer, r)
		}
	case w.asked.At != 0:
		m += fmt.Sprintf(", in CLOSE_WAIT, until it sent frame %d, which %s answered with RST (frame %d): it had given up waiting in FIN_WAIT_2", w.asked.Frame, closer, w.end.Frame)
	case outcome == leakAbandoned:
		m += fmt.Sprintf(", in CLOSE_WAIT, until %s gave up waiting in FIN_WAIT_2 and reset the connection (frame %d)", closer, w.end.Frame)
	case w.end.Flags&reassembly.RST != 0:
		m += fmt.Sprintf(", in CLOSE_WAIT, and ended the connection with RST (frame %d): its socket was closed with unread data, or aborted", w.end.Frame)
	default:
		m += ", in CLOSE_WAIT, and closed late "
		if p := &w.parting.seg; p.At != 0 {
			m += fmt.Sprintf("with the %d bytes of a goodbye (frame %d) and FIN ", p.Len, p.Frame)
		}
		m += fmt.Sprintf("(frame %d)", w.end.Frame)
		switch {
		case w.reply.At == 0:
		case w.fin.At != 0 && detectors.OtherTTL(&w.fin, &w.reply):
			m += fmt.Sprintf(". A RST with the address of %s answered the %s (frame %d). It has TTL %d, and its FIN %d: a middlebox, or another host, may have sent it", closer, w.answered(), w.reply.Frame, w.reply.TTL, w.fin.TTL)
		default:
			m += fmt.Sprintf(". %s had given up waiting in FIN_WAIT_2: it answered the %s with RST (frame %d)", closer, w.answered(), w.reply.Frame)
		}
	}
	return m + "."
}

// answered is what the closer's RST answers first: a host without the connection answers each segment in turn.
func (w *closeWaitLeak) answered() string {
	if w.parting.seg.At != 0 && !detectors.SameFrame(&w.parting.seg, &w.end) {
		return "goodbye"
	}
	return "late FIN"
}

// finWait2 is how long a host waits at least for the FIN of its peer, once nobody can read any more what comes from it
// (Linux: net.ipv4.tcp_fin_timeout), in nanoseconds.
const finWait2 = int64(time.Minute)

// orGone says of a side in FIN_WAIT_2 that it may not be there any more, if it was silent for that long.
func orGone(f *detectors.Finding, side reassembly.Side, r *detectors.Report) string {
	if last := r.Conn.Last(side); f.States[side] == fsm.FinWait2 && f.End-last.At > finWait2 {
		return ", or gone: hosts give up waiting there after a minute or more"
	}
	return ""
}

// mayHaveClosed reports whether the side may have sent its FIN before the capture: the
// connection was found running, and all of the side is ACKs, which come from TIME_WAIT
// as well. Data would show that its direction was open.
func mayHaveClosed(v fsm.View, side reassembly.Side) bool {
	_, whole := v.Opener()
	return !whole && v.Bytes(side) == 0
}

// far reports whether the packet has crossed a router: its TTL is not one that hosts
// start with. A device that forgets connections, such as a NAT, may have been on its path.
func far(ttl uint8) bool { return ttl != 64 && ttl != 128 && ttl != 255 }
