package opening

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// NoData reports a server that accepts a connection and closes it at once, before
// either side has sent a byte.
var NoData = &detectors.Detector{
	Name: "no-data",
	Doc: detectors.Doc{
		Title: "a connection was accepted and closed at once",
		What: "The handshake completes, and the side that was connected to sends FIN at once, before a single byte " +
			"was sent either way.",
		Cause: "Something accepts connections on behalf of an application that is not there or does not want this one: a " +
			"proxy or load balancer without a healthy backend, docker-proxy before its container listens, TCP wrappers or an " +
			"access list by address, a connection limit, a process that dies as it starts (inetd).",
		Action: "Check the log of the process that listens there, at this time. If it is a proxy, look at its backend.",
		NotThis: "A client that closes first, as health checks and port scans do. A server that half-closes at once and takes data afterwards. A server that closes after an idle timeout. A RST " +
			"instead of the FIN. From port 1024 on, no host is accused: an FTP data connection (RFC 959) of an empty directory or file looks the same; " +
			"it is undecided if the capture has a control connection of the two hosts.",
		Peers: "Wireshark says nothing: every segment is in order.",
		Refs:  []string{"RFC 9293 3.6"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{closedAtOnce},
	Params: []detectors.Param{
		{Name: "within", Default: 0.1, Min: 0.001, Max: 3600, Unit: "s", Doc: "maximum time between the handshake's last ACK and the FIN; one and a half round trips if that is longer"},
	},
	StartsOn:     fsm.On(fsm.ClosedWithoutData),
	SubscribesTo: fsm.On(fsm.ClosedWithoutData, fsm.DataSent, fsm.Advanced),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(noData) },
	YieldsTo:     []string{"reset-cause", "unretransmitted-fin", "fin-unanswered"},
}

var closedAtOnce = &detectors.Outcome{Name: "closed-at-once", Severity: detectors.Info, Fault: detectors.FaultHost,
	When: "the FIN came within 0.1 s of the handshake, or one and a half round trips"}

type noData struct {
	ack, fin reassembly.Mark // the last of the handshake, and what was reported; At is 0 if nothing was
	server   reassembly.Side
	states   [2]fsm.State // before the FIN
}

// useSoon is how soon a client has used the half-closed connection if it does, in nanoseconds.
const useSoon = 1e9

// End extends what was reported to when the client would have used the connection, and
// doubts it if the capture ends before.
func (w *noData) End(e detectors.Ending, r *detectors.Report) {
	_, reset := r.Conn.ResetBy()
	if w.fin.At == 0 || e.Why != detectors.TraceOver || reset || r.Conn.Phase(w.server.Peer()) >= fsm.PhaseFinSent {
		return
	}
	f := w.finding(r)
	f.End = min(e.At, w.fin.At+useSoon)
	if e.At < w.fin.At+useSoon {
		f.Undecide(fmt.Sprintf("the capture ends %s after the FIN: the client may have sent data afterwards, which the server accepts if it has only half-closed",
			detectors.Span(e.At-w.fin.At)))
	}
	r.Emit(f)
}

func (w *noData) Event(ev fsm.Event, r *detectors.Report) {
	if ev.Kind == fsm.ClosedWithoutData {
		w.closed(ev, r)
	} else if w.fin.At != 0 && ev.Side != w.server && w.usesHalfClose(ev, r) {
		r.Withdraw(w.fin.File, w.fin.Frame)
		w.fin.At = 0
	}
}

// usesHalfClose reports whether data arrives at the half-closed server: it accepts it, or
// the client sends it knowing of the FIN (RFC 9293 3.6, case 1). Data that crosses the
// FIN and is never acknowledged found nobody.
func (w *noData) usesHalfClose(ev fsm.Event, r *detectors.Report) bool {
	if ev.Kind == fsm.DataSent {
		return ev.Seg.Ack.After(w.fin.Seq)
	}
	return r.Conn.Bytes(ev.Side) > 0
}

func (w *noData) closed(ev fsm.Event, r *detectors.Report) {
	if ev.Seg.At-ev.Was.At >= max(r.Nanos("within"), int64(3*r.Conn.RTT()/2)) {
		return
	}
	*w = noData{ack: *ev.Was, fin: reassembly.MarkOf(ev.Seg), server: ev.Side, states: r.Before}
	r.Emit(w.finding(r))
}

// finding is how things stand when the FIN is sent.
func (w *noData) finding(r *detectors.Report) detectors.Finding {
	server, client, after := w.server, w.server.Peer(), w.fin.At-w.ack.At
	f := r.Find(closedAtOnce, server, w.fin.At,
		r.Evidence("FIN", server, &w.fin), r.Evidence("last ACK of the handshake", client, &w.ack))
	f.End, f.States = w.fin.At, w.states
	f.Roles = detectors.Roles("server", server, "client")
	f.Measure("after_s", detectors.Seconds(after))
	f.Message = fmt.Sprintf("%s accepted %s's connection (frame %d), then closed it %s later (frame %d), before either side had sent a byte.",
		r.Name(server), r.Name(client), w.ack.Frame, detectors.Span(after), w.fin.Frame)
	if r.Conn.Endpoint(server).Port >= unprivileged {
		f.Fault, f.MayBeData = detectors.FaultUnknown, true
		f.Message += " If that is a data connection of FTP, an empty directory or file is no fault."
	}
	return f
}

// unprivileged is the first port that needs no privilege: the data connections of FTP have such
// ports at the side that is connected to (RFC 959 3.2).
const unprivileged = 1024
