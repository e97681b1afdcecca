package closing

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// HalfCloseCut reports a half-closed connection that is gone when it is used again
// after a silence. RFC 9293 3.6; KB 813056, KB 923200.
var HalfCloseCut = &detectors.Detector{
	Name: "half-close-cut",
	Doc: detectors.Doc{
		Title: "a half-closed connection was gone when it was used again",
		What: "One side has sent FIN and continues to receive. After a silence of half a minute or more, the open side sends data again, " +
			"or either side sends a keep-alive, and is answered with RST, or not at all.",
		Cause: "Something forgot the connection during the silence. Half-closed connections are forgotten sooner than others: by proxies (docker-proxy: " +
			"after a minute, moby#29655), by connection tracking (Linux netfilter: 60 s in CLOSE_WAIT, 120 s in FIN_WAIT), and by the closer's own TCP in FIN_WAIT_2 " +
			"(Windows: 120 s, and in Windows Server 2003 300 s even while data arrived; Linux: tcp_fin_timeout, 60 s, once the socket is " +
			"closed). Or the closer's application closed its socket completely, which does not show on the wire.",
		Action: "Compare the silence with the timeouts of the devices on the path and of the closer's host. Let the side that waits close " +
			"only when it has its answer, or send keep-alives or application data during the silence.",
		NotThis: "A side that closed, and whose peer sends a new request into that connection: reset-cause reports data-after-close. A connection that " +
			"neither side had closed: dead-peer, idle-blackhole. What a client still sends, less than a minute later, to a server that had closed after its answer: reset-cause, data-after-close. A FIN after the silence, also behind what may be a close_notify of HTTPS, even if it is answered with RST: nothing is lost (close-wait-leak).",
		Peers: "Wireshark shows a RST, or retransmissions, and gives no cause.",
		Refs:  []string{"KB 813056", "KB 923200", "RFC 9293 3.6", "moby/moby#29655"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{cutReset, cutUnanswered},
	Params: []detectors.Param{
		{Name: "idle", Default: 30, Min: 1, Max: 1e6, Unit: "s", Doc: "silence of both sides after which a half-closed connection may be forgotten"},
		{Name: "min-resends", Default: 3, Min: 1, Max: 100, Unit: "", Doc: "minimum number of retransmissions without an answer"},
		{Name: "patience", Default: 6, Min: 0.5, Max: 3600, Unit: "s", Doc: "minimum time without an answer"},
	},
	StartsOn:     fsm.On(fsm.HalfClosed),
	SubscribesTo: fsm.On(fsm.HalfClosed, fsm.Advanced, fsm.DataResent, fsm.FinWithdrawn, fsm.SentBeyondFin, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(halfCloseCut) },
}

var (
	cutReset = &detectors.Outcome{Name: "reset", Severity: detectors.Warning, Fault: detectors.FaultSuspected,
		When: "the first segment after the silence was answered with RST, although the half-closed connection had been in use, or data came that may be the first answer to a request"}
	cutUnanswered = &detectors.Outcome{Name: "unanswered", Severity: detectors.Warning,
		When: "data after the silence was retransmitted repeatedly, and nothing came back"}
)

type halfCloseCut struct {
	due     [1]detectors.Deadline // the answer to the trigger; armed once that was sent again often enough
	closer  reassembly.Side
	inUse   bool            // the closer received data after its FIN
	waits   bool            // or it seems to wait for the first: its FIN ended a request
	ack     reassembly.Mark // the acknowledgment of its FIN
	before  reassembly.Mark // the last segment before the silence
	user    reassembly.Side // who broke the silence
	trigger reassembly.Mark // with this segment; its At is 0 if nothing is unanswered
	again   reassembly.Mark // its first retransmission
	last    reassembly.Mark // its latest
	repeats int             // how often it was retransmitted
	probe   bool            // it is a keep-alive
	latest  reassembly.Mark
	resends int // retransmissions of it, and of what the user sent after it
	rst     reassembly.Mark
	ttl     [2]uint8 // of each side's latest segment
	void    bool     // the closer sent more: that was no FIN, or its numbers are wrong
}

func (w *halfCloseCut) Event(ev fsm.Event, r *detectors.Report) {
	switch {
	case ev.Kind == fsm.HalfClosed:
		w.begin(ev, r)
	case w.void:
	case (ev.Kind == fsm.FinWithdrawn || ev.Kind == fsm.SentBeyondFin) && ev.Side == w.closer:
		w.answered(r)
		w.void = true
	case w.rst.At != 0:
		if ev.Kind == fsm.Revived {
			w.answered(r)
			w.rst = reassembly.Mark{}
		}
	case ev.Kind == fsm.Advanced:
		w.inUse = w.inUse || ev.Side != w.closer
	case ev.Kind == fsm.DataResent:
		w.resent(ev, r)
	case ev.Kind == fsm.ResetSent:
		w.reset(ev, r)
	case ev.Kind == fsm.Sent && !detectors.MayBeForged(ev):
		w.sent(ev, r)
	}
}

// begin takes the half-close, a second ago. The closer waits for an answer if it is the client, its FIN
// came with the end of its request, and the other side has sent no data.
func (w *halfCloseCut) begin(ev fsm.Event, r *detectors.Report) {
	*w = halfCloseCut{closer: ev.Side, ack: reassembly.MarkOf(ev.Seg)}
	fin := r.Conn.Last(ev.Side)
	w.waits = fin.Flags&reassembly.FIN != 0 && fin.Len > 0 && r.Conn.Bytes(ev.Side.Peer()) == 0 && opened(r.Conn, ev.Side)
	w.before = r.Conn.Last(ev.Side.Peer())
	w.ttl[ev.Side], w.ttl[ev.Side.Peer()] = fin.TTL, w.before.TTL
	if fin.At > w.before.At {
		w.before = fin
	}
}

// sent takes any segment: one that breaks a silence, or one that shows that the other
// side still has the connection.
func (w *halfCloseCut) sent(ev fsm.Event, r *detectors.Report) {
	m := reassembly.MarkOf(ev.Seg)
	w.ttl[ev.Side] = m.TTL
	silent := m.At-w.before.At >= r.Nanos("idle")
	asks := (m.Len > 0 || ev.Class == fsm.KeepAlive) && m.Flags&reassembly.FIN == 0
	switch {
	case w.trigger.At != 0 && ev.Side != w.user:
		w.answered(r)
	case w.trigger.At != 0 && w.repeats == 0 && mayPart(&w.trigger, r) && parts(&w.trigger, &m): // nothing was used again
		w.answered(r)
		w.void = true
	case w.trigger.At == 0 && silent && asks && !outstanding(ev, r.Conn):
		w.trigger, w.user, w.latest, w.probe = m, ev.Side, m, ev.Class == fsm.KeepAlive
		return
	}
	if w.trigger.At == 0 {
		w.before = m
	} else {
		w.latest = m
	}
}

// outstanding reports whether the segment carries data that was sent before it, or follows some that is
// not acknowledged yet. Nobody was silent then: a retransmission timer was running, which grows to
// 60 s and more (RFC 6298 2.5; Linux: TCP_RTO_MAX, 120 s).
func outstanding(ev fsm.Event, v fsm.View) bool {
	out := v.Stream(ev.Side)
	return ev.Class == fsm.Retransmission || ev.Class != fsm.KeepAlive && out.Knows(reassembly.KnowUna) && out.Una.Before(ev.Seg.Seq)
}

// answered ends the wait, and withdraws what was reported of it.
func (w *halfCloseCut) answered(r *detectors.Report) {
	w.due[0].Withdraw(r)
	w.due[0].Disarm()
	w.trigger, w.resends, w.repeats = reassembly.Mark{}, 0, 0
}

func (w *halfCloseCut) resent(ev fsm.Event, r *detectors.Report) {
	if w.trigger.At == 0 || ev.Side != w.user {
		return
	}
	w.resends++
	if ev.Seg.Seq.AtOrBefore(w.trigger.Seq) { // it comes first, and what was sent after it may come with it
		w.last = reassembly.MarkOf(ev.Seg)
		if w.repeats++; w.repeats == 1 {
			w.again = w.last
		}
	}
	if w.resends >= int(r.Value("min-resends")) && w.repeats > 0 && !w.due[0].Armed() && !w.due[0].Reported() {
		w.due[0].Arm(ev.Seg.At, r)
	}
}

// patient is when the trigger has been unanswered for long enough.
func (w *halfCloseCut) patient(r *detectors.Report) int64 {
	return w.trigger.At + max(r.Nanos("patience"), int64(3*r.Conn.RTO(w.user)))
}

// reset takes a RST: the answer to the trigger, or the end of the wait for one.
func (w *halfCloseCut) reset(ev fsm.Event, r *detectors.Report) {
	w.rst = reassembly.MarkOf(ev.Seg)
	if w.trigger.At == 0 {
		return
	}
	waiting := w.due[0].Armed()
	w.due[0].Disarm()
	answers := detectors.Answers(&w.rst, &w.trigger) || detectors.Answers(&w.rst, &w.latest)
	switch {
	case ev.Side == w.user: // it gave up
		if waiting && ev.Seg.At >= w.patient(r) {
			w.report(cutUnanswered, ev.Seg.At, r)
		}
	case w.final(r.Conn):
		w.due[0].Withdraw(r)
	case (w.inUse || w.waits && !w.probe) && answers && w.rst.At-w.latest.At <= int64(r.Conn.RTO(ev.Side)):
		w.report(cutReset, ev.Seg.At, r)
	default:
		w.due[0].Withdraw(r)
	}
}

// soonest is the shortest timer that is known to forget half-closed connections (netfilter, in CLOSE_WAIT).
const soonest = int64(time.Minute)

// final reports whether a server had closed after its answer, and the silence was too short for any timer: it may read for
// a while what the client still sends, and then close its socket completely. reset-cause says what to think of such data.
func (w *halfCloseCut) final(v fsm.View) bool {
	opener, known := v.Opener()
	return known && opener != w.closer && w.user != w.closer && v.Bytes(w.closer) > 0 && w.trigger.At-w.before.At < soonest
}

func (w *halfCloseCut) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when the answer is overdue.
func (w *halfCloseCut) Limit(_ int, r *detectors.Report) int64 {
	return max(w.patient(r), w.due[0].Since())
}

func (w *halfCloseCut) Overdue(_ int, o detectors.Overdue, r *detectors.Report) {
	if o.Now >= w.patient(r) {
		w.report(cutUnanswered, o.Now, r)
	}
}

func (w *halfCloseCut) report(outcome *detectors.Outcome, now int64, r *detectors.Report) {
	open, peer := w.closer.Peer(), w.user.Peer()
	evidence := []detectors.Evidence{
		r.Evidence("first segment after the silence", w.user, &w.trigger),
		r.Evidence("FIN acknowledged", open, &w.ack),
	}
	if w.repeats > 0 {
		evidence = append(evidence, r.Evidence("sent again", w.user, &w.again))
	}
	if w.repeats > 1 {
		evidence = append(evidence, r.Evidence("sent again, the last time", w.user, &w.last))
	}
	if w.rst.At != 0 {
		side := peer
		if outcome == cutUnanswered {
			side = w.user
		}
		evidence = append(evidence, r.Evidence("RST", side, &w.rst))
	}
	f := r.Find(outcome, peer, now, evidence...)
	f.End = now
	f.Roles = detectors.Roles("closer", w.closer, "open")
	silence := w.trigger.At - w.before.At
	f.Measure("half_closed_s", detectors.Seconds(w.trigger.At-w.ack.At))
	f.Measure("silence_s", detectors.Seconds(silence))
	f.Measure("resends", w.repeats)
	what := fmt.Sprintf("%d bytes", w.trigger.Len)
	if w.probe {
		what = "a keep-alive"
	}
	f.Message = fmt.Sprintf("%s sent FIN, which %s acknowledged (frame %d). After %s of silence from both sides, %s sent %s (frame %d)",
		r.Name(w.closer), r.Name(open), w.ack.Frame, detectors.Span(silence), r.Name(w.user), what, w.trigger.Frame)
	switch outcome {
	case cutReset:
		f.Message += fmt.Sprintf(", and received a RST %s later (frame %d): the other end no longer had the connection.", detectors.Span(w.rst.At-w.latest.At), w.rst.Frame)
		if last := w.ttl[peer]; last != 0 && last != w.rst.TTL {
			f.Fault = detectors.FaultPath
			f.Message += fmt.Sprintf(" The RST has TTL %d, earlier segments from %s had %d: a device on the path sent it.", w.rst.TTL, r.Name(peer), last)
		}
	case cutUnanswered:
		f.States = r.StatesNow(now)
		f.At = min(now, w.patient(r))
		f.Message += fmt.Sprintf(", and again %s in %s (last in frame %d), but nothing came back. A device on the path, or the other end, has forgotten the connection, or the path was down by then.",
			detectors.Times(w.repeats), detectors.Span(w.last.At-w.trigger.At), w.last.Frame)
		r.Absence(&f, w.trigger.At)
	}
	w.due[0].Emit(f, r)
}
