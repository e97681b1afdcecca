package opening

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// EarlyReuse reports a four-tuple that is reused while its previous connection is
// still in TIME_WAIT at the other end, and what came of that. RFC 9293 3.6.1; RFC 6191.
var EarlyReuse = &detectors.Detector{
	Name: "early-reuse",
	Doc: detectors.Doc{
		Title: "ports were reused during TIME_WAIT",
		What: "A connection ends, and the side that closed first waits in TIME_WAIT for old duplicates. Before that is over, the other side sends a SYN on the same " +
			"addresses and ports. It may be accepted if its ISN or its timestamp shows that it is new. Otherwise it is dropped, or answered with an ACK of the old connection, and the " +
			"client has to send it again, a second later at the earliest.",
		Cause: "The client, or a NAT or load balancer in front of many clients, has few ports and comes back to the same one within a minute: a fixed source port, " +
			"a small port range, a high rate of connections to one address and port. If ISNs do not come from a clock, or timestamps are " +
			"switched off or mixed from several hosts by a NAT, the server takes the SYN for an old one.",
		Action: "Let the client close first, so that TIME_WAIT is on the side that chooses ports. Widen its port range (net.ipv4.ip_local_port_range) or give the NAT more " +
			"addresses. Keep connections open and reuse them. Check that timestamps are enabled at both ends, and not rewritten.",
		NotThis: "A SYN that is accepted at once because it is clearly new: RFC 6191 and Linux do that, and nothing is reported. A client that reuses its own port " +
			"during its own TIME_WAIT: the server knows nothing of that. A connection that was not closed: challenged-syn.",
		Peers: "Wireshark marks the SYN \"TCP Port numbers reused\", regardless of the state of the old connection and of the outcome.",
		Refs:  []string{"RFC 9293 3.6.1", "RFC 6191", "RFC 1122 4.2.2.13", "RFC 1337", "KB Q137984"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{reuseRefused, reuseDelayed, reuseUnproven},
	Params: []detectors.Param{
		{Name: "patience", Default: 3, Min: 0.5, Max: 3600, Unit: "s", Doc: "time without a SYN-ACK after which the SYN counts as refused; a delay this long is a warning"},
	},
	StartsOn:     fsm.On(fsm.ReusedEarly),
	SubscribesTo: fsm.On(fsm.ReusedEarly, fsm.SynResent, fsm.SynChallenged, fsm.SynAcked, fsm.ResetSent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(earlyReuse) },
}

var (
	reuseRefused = &detectors.Outcome{Name: "refused", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "until the end of the capture, the SYN was answered with an ACK of the old connection; or it was answered with RST or not at all, and nothing showed that it was new"}
	reuseDelayed = &detectors.Outcome{Name: "delayed", Severity: detectors.Info, Fault: detectors.FaultHost,
		When: "only a later SYN opened the connection; a warning if that took 3 s or longer"}
	reuseUnproven = &detectors.Outcome{Name: "unproven", Severity: detectors.Info, Fault: detectors.FaultHost,
		When:  "it was accepted at once, in the first quarter of TIME_WAIT, although neither its ISN nor a timestamp showed that it was new",
		Cause: "The server gives up TIME_WAIT as soon as the port is wanted again, without the proof that RFC 9293 3.6.1 and RFC 6191 ask for.",
		Action: "An old duplicate may be taken for data of the new connection. Enable timestamps (RFC 7323), and leave TIME_WAIT alone " +
			"(no recycling on the server)."}
)

type earlyReuse struct {
	due     [1]detectors.Deadline // a SYN-ACK
	opener  reassembly.Side
	syn     reassembly.Mark
	proven  bool            // its ISN or a timestamp shows that it is new
	vague   bool            // the text numbers each connection from 0, so that the ISN is unknown
	old     reassembly.Mark // the last segment of the old connection from the side in TIME_WAIT
	last    reassembly.Mark // the SYN's latest repeat
	repeats int
	ack     reassembly.Mark // the ACK of the old connection that answered it
	end     reassembly.Mark // SYN-ACK or RST
}

func (w *earlyReuse) Event(ev fsm.Event, r *detectors.Report) {
	m := reassembly.MarkOf(ev.Seg)
	switch due := &w.due[0]; {
	case ev.Kind == fsm.ReusedEarly:
		*w = earlyReuse{opener: ev.Side, syn: m, last: m, old: *ev.Was}
		w.vague = ev.Seg.Missing&reassembly.MissingSeq != 0
		w.proven = ev.N > 0 && !w.vague || ev.Seg.Opts.Has&reassembly.HasTimestamps != 0
		due.Arm(m.At, r)
	case !due.Armed():
	case ev.Kind == fsm.SynResent && ev.Side == w.opener:
		w.last = m
		w.repeats++
		due.Extend(w.syn.At, r) // the limit may have passed before there was a repeat to report
	case ev.Kind == fsm.SynChallenged && w.ack.At == 0:
		w.ack = m
	case ev.Kind == fsm.SynAcked && ev.Side == w.opener:
		w.accepted(m, r)
	case ev.Kind == fsm.ResetSent:
		if w.end = m; ev.Side != w.opener && w.inTheWay() {
			due.Disarm()
			r.Emit(w.finding(reuseRefused, m.At, m.At, r))
		} else {
			due.Satisfy(r)
		}
	}
}

// accepted notes the SYN-ACK.
func (w *earlyReuse) accepted(synAck reassembly.Mark, r *detectors.Report) {
	w.end = synAck
	due := &w.due[0]
	switch {
	case w.repeats > 0 && w.inTheWay():
		due.Disarm()
		f := w.finding(reuseDelayed, synAck.At, synAck.At, r)
		if synAck.At >= w.syn.At+r.Nanos("patience") {
			f.Severity = detectors.Warning
		}
		r.Emit(f)
	case due.Reported():
		due.Satisfy(r)
	default:
		due.Disarm()
		if w.repeats == 0 && !w.proven && w.syn.At-w.old.At < int64(r.Settings.TimeWait/4) {
			r.Emit(w.finding(reuseUnproven, synAck.At, synAck.At, r))
		}
	}
}

// inTheWay reports whether TIME_WAIT was in the way, and not a loss or a service that
// is down: the server answered for the old connection, or nothing showed it that the
// SYN is new.
func (w *earlyReuse) inTheWay() bool { return w.ack.At != 0 || !w.proven }

func (w *earlyReuse) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when a SYN-ACK is overdue, or the latest SYN if that was sent later.
func (w *earlyReuse) Limit(_ int, r *detectors.Report) int64 {
	return max(w.syn.At+r.Nanos("patience"), w.last.At)
}

// Overdue reports a SYN that was sent again in vain, or that an ACK of the old
// connection answered.
func (w *earlyReuse) Overdue(_ int, o detectors.Overdue, r *detectors.Report) {
	if o.Short > 0 || w.repeats == 0 && w.ack.At == 0 || !w.inTheWay() {
		return
	}
	f := w.finding(reuseRefused, o.At, o.Now, r)
	f.States = r.StatesNow(o.Now)
	r.Absence(&f, w.syn.At)
	w.due[0].Emit(f, r)
}

// finding is how things stand at trace time now.
func (w *earlyReuse) finding(outcome *detectors.Outcome, at, now int64, r *detectors.Report) detectors.Finding {
	server := w.opener.Peer()
	evidence := []detectors.Evidence{
		r.Evidence("SYN, early", w.opener, &w.syn),
		r.Evidence("end of the old connection: TIME_WAIT", server, &w.old),
	}
	if w.ack.At != 0 {
		evidence = append(evidence, r.Evidence("ACK of the old connection", server, &w.ack))
	}
	if w.repeats > 0 {
		evidence = append(evidence, r.Evidence("SYN, last repeat", w.opener, &w.last))
	}
	if w.end.At != 0 {
		role := "SYN-ACK"
		if w.end.Flags&reassembly.RST != 0 {
			role = "RST"
		}
		evidence = append(evidence, r.Evidence(role, server, &w.end))
	}
	culprit := w.opener
	if outcome == reuseUnproven {
		culprit = server // it gave up TIME-WAIT, of which the client need not know
	}
	f := r.Find(outcome, culprit, at, evidence...)
	f.End = now
	f.Roles = detectors.Roles("client", w.opener, "server")
	f.Measure("since_close_s", detectors.Seconds(w.syn.At-w.old.At))
	f.Measure("syns", w.repeats+1)
	f.Measure("delay_s", detectors.Seconds(now-w.syn.At))
	f.Message = w.message(outcome, now, r)
	if w.vague && !w.proven {
		f.Undecide("seq-unknown: the text numbers each connection from 0, so the ISN of the SYN may show that it is new")
	}
	return f
}

func (w *earlyReuse) message(outcome *detectors.Outcome, now int64, r *detectors.Report) string {
	client, server := r.Name(w.opener), r.Name(w.opener.Peer())
	m := fmt.Sprintf("%s reused its port (frame %d) %s after the last connection on the same ports had ended (frame %d), which %s must keep in TIME_WAIT.",
		client, w.syn.Frame, detectors.Span(w.syn.At-w.old.At), w.old.Frame, server)
	if w.ack.At != 0 {
		m += fmt.Sprintf(" %s answered for the old connection (frame %d).", server, w.ack.Frame)
	}
	switch {
	case outcome == reuseUnproven:
		return m + fmt.Sprintf(" %s accepted the SYN at once (frame %d), although neither its ISN nor a timestamp shows that it is new.", server, w.end.Frame)
	case w.ack.At == 0:
		m += " Neither its ISN nor a timestamp shows that the SYN is new."
	}
	switch {
	case outcome == reuseDelayed:
		return m + fmt.Sprintf(" Only SYN number %d was accepted, %s after the first (frame %d).", w.repeats+1, detectors.Span(now-w.syn.At), w.end.Frame)
	case w.end.At != 0:
		return m + fmt.Sprintf(" %s refused the new connection with RST (frame %d).", server, w.end.Frame)
	}
	return m + fmt.Sprintf(" No SYN-ACK came in %s, though the SYN was sent %s.", detectors.Span(now-w.syn.At), detectors.Times(w.repeats+1))
}
