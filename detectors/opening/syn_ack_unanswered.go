package opening

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SYNAckUnanswered reports a SYN-ACK that had to be repeated, or should have
// been: whether its ACK did not come, or came and did not count. RFC 9293 3.5.
var SYNAckUnanswered = &detectors.Detector{
	Name: "syn-ack-unanswered",
	Doc: detectors.Doc{
		Title: "a SYN-ACK had to be repeated",
		What: "A server answers SYN with SYN-ACK, and the handshake does not come to its end: the SYN-ACK is sent again, or " +
			"the client repeats its SYN as if it had not been answered. The server waits in SYN_RECEIVED.",
		Cause: "The SYN-ACK or its ACK was lost on the way. What else there is goes by the outcome.",
		Action: "See from the outcome which of the two did not arrive, and capture on that side. On the server: ss -ltn, " +
			"nstat TcpExtListenOverflows, TcpExtTCPReqQFullDoCookies.",
		NotThis: "A SYN-ACK that comes twice at once: the network doubled it. A second SYN-ACK that had left before the ACK could " +
			"arrive, on a path slower than the timer. A server that waits for data before it lets a connection count " +
			"(TCP_DEFER_ACCEPT) and repeats its SYN-ACK when that takes long: normal. A client that answers with RST. " +
			"Hosts that open to each other at the same time.",
		Peers: "Wireshark marks a repeated SYN-ACK as a retransmission, and the client's ACK of it as a Dup ACK; that the ACK did not count it " +
			"does not say.",
		Refs:  []string{"RFC 9293 3.5", "RFC 9293 3.10.7.4", "Linux tcp_check_req(), tcp_abort_on_overflow"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "accept-queue-full", Severity: detectors.Warning, When: "the SYN-ACK was repeated although its ACK had been seen: twice or more, or with data of the client that stays unacknowledged",
			Cause: "The server's application does not accept connections as fast as they come, its accept queue is full, and its " +
				"kernel ignores the ACK (Linux with net.ipv4.tcp_abort_on_overflow=0): the client believes that it is connected. " +
				"Or all that the client sends is lost behind the capture point.",
			Action: "On the server: ss -ltn (Recv-Q above Send-Q), nstat TcpExtListenOverflows; see why the application does not accept, " +
				"and raise its backlog and net.core.somaxconn. If the queue is short, capture there: the ACKs do not arrive.",
		},
		{Name: "syn-repeated", Severity: detectors.Warning, When: "the client goes on repeating its SYN, though SYN-ACKs were seen",
			Cause: "The SYN-ACK does not reach the client: a firewall between the capture point and it, a route back that is " +
				"another than the way there, or the client's own filter (iptables, rp_filter, wrong checksums).",
			Action: "Capture on the client. If the SYN-ACK comes in there, look at its filters and at nstat; if not, follow the way back.",
		},
		{Name: "not-repeated", Severity: detectors.Warning, When: "the client repeated its SYN at least twice, and the server sent its SYN-ACK but once",
			Cause: "The server neither repeats its SYN-ACK when no ACK comes (RFC 9293 3.8.1) nor answers the repeated SYN: its stack is at " +
				"fault, it went away, or something began to drop the SYNs.",
			Action: "Capture on the server: do the repeated SYNs arrive there, and what does it send?",
		},
		{Name: "ack-missing", Severity: detectors.Info, When: "nothing more came from the client",
			Cause: "A SYN with a forged source (a flood), a scan, or a client that went away or gave up; or no SYN-ACK arrives.",
			Action: "One is nothing. Many of one address are a scan or a broken way back; many of many addresses are a SYN flood: " +
				"see that net.ipv4.tcp_syncookies is on.",
		},
		{Name: "recovered", Severity: detectors.Info, When: "the handshake came to its end at last; a warning if that took 3 s or longer",
			Cause: "A SYN-ACK or its ACK was lost, or the path is slower than the timer. After an ACK that was seen, TCP_DEFER_ACCEPT " +
				"and a moment of a full accept queue look the same.",
		},
	},
	Params: []detectors.Param{
		{Name: "patience", Default: 3, Min: 0.5, Max: 3600, Unit: "s", Doc: "how long after the last SYN-ACK, or repeated SYN, an answer may still come"},
		{Name: "costly", Default: 3, Min: 0, Max: 3600, Unit: "s", Doc: "how late the handshake must end to be a warning"},
	},
	StartsOn:     fsm.On(fsm.SynResent),
	SubscribesTo: fsm.On(fsm.SynResent, fsm.SynAcked, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch: func(r *detectors.Report) detectors.Watcher {
		client, _ := r.Old.Opener()
		if r.Old.Half(client.Peer()).Phase == fsm.PhaseIdle { // syn-unanswered
			return nil
		}
		return &synAckUnanswered{client: client}
	},
}

// deferGap is how long after a SYN-ACK a single repeat, with an ACK in between
// and no data, need not mean a loss: the first timeouts are 1 s and 3 s, and a
// server that defers its accept repeats when its patience ends.
const deferGap = int64(4 * time.Second)

type synAckUnanswered struct {
	client   reassembly.Side
	synAck   reassembly.Mark // the first; its At is 0 if nothing has been sent again
	last     reassembly.Mark // the latest SYN-ACK, if it was repeated
	syn      reassembly.Mark // the client's latest SYN since, if it was repeated
	ack      reassembly.Mark // of the SYN-ACK: the first, or what was known of it
	end      reassembly.Mark // the server's first segment behind the handshake
	rst      reassembly.Mark // with which the server gave up
	repeats  int             // of the SYN-ACK
	asked    int             // SYNs repeated since the SYN-ACK
	ignored  int             // SYN-ACKs repeated after an ACK that should have arrived
	waiting  bool            // when the first of these was sent, data was waiting
	gap      int64           // from the SYN-ACK to the first of these
	said     string          // outcome as told; "" if nothing is
	saidAt   int64
	finished bool
}

func (w *synAckUnanswered) Event(ev fsm.Event, r *detectors.Report) {
	switch {
	case ev.Kind == fsm.Revived && w.rst.At != 0: // it did not give up
		w.rst, w.finished = reassembly.Mark{}, false
		w.tell(w.said, w.saidAt, ev.Seg.At, r)
	case w.finished:
	case ev.Kind == fsm.SynResent && ev.Side == w.client:
		w.synAgain(ev, r)
	case ev.Kind == fsm.SynResent:
		w.synAckAgain(ev, r)
	case ev.Kind == fsm.SynAcked && ev.Side != w.client:
		w.ack = reassembly.MarkOf(ev.Seg)
		if w.repeated() {
			w.tell("recovered", ev.Seg.At, ev.Seg.At, r)
		}
	case ev.Kind == fsm.ResetSent && ev.Side == w.client && w.ack.At == 0: // it was answered, after all
		w.drop(r)
	case ev.Kind == fsm.ResetSent && ev.Side != w.client:
		w.gaveUp(ev, r)
	case ev.Kind == fsm.Sent && ev.Side != w.client && ev.Class != fsm.Syn && ev.Class != fsm.OutOfWindow && ev.Class != fsm.Rst:
		w.finish(ev, r)
	}
}

// drop ends the watch: the SYN-ACK was answered.
func (w *synAckUnanswered) drop(r *detectors.Report) {
	w.finished = true
	if w.said != "" {
		r.Withdraw(w.synAck.File, w.synAck.Frame)
	}
}

// gaveUp takes the server's RST: the end of what was told, if that was told.
func (w *synAckUnanswered) gaveUp(ev fsm.Event, r *detectors.Report) {
	w.finished = true
	if w.said != "" && w.said != "recovered" {
		w.rst = reassembly.MarkOf(ev.Seg)
		w.tell(w.said, w.saidAt, ev.Seg.At, r)
	}
}

// synAgain takes the client's SYN, sent again though a SYN-ACK was seen.
func (w *synAckUnanswered) synAgain(ev fsm.Event, r *detectors.Report) {
	server := w.client.Peer()
	switch {
	case ev.Seg.Flags&reassembly.ACK != 0: // both open at the same time
		w.finished = true
	case r.Old.Half(server).Phase != fsm.PhaseOpening || !repeats(&ev):
	default:
		if w.synAck.At == 0 {
			w.synAck = r.Old.LastSent(server)
		}
		w.asked++
		w.syn = reassembly.MarkOf(ev.Seg)
		r.WakeAt(w.deadline(r))
	}
}

// synAckAgain takes the server's SYN-ACK, sent again.
func (w *synAckUnanswered) synAckAgain(ev fsm.Event, r *detectors.Report) {
	const synAck = reassembly.SYN | reassembly.ACK
	if ev.Was.Flags&synAck != synAck {
		return
	}
	if w.synAck.At == 0 {
		w.synAck = *ev.Was
	}
	if !repeats(&ev) {
		return
	}
	if r.Old.Half(w.client.Peer()).Phase != fsm.PhaseOpening {
		latest := r.Old.LastSent(w.client)
		if w.ack.At == 0 {
			w.ack = latest
		}
		// It may have left before that arrived: it takes as long as the SYN took
		// to be answered, at most.
		if ev.Seg.At-latest.At < w.synAck.At-r.Old.First() {
			return
		}
		// One lost ACK is ignored once: the client answers each SYN-ACK that
		// reaches it (RFC 9293 3.10.7.4).
		if latest.At >= ev.Was.At {
			if w.ignored++; w.ignored == 1 {
				w.gap, w.waiting = ev.Seg.At-w.synAck.At, r.Old.Stream(w.client).InFlight() > 0
			}
		}
	}
	w.repeats++
	w.last = reassembly.MarkOf(ev.Seg)
	if w.ignored >= 2 {
		w.tell("accept-queue-full", ev.Seg.At, ev.Seg.At, r)
	}
	r.WakeAt(w.deadline(r))
}

// repeated says whether there is anything to report.
func (w *synAckUnanswered) repeated() bool { return w.repeats+w.asked > 0 }

// finish takes the server's first segment behind the handshake.
func (w *synAckUnanswered) finish(ev fsm.Event, r *detectors.Report) {
	w.finished = true
	switch {
	case !w.repeated():
		return
	case w.ack.At == 0: // there was an ACK, which the capture does not have
		w.drop(r)
		return
	}
	w.end = reassembly.MarkOf(ev.Seg)
	outcome := w.said
	if outcome != "accept-queue-full" {
		outcome = "recovered"
	}
	if w.said == "" && w.deferred() {
		return
	}
	w.tell(outcome, ev.Seg.At, ev.Seg.At, r)
}

// deferred says whether all that was seen is what a server does that waits for
// data: one SYN-ACK more, long after an ACK.
func (w *synAckUnanswered) deferred() bool {
	return w.ignored == 1 && w.repeats == 1 && w.asked == 0 && !w.waiting && w.gap > deferGap
}

// deadline is when an answer to the latest SYN-ACK is overdue.
func (w *synAckUnanswered) deadline(r *detectors.Report) int64 {
	return max(w.last.At, w.syn.At) + int64(r.Value("patience")*float64(time.Second))
}

func (w *synAckUnanswered) Due(now int64, r *detectors.Report) {
	if w.finished || !w.repeated() || w.said == "accept-queue-full" {
		return
	}
	if at := w.deadline(r); at > now {
		r.WakeAt(at)
	} else if outcome := w.outcome(r); outcome != w.said && outcome != "" {
		w.tell(outcome, at, now, r)
	}
}

// outcome is how things stand once an answer is overdue.
func (w *synAckUnanswered) outcome(r *detectors.Report) string {
	switch {
	case w.ignored > 0 && r.Old.Stream(w.client).InFlight() > 0:
		return "accept-queue-full"
	case w.deferred():
		return ""
	case w.ack.At != 0:
		return "recovered"
	case w.asked >= 2 && w.repeats == 0:
		return "not-repeated"
	case w.asked > 0:
		return "syn-repeated"
	}
	return "ack-missing"
}

func (w *synAckUnanswered) End(e detectors.Ending, r *detectors.Report) {
	if w.finished || !w.repeated() {
		return
	}
	outcome, at := w.outcome(r), w.saidAt
	if w.said == "accept-queue-full" {
		outcome = w.said
	}
	if w.said != outcome {
		at = e.At
	}
	if outcome != "" {
		w.tell(outcome, at, e.At, r)
	}
}
