package opening

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SYNAckUnanswered reports a SYN-ACK that had to be repeated, or should have been: its
// ACK did not come, or came and was ignored. RFC 9293 3.5.
var SYNAckUnanswered = &detectors.Detector{
	Name: "syn-ack-unanswered",
	Doc: detectors.Doc{
		Title: "the handshake stalled after the SYN-ACK",
		What: "A server answers SYN with SYN-ACK, and the handshake does not complete: the SYN-ACK is sent again, or " +
			"the client repeats its SYN as if it had not been answered. The server waits in SYN_RECEIVED.",
		Cause: "The SYN-ACK or its ACK was lost on the path. Other causes depend on the outcome.",
		Action: "The outcome says which of the two did not arrive: capture on that side. On the server: ss -ltn, " +
			"nstat TcpExtListenOverflows, TcpExtTCPReqQFullDoCookies.",
		NotThis: "A SYN-ACK that comes twice at once: the network duplicated it. A second SYN-ACK that had left before the ACK could " +
			"arrive, on a path slower than the timer. A server that accepts a connection only once data arrives " +
			"(TCP_DEFER_ACCEPT) and repeats its SYN-ACK when that takes long: normal. A client that answers with RST. " +
			"Two hosts that open to each other at the same time.",
		Peers: "Wireshark marks a repeated SYN-ACK as a retransmission, and the client's ACK of it as a Dup ACK. It does not say that the ACK " +
			"was ignored.",
		Refs:  []string{"RFC 9293 3.5", "RFC 9293 3.10.7.4", "Linux tcp_check_req(), tcp_abort_on_overflow"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{synAckQueueFull, synAckSYNRepeated, synAckNotRepeated, synAckNoACK, synAckRecovered},
	Params: []detectors.Param{
		{Name: "patience", Default: 3, Min: 0.5, Max: 3600, Unit: "s", Doc: "how long to wait for an answer after the last SYN-ACK or repeated SYN"},
		{Name: "costly", Default: 3, Min: 0, Max: 3600, Unit: "s", Doc: "delay of the handshake from which the finding is a warning"},
	},
	StartsOn:     fsm.On(fsm.SynResent),
	SubscribesTo: fsm.On(fsm.SynResent, fsm.SynAcked, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch: func(r *detectors.Report) detectors.Watcher {
		client, _ := r.Conn.Opener()
		if r.Conn.Phase(client.Peer()) == fsm.PhaseIdle { // syn-unanswered
			return nil
		}
		return &synAckUnanswered{client: client}
	},
}

var (
	synAckQueueFull = &detectors.Outcome{Name: "accept-queue-full", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "the SYN-ACK was repeated although its ACK had been seen: twice or more, or while data of the client stays unacknowledged",
		Cause: "The server's application does not accept connections as fast as they come, its accept queue is full, and its " +
			"kernel ignores the ACK (Linux with net.ipv4.tcp_abort_on_overflow=0): the client believes that it is connected. " +
			"Or everything that the client sends is lost beyond the capture point.",
		Action: "On the server: ss -ltn (Recv-Q above Send-Q), nstat TcpExtListenOverflows. Find out why the application does not accept, " +
			"and raise its backlog and net.core.somaxconn. If the queue is short, capture there: the ACKs do not arrive."}
	synAckSYNRepeated = &detectors.Outcome{Name: "syn-repeated", Severity: detectors.Warning, Fault: detectors.FaultPath,
		When: "the client keeps repeating its SYN, though SYN-ACKs were seen",
		Cause: "The SYN-ACK does not reach the client: a firewall between the capture point and the client, a different route back, " +
			"or the client's own filter (iptables, rp_filter, wrong checksums).",
		Action: "Capture on the client. If the SYN-ACK arrives there, look at its filters and at nstat; if not, follow the route back."}
	synAckNotRepeated = &detectors.Outcome{Name: "not-repeated", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "the client repeated its SYN at least twice, and the server sent its SYN-ACK only once",
		Cause: "The server neither repeats its SYN-ACK when no ACK comes (RFC 9293 3.8.1) nor answers the repeated SYN: its stack is at " +
			"fault, it went down, or something began to drop the SYNs.",
		Action: "Capture on the server: do the repeated SYNs arrive there, and what does it send?"}
	synAckNoACK = &detectors.Outcome{Name: "ack-missing", Severity: detectors.Info,
		When:  "nothing more came from the client",
		Cause: "A SYN with a forged source (a flood), a scan, or a client that went away or gave up; or no SYN-ACK arrives.",
		Action: "One of them is harmless. Many from one address are a scan or a broken route back. Many from many addresses are a SYN flood: " +
			"check that net.ipv4.tcp_syncookies is on."}
	synAckRecovered = &detectors.Outcome{Name: "recovered", Severity: detectors.Info,
		When: "the handshake completed in the end; a warning if that took 3 s or longer",
		Cause: "A SYN-ACK or its ACK was lost, or the path is slower than the timer. After an ACK that was seen, TCP_DEFER_ACCEPT " +
			"and an accept queue that was full for a moment look the same."}
)

// deferGap is how long after a SYN-ACK a single repeat, with an ACK in between and no
// data, need not mean a loss: the first timeouts are 1 s and 3 s, and a server that
// defers its accept repeats when its patience ends.
const deferGap = int64(4 * time.Second)

type synAckUnanswered struct {
	due        [1]detectors.Deadline // an answer to the latest SYN-ACK; another repeat asks again, for another outcome
	client     reassembly.Side
	synAck     reassembly.Mark // the first; its At is 0 if nothing was sent again
	last       reassembly.Mark // the latest SYN-ACK, if it was repeated
	syn        reassembly.Mark // the client's latest SYN since, if it was repeated
	ack        reassembly.Mark // of the SYN-ACK: the first, or what was known of it
	end        reassembly.Mark // the server's first segment after the handshake
	rst        reassembly.Mark // with which the server gave up
	repeats    int             // of the SYN-ACK
	synRepeats int             // since the SYN-ACK
	ignored    int             // SYN-ACKs repeated after an ACK that should have arrived
	other      bool            // the client acknowledged another SYN-ACK in the end, with another ISN
	dataWaits  bool            // when the first of these was sent, data of the client was unacknowledged
	gap        int64           // from the SYN-ACK to the first of these
	reported   *detectors.Outcome
	reportedAt int64
	finished   bool
}

func (w *synAckUnanswered) Event(ev fsm.Event, r *detectors.Report) {
	switch {
	case ev.Kind == fsm.Revived && w.rst.At != 0: // it did not give up
		w.rst, w.finished = reassembly.Mark{}, false
		w.report(w.reported, w.reportedAt, ev.Seg.At, r)
	case w.finished:
	case ev.Kind == fsm.SynResent && ev.Side == w.client:
		w.synAgain(ev, r)
	case ev.Kind == fsm.SynResent:
		w.synAckAgain(ev, r)
	case ev.Kind == fsm.SynAcked && ev.Side != w.client:
		w.ack = reassembly.MarkOf(ev.Seg)
		if w.other = w.another(r); w.other && w.synRepeats == 0 {
			w.drop(r)
		} else if w.repeated() {
			w.report(synAckRecovered, ev.Seg.At, ev.Seg.At, r)
		}
	case ev.Kind == fsm.ResetSent && ev.Side == w.client && w.ack.At == 0: // an answer, after all
		w.drop(r)
	case ev.Kind == fsm.ResetSent && ev.Side != w.client: // the server gives up
		w.finished = true
		if w.reported != nil && w.reported != synAckRecovered {
			w.rst = reassembly.MarkOf(ev.Seg)
			w.report(w.reported, w.reportedAt, ev.Seg.At, r)
		}
	case ev.Kind == fsm.Sent && ev.Side != w.client && ev.Class != fsm.Syn && !detectors.MayBeForged(ev):
		w.established(ev, r)
	}
}

// another reports whether what was acknowledged is another SYN-ACK than the first, with
// another ISN: its sender forgot the first, or never remembers any (RFC 4987 3.6), or
// another host answered. Nothing acknowledges the first then; and unless the client was
// seen to ask again, nothing shows that it waited.
func (w *synAckUnanswered) another(r *detectors.Report) bool {
	out := r.Conn.Stream(w.client.Peer())
	return w.synAck.At != 0 && out.Knows(reassembly.KnowISS) && out.ISS != w.synAck.Seq
}

// drop ends the watch: the SYN-ACK was answered.
func (w *synAckUnanswered) drop(r *detectors.Report) {
	w.finished = true
	if w.reported != nil {
		r.Withdraw(w.synAck.File, w.synAck.Frame)
	}
}

// synAgain notes the client's SYN, sent again though a SYN-ACK was seen.
func (w *synAckUnanswered) synAgain(ev fsm.Event, r *detectors.Report) {
	server := w.client.Peer()
	switch {
	case ev.Seg.Flags&reassembly.ACK != 0: // both open at the same time
		w.finished = true
	case r.Conn.Phase(server) == fsm.PhaseOpening && sentAgain(&ev, w.synRepeats):
		if w.synAck.At == 0 {
			w.synAck = r.Conn.Last(server)
		}
		w.synRepeats++
		w.syn = reassembly.MarkOf(ev.Seg)
		w.due[0].Arm(ev.Seg.At, r)
	}
}

// synAckAgain notes the server's SYN-ACK, sent again.
func (w *synAckUnanswered) synAckAgain(ev fsm.Event, r *detectors.Report) {
	if !ev.Was.Flags.Has(reassembly.SYN | reassembly.ACK) {
		return
	}
	if w.synAck.At == 0 {
		w.synAck = *ev.Was
	}
	if !sentAgain(&ev, w.repeats) {
		return
	}
	latest := r.Conn.Last(w.client)
	if latest.Flags.Has(reassembly.RST) { // an answer, too, and no acknowledgment
		w.drop(r)
		return
	}
	if r.Conn.Phase(w.client.Peer()) != fsm.PhaseOpening {
		if w.ack.At == 0 {
			w.ack = latest
		}
		// It may have left before that arrived, which takes as long as the SYN took to be
		// answered, at most.
		if ev.Seg.At-latest.At < w.synAck.At-r.Conn.First() {
			return
		}
		// One lost ACK is ignored once: the client answers each SYN-ACK that reaches it
		// (RFC 9293 3.10.7.4).
		if latest.At >= ev.Was.At {
			if w.ignored++; w.ignored == 1 {
				w.gap, w.dataWaits = ev.Seg.At-w.synAck.At, w.inFlight(r) > 0
			}
		}
	}
	w.repeats++
	w.last = reassembly.MarkOf(ev.Seg)
	if w.ignored >= 2 {
		w.report(synAckQueueFull, ev.Seg.At, ev.Seg.At, r)
	}
	w.due[0].Arm(ev.Seg.At, r)
}

func (w *synAckUnanswered) inFlight(r *detectors.Report) uint32 {
	out := r.Conn.Stream(w.client)
	return out.InFlight()
}

// repeated reports whether there is anything to report.
func (w *synAckUnanswered) repeated() bool { return w.repeats+w.synRepeats > 0 }

// established notes the server's first segment after the handshake.
func (w *synAckUnanswered) established(ev fsm.Event, r *detectors.Report) {
	w.finished = true
	switch {
	case !w.repeated():
		return
	case w.ack.At == 0: // there was an ACK that the capture lacks
		w.drop(r)
		return
	}
	w.end = reassembly.MarkOf(ev.Seg)
	switch {
	case w.reported == synAckQueueFull:
		w.report(synAckQueueFull, ev.Seg.At, ev.Seg.At, r)
	case w.reported != nil || !w.deferred():
		w.report(synAckRecovered, ev.Seg.At, ev.Seg.At, r)
	}
}

// deferred reports whether all that was seen is what a server does that waits for
// data: one more SYN-ACK, long after an ACK.
func (w *synAckUnanswered) deferred() bool {
	return w.ignored == 1 && w.repeats == 1 && w.synRepeats == 0 && !w.dataWaits && w.gap > deferGap
}

func (w *synAckUnanswered) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when an answer to the latest SYN-ACK is overdue.
func (w *synAckUnanswered) Limit(_ int, r *detectors.Report) int64 {
	return max(w.last.At, w.syn.At) + r.Nanos("patience")
}

func (w *synAckUnanswered) Overdue(_ int, o detectors.Overdue, r *detectors.Report) {
	outcome, at := w.outcome(r), o.At
	if o.Ended {
		at = o.Now
	}
	switch {
	case w.finished, outcome == nil:
	case outcome != w.reported:
		w.report(outcome, at, o.Now, r)
	case o.Ended:
		w.report(outcome, w.reportedAt, o.Now, r)
	}
}

// outcome is how things stand once an answer is overdue; nil if nothing is wrong.
func (w *synAckUnanswered) outcome(r *detectors.Report) *detectors.Outcome {
	switch {
	case w.reported == synAckQueueFull, w.ignored > 0 && w.inFlight(r) > 0:
		return synAckQueueFull
	case w.deferred():
		return nil
	case w.ack.At != 0:
		return synAckRecovered
	case w.synRepeats >= 2 && w.repeats == 0:
		return synAckNotRepeated
	case w.synRepeats > 0:
		return synAckSYNRepeated
	}
	return synAckNoACK
}

// report reports how things stand at trace time now.
func (w *synAckUnanswered) report(outcome *detectors.Outcome, at, now int64, r *detectors.Report) {
	server := w.client.Peer()
	culprit := w.client
	evidence := []detectors.Evidence{r.Evidence("SYN-ACK", server, &w.synAck)}
	add := func(role string, side reassembly.Side, m *reassembly.Mark) {
		if m.At != 0 {
			evidence = append(evidence, r.Evidence(role, side, m))
		}
	}
	if w.ignored > 0 {
		add("acknowledged", w.client, &w.ack)
	}
	add("SYN, last repeat", w.client, &w.syn)
	add("SYN-ACK, last repeat", server, &w.last)
	until := now
	if outcome == synAckRecovered {
		until = w.last.At
	}
	if w.ignored == 0 {
		add("acknowledged in the end", w.client, &w.ack)
		if w.ack.At != 0 {
			until = w.ack.At
		}
	} else {
		add("the server continues", server, &w.end)
		if w.end.At != 0 && w.dataWaits {
			until = w.end.At
		}
	}
	if w.ignored > 0 || outcome == synAckNotRepeated {
		culprit = server
	}
	add("the server gives up", server, &w.rst)
	f := r.Find(outcome, culprit, at, evidence...)
	if f.End = max(now, until); w.rst.At == 0 {
		f.States = r.StatesNow(now)
	}
	waited := until - w.synAck.At
	f.Roles = detectors.Roles("client", w.client, "server")
	f.Measure("repeats", w.repeats)
	f.Measure("syn_repeats", w.synRepeats)
	f.Measure("acks_ignored", w.ignored)
	f.Measure("unacked_bytes", int(w.inFlight(r)))
	f.Measure("waited_s", detectors.Seconds(waited))
	f.Message = w.message(outcome, waited, r)
	left := w.Limit(0, r) - now
	switch {
	case w.ignored == 1 && w.end.At == 0 && left > 0:
		f.Undecide(fmt.Sprintf("the capture ends %s before the next SYN-ACK would be overdue", detectors.Span(left)))
	case outcome == synAckRecovered:
		if waited >= r.Nanos("costly") && (w.ignored == 0 || w.dataWaits) {
			f.Severity = detectors.Warning
		}
	case w.reported != outcome && left > 0 && w.ignored < 2:
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer would be overdue", detectors.Span(left)))
	case r.Conn.Packets(w.client) == 0:
		f.Undecide("one-sided: nothing from the client was captured, not even its SYN")
	case w.ignored < 2:
		r.Absence(&f, w.synAck.At)
	}
	w.reported, w.reportedAt = outcome, at
	r.Emit(f)
}

func (w *synAckUnanswered) message(outcome *detectors.Outcome, waited int64, r *detectors.Report) string {
	client, server := r.Name(w.client), r.Name(w.client.Peer())
	m := fmt.Sprintf("%s answered the SYN of %s with SYN-ACK (frame %d)", server, client, w.synAck.Frame) + again(w.repeats, &w.synAck, &w.last)
	switch {
	case outcome == synAckQueueFull:
		m += fmt.Sprintf(", although %s had acknowledged it (frame %d). ", client, w.ack.Frame)
		if n := w.inFlight(r); n > 0 {
			m += fmt.Sprintf("%s from %s are not acknowledged either. ", detectors.Counted(n, "byte", "bytes"), client)
		}
		m += "The ACK was ignored: the server's accept queue is full, or what the client sends is lost beyond the capture point."
		if w.end.At != 0 {
			m += fmt.Sprintf(" The server continued after %s (frame %d).", detectors.Span(w.end.At-w.synAck.At), w.end.Frame)
		}
	case outcome == synAckSYNRepeated:
		m += fmt.Sprintf(", but %s repeated its SYN %s (last in frame %d) and acknowledged nothing in %s: no SYN-ACK reaches it.",
			client, detectors.Times(w.synRepeats), w.syn.Frame, detectors.Span(waited))
	case outcome == synAckNotRepeated:
		m += fmt.Sprintf(" and never repeated it, though no ACK came and %s repeated its SYN %s (last in frame %d).", client, detectors.Times(w.synRepeats), w.syn.Frame)
	case outcome == synAckNoACK:
		m += fmt.Sprintf(". Nothing came from %s in %s.", client, detectors.Span(waited))
	case w.ignored > 0:
		m += fmt.Sprintf(", although %s had acknowledged it (frame %d): that ACK was lost, or ignored at first.", client, w.ack.Frame)
	case w.other:
		m += fmt.Sprintf("; %s repeated its SYN %s and acknowledged another SYN-ACK, with another initial sequence number, %s after the first (frame %d).",
			client, detectors.Times(w.synRepeats), detectors.Span(waited), w.ack.Frame)
	case w.synRepeats > 0:
		m += fmt.Sprintf("; %s repeated its SYN %s and acknowledged the SYN-ACK in the end, %s after the first SYN-ACK (frame %d).",
			client, detectors.Times(w.synRepeats), detectors.Span(waited), w.ack.Frame)
	default:
		m += fmt.Sprintf("; %s acknowledged it in the end, %s after the first (frame %d).", client, detectors.Span(waited), w.ack.Frame)
	}
	if w.rst.At != 0 {
		m += fmt.Sprintf(" Then %s gave up with RST (frame %d).", server, w.rst.Frame)
	}
	return m
}
