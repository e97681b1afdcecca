package opening

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// EarlyReuse reports a four-tuple that is used again while its former
// connection is still in TIME_WAIT at the other end, and what came of it. RFC
// 9293 3.6.1; RFC 6191.
var EarlyReuse = &detectors.Detector{
	Name: "early-reuse",
	Doc: detectors.Doc{
		Title: "ports were used again during TIME_WAIT",
		What: "A connection ends, and the side that closed first waits in TIME_WAIT for stragglers. Before that is over, the other side sends a SYN on the same " +
			"addresses and ports. It may be taken if its ISN or its timestamp shows that it is new; else it is dropped, or answered with an ACK of the old connection, and the " +
			"client has to send it again, a second later at the earliest.",
		Cause: "The client, or a NAT or load balancer in front of many clients, uses few ports and comes round to the same one within a minute: a source port that is " +
			"bound, a small range of ports, a high rate of connections to one address and port. ISNs that are not taken from a clock, timestamps " +
			"that a NAT mixes from several hosts or that are switched off, make the server take the SYN for an old one.",
		Action: "Let the client close first, so that TIME_WAIT is where ports are chosen; widen its range of ports (net.ipv4.ip_local_port_range) or give the NAT more " +
			"addresses; keep connections open and reuse them. See that timestamps are on at both ends, and not rewritten.",
		NotThis: "A SYN that is taken at once because it is clearly new: that is what RFC 6191 and Linux do, and nothing is said. A client that uses its own port again " +
			"during its own TIME_WAIT: the server knows nothing of that. A connection that was not closed: challenged-syn.",
		Peers: "Wireshark marks the SYN \"TCP Port numbers reused\", whatever the state of the old connection and whatever comes of it.",
		Refs:  []string{"RFC 9293 3.6.1", "RFC 6191", "RFC 1122 4.2.2.13", "RFC 1337", "KB Q137984"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "refused", Severity: detectors.Warning, When: "the SYN was answered with an ACK of the old connection, to the end of the record; or with RST or nothing at all, and nothing showed that it was new"},
		{Name: "delayed", Severity: detectors.Info, When: "only a later SYN opened the connection; a warning if that took 3 s or longer"},
		{Name: "unproven", Severity: detectors.Info, When: "it was taken at once, in the first quarter of TIME_WAIT, although neither its ISN nor a timestamp showed that it was new",
			Cause: "The server gives up TIME_WAIT as soon as the port is wanted again, without the proof that RFC 9293 3.6.1 and RFC 6191 ask for.",
			Action: "A straggler of the old connection may be taken for data of the new one. Switch timestamps on (RFC 7323), and let TIME_WAIT stand " +
				"(no recycling on the server)."},
	},
	Params: []detectors.Param{
		{Name: "patience", Default: 3, Min: 0.5, Max: 3600, Unit: "s", Doc: "for how long the SYN must stay without a SYN-ACK to be refused; from here on a delay is a warning"},
	},
	StartsOn:     fsm.On(fsm.ReusedEarly),
	SubscribesTo: fsm.On(fsm.ReusedEarly, fsm.SynResent, fsm.SynChallenged, fsm.SynAcked, fsm.ResetSent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(earlyReuse) },
}

type earlyReuse struct {
	over    bool
	told    bool
	opener  reassembly.Side
	syn     reassembly.Mark
	proven  bool            // its ISN or a timestamp shows that it is new
	old     reassembly.Mark // the last of the old connection of the side in TIME_WAIT
	last    reassembly.Mark // the SYN's latest repeat
	resends int
	ack     reassembly.Mark // the ACK of the old connection that answered it
	end     reassembly.Mark // SYN-ACK or RST
}

func (w *earlyReuse) Event(ev fsm.Event, r *detectors.Report) {
	m := reassembly.MarkOf(ev.Seg)
	switch {
	case ev.Kind == fsm.ReusedEarly:
		*w = earlyReuse{opener: ev.Side, syn: m, last: m, old: *ev.Was}
		w.proven = ev.N > 0 || ev.Seg.Opts.Has&reassembly.HasTimestamps != 0
		r.WakeAt(w.deadline(r))
	case w.over || w.syn.At == 0:
	case ev.Kind == fsm.SynResent && ev.Side == w.opener:
		w.last = m
		w.resends++
		r.WakeAt(max(w.deadline(r), m.At))
	case ev.Kind == fsm.SynChallenged && w.ack.At == 0:
		w.ack = m
	case ev.Kind == fsm.SynAcked && ev.Side == w.opener:
		w.over = true
		w.taken(m, r)
	case ev.Kind == fsm.ResetSent:
		w.over = true
		if w.end = m; ev.Side != w.opener && w.doubted() {
			w.tell("refused", m.At, r)
		} else if w.told {
			r.Withdraw(w.syn.File, w.syn.Frame)
		}
	}
}

// taken takes the SYN-ACK.
func (w *earlyReuse) taken(synAck reassembly.Mark, r *detectors.Report) {
	w.end = synAck
	switch {
	case w.resends > 0 && w.doubted():
		w.tell("delayed", synAck.At, r)
	case w.told:
		r.Withdraw(w.syn.File, w.syn.Frame)
	case w.resends == 0 && !w.proven && w.syn.At-w.old.At < int64(r.Settings.TimeWait/4):
		w.tell("unproven", synAck.At, r)
	}
}

// doubted says that TIME_WAIT stood in the way, rather than a loss or a service
// that is down: the server answered for the old connection, or nothing told it
// that the SYN is new.
func (w *earlyReuse) doubted() bool { return w.ack.At != 0 || !w.proven }

// deadline is when a SYN-ACK is overdue.
func (w *earlyReuse) deadline(r *detectors.Report) int64 {
	return w.syn.At + int64(r.Value("patience")*float64(time.Second))
}

// Due tells of a SYN that was refused in one way or the other: it was sent
// again in vain, or an ACK of the old connection answered it.
func (w *earlyReuse) Due(now int64, r *detectors.Report) { w.judge(now, r) }

func (w *earlyReuse) End(e detectors.Ending, r *detectors.Report) { w.judge(e.At, r) }

func (w *earlyReuse) judge(now int64, r *detectors.Report) {
	if !w.over && now >= w.deadline(r) && (w.resends > 0 || w.ack.At != 0) && w.doubted() {
		w.tell("refused", now, r)
	}
}

func (w *earlyReuse) tell(outcome string, now int64, r *detectors.Report) {
	w.told = true
	server := w.opener.Peer()
	evidence := []detectors.Evidence{
		r.Evidence("SYN, early", w.opener, &w.syn),
		r.Evidence("end of the old connection: TIME_WAIT", server, &w.old),
	}
	if w.ack.At != 0 {
		evidence = append(evidence, r.Evidence("answered for the old connection", server, &w.ack))
	}
	if w.resends > 0 {
		evidence = append(evidence, r.Evidence("SYN, the last time", w.opener, &w.last))
	}
	if w.end.At != 0 {
		role := "SYN-ACK"
		if w.end.Flags&reassembly.RST != 0 {
			role = "RST"
		}
		evidence = append(evidence, r.Evidence(role, server, &w.end))
	}
	f := r.FindNamed(outcome, w.opener, now, evidence...)
	f.End = now
	if w.end.At == 0 {
		f.At = min(now, max(w.deadline(r), w.last.At))
		f.States = r.StatesNow(now)
		r.Absence(&f, w.syn.At)
	}
	if outcome == "delayed" && now >= w.deadline(r) {
		f.Severity = detectors.Warning
	}
	f.Roles = []detectors.Role{{Name: "client", Side: w.opener}, {Name: "server", Side: server}}
	f.Measure("since_close_s", detectors.Seconds(w.syn.At-w.old.At))
	f.Measure("syns", w.resends+1)
	f.Measure("delay_s", detectors.Seconds(now-w.syn.At))
	f.Message = w.message(outcome, now, r)
	r.Emit(f)
}

func (w *earlyReuse) message(outcome string, now int64, r *detectors.Report) string {
	client, server := r.Name(w.opener), r.Name(w.opener.Peer())
	m := fmt.Sprintf("%s used its port again (frame %d) %s after the last connection between the same ports had ended (frame %d), while %s is to keep that in TIME_WAIT.",
		client, w.syn.Frame, detectors.Span(w.syn.At-w.old.At), w.old.Frame, server)
	if w.ack.At != 0 {
		m += fmt.Sprintf(" %s answered for the old connection (frame %d).", server, w.ack.Frame)
	}
	switch {
	case outcome == "unproven":
		return m + fmt.Sprintf(" It took the SYN at once (frame %d), although neither its ISN nor a timestamp shows that it is new.", w.end.Frame)
	case w.ack.At == 0:
		m += " Neither its ISN nor a timestamp shows that the SYN is new."
	}
	switch {
	case outcome == "delayed":
		return m + fmt.Sprintf(" Only SYN number %d was taken, %s after the first (frame %d).", w.resends+1, detectors.Span(now-w.syn.At), w.end.Frame)
	case w.end.At != 0:
		return m + fmt.Sprintf(" It refused the new one with RST (frame %d).", w.end.Frame)
	}
	return m + fmt.Sprintf(" In %s no SYN-ACK came, though the SYN was sent %d times.", detectors.Span(now-w.syn.At), w.resends+1)
}
