package closing

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// HalfCloseCut reports a half-closed connection that is gone when, after a
// silence, it is used again. RFC 9293 3.6; KB 813056, KB 923200.
var HalfCloseCut = &detectors.Detector{
	Name: "half-close-cut",
	Doc: detectors.Doc{
		Title: "a half-closed connection was gone when it was used again",
		What: "One side has closed its sending and goes on receiving. After a silence of half a minute or more the open side " +
			"sends data again, or either side a keep-alive, and it meets a RST, or nothing at all.",
		Cause: "Something forgot the connection meanwhile. Half-closed connections are forgotten sooner than others: by proxies (docker-proxy, " +
			"after a minute: moby#29655), by connection tracking (Linux netfilter: 60 s in CLOSE_WAIT, 120 s in FIN_WAIT), and by the closer's own TCP, in FIN_WAIT_2 " +
			"(Windows: 120 s, and in Windows Server 2003 300 s even while data came; Linux: tcp_fin_timeout, 60 s, once the socket is " +
			"closed). Or the closer's application closed its socket altogether: that leaves no trace on the wire.",
		Action: "Compare the silence with the timeouts of what stands between the two, and of the closer's host. Let the side that has to wait close " +
			"only when it has its answer, or let keep-alives or data of the application fill the silence.",
		NotThis: "A side that closed and whose peer sends a new request into that connection: reset-cause calls it data-after-close. A connection that " +
			"nobody had closed: dead-peer, idle-blackhole. A FIN after the silence, even if it meets a RST: nothing is lost (close-wait-leak).",
		Peers: "Wireshark shows a RST, or retransmissions, and gives no cause.",
		Refs:  []string{"KB 813056", "KB 923200", "RFC 9293 3.6", "moby/moby#29655"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "reset", Severity: detectors.Warning, When: "the first segment after the silence was answered with RST, although the half-close had been in use, or waited for its first answer"},
		{Name: "unanswered", Severity: detectors.Warning, When: "data after the silence was sent again and again, and met nothing at all"},
	},
	Params: []detectors.Param{
		{Name: "idle", Default: 30, Min: 1, Max: 1e6, Unit: "s", Doc: "silence of both sides after which a half-closed connection may be forgotten"},
		{Name: "min-resends", Default: 3, Min: 1, Max: 100, Unit: "", Doc: "how often data must be sent again without an answer"},
		{Name: "patience", Default: 6, Min: 0.5, Max: 3600, Unit: "s", Doc: "for how long at least it must stay without one"},
	},
	StartsOn:     fsm.On(fsm.HalfClosed),
	SubscribesTo: fsm.On(fsm.HalfClosed, fsm.Advanced, fsm.DataResent, fsm.SentBeyondFin, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(halfCloseCut) },
}

type halfCloseCut struct {
	closer  reassembly.Side
	inUse   bool            // the closer took data after its FIN, or waits for the first
	ack     reassembly.Mark // the acknowledgment of its FIN
	before  reassembly.Mark // the last segment before the silence
	user    reassembly.Side // who broke the silence
	trigger reassembly.Mark // with this segment; its At is 0 if nothing of it is unanswered
	again   reassembly.Mark // its first resend
	probe   bool            // which is a keep-alive
	latest  reassembly.Mark
	resends int
	rst     reassembly.Mark
	ttl     [2]uint8 // of each side's latest segment
	told    bool
	void    bool // the closer went on: it was no FIN, or its numbers are wrong
}

func (w *halfCloseCut) Event(ev fsm.Event, r *detectors.Report) {
	switch {
	case ev.Kind == fsm.HalfClosed:
		w.begin(ev, r)
	case w.void:
	case ev.Kind == fsm.SentBeyondFin && ev.Side == w.closer:
		w.forget(r)
		w.void = true
	case w.rst.At != 0:
		if ev.Kind == fsm.Revived {
			w.forget(r)
			w.rst = reassembly.Mark{}
		}
	case ev.Kind == fsm.Advanced:
		w.inUse = w.inUse || ev.Side != w.closer
	case ev.Kind == fsm.DataResent:
		w.resent(ev, r)
	case ev.Kind == fsm.ResetSent:
		w.reset(ev, r)
	case ev.Kind == fsm.Sent && ev.Class != fsm.OutOfWindow && ev.Class != fsm.Rst:
		w.sent(ev, r)
	}
}

// begin takes the half-close: a second ago. The closer waits for an answer if
// its FIN came with the last of its request, and the other side has said nothing.
func (w *halfCloseCut) begin(ev fsm.Event, r *detectors.Report) {
	*w = halfCloseCut{closer: ev.Side, ack: reassembly.MarkOf(ev.Seg)}
	fin := r.Old.LastSent(ev.Side)
	w.inUse = fin.Flags&reassembly.FIN != 0 && fin.Len > 0 && r.Old.Bytes(ev.Side.Peer()) == 0
	w.before = r.Old.LastSent(ev.Side.Peer())
	w.ttl[ev.Side], w.ttl[ev.Side.Peer()] = fin.TTL, w.before.TTL
	if fin.At > w.before.At {
		w.before = fin
	}
}

// sent takes any segment: one that breaks a silence, or one that shows that the
// other side still knows the connection.
func (w *halfCloseCut) sent(ev fsm.Event, r *detectors.Report) {
	m := reassembly.MarkOf(ev.Seg)
	w.ttl[ev.Side] = m.TTL
	switch {
	case w.trigger.At != 0 && ev.Side != w.user:
		w.forget(r)
	case w.trigger.At == 0 && m.At-w.before.At >= int64(r.Value("idle")*float64(time.Second)) &&
		(m.Len > 0 || ev.Class == fsm.KeepAlive) && m.Flags&reassembly.FIN == 0:
		w.trigger, w.user, w.latest, w.probe = m, ev.Side, m, ev.Class == fsm.KeepAlive
		return
	}
	if w.trigger.At == 0 {
		w.before = m
	} else {
		w.latest = m
	}
}

// forget takes back what was said of the trigger: there was an answer.
func (w *halfCloseCut) forget(r *detectors.Report) {
	if w.told {
		r.Withdraw(w.trigger.File, w.trigger.Frame)
	}
	w.told, w.trigger, w.again, w.resends = false, reassembly.Mark{}, reassembly.Mark{}, 0
}

func (w *halfCloseCut) resent(ev fsm.Event, r *detectors.Report) {
	if w.trigger.At == 0 || ev.Side != w.user {
		return
	}
	if w.resends++; w.resends == 1 {
		w.again = reassembly.MarkOf(ev.Seg)
	}
	if w.resends >= int(r.Value("min-resends")) {
		r.WakeAt(max(w.patient(r), ev.Seg.At))
	}
}

// patient is when what broke the silence has been without an answer for long
// enough.
func (w *halfCloseCut) patient(r *detectors.Report) int64 {
	return w.trigger.At + max(int64(r.Value("patience")*float64(time.Second)), int64(3*r.Old.RTO(w.user)))
}

// reset takes a RST: the answer to what broke the silence, or the end of it.
func (w *halfCloseCut) reset(ev fsm.Event, r *detectors.Report) {
	w.rst = reassembly.MarkOf(ev.Seg)
	if w.trigger.At == 0 {
		return
	}
	if ev.Side == w.user { // it gave up
		w.judge(ev.Seg.At, r)
		return
	}
	answers := fsm.Answers(&w.rst, &w.trigger) || fsm.Answers(&w.rst, &w.latest)
	if w.inUse && answers && w.rst.At-w.latest.At <= int64(r.Old.RTO(ev.Side)) {
		w.tell("reset", ev.Seg.At, r)
	} else if w.told {
		r.Withdraw(w.trigger.File, w.trigger.Frame)
	}
}

func (w *halfCloseCut) Due(now int64, r *detectors.Report) {
	if w.rst.At == 0 {
		w.judge(now, r)
	}
}

func (w *halfCloseCut) End(e detectors.Ending, r *detectors.Report) {
	if w.rst.At == 0 {
		w.judge(e.At, r)
	}
}

// judge tells of data that has been repeated in vain for long enough.
func (w *halfCloseCut) judge(now int64, r *detectors.Report) {
	if w.trigger.At != 0 && w.resends >= int(r.Value("min-resends")) && now >= w.patient(r) {
		w.tell("unanswered", now, r)
	}
}

func (w *halfCloseCut) tell(outcome string, now int64, r *detectors.Report) {
	w.told = true
	open := w.closer.Peer()
	evidence := []detectors.Evidence{
		r.Evidence("first after the silence", w.user, &w.trigger),
		r.Evidence("FIN acknowledged", open, &w.ack),
	}
	if w.resends > 0 {
		evidence = append(evidence, r.Evidence("sent again", w.user, &w.again))
	}
	if w.rst.At != 0 {
		side := w.user.Peer()
		if outcome == "unanswered" {
			side = w.user
		}
		evidence = append(evidence, r.Evidence("RST", side, &w.rst))
	}
	f := r.FindNamed(outcome, w.user.Peer(), now, evidence...)
	f.End = now
	f.Roles = []detectors.Role{{Name: "closer", Side: w.closer}, {Name: "open", Side: open}}
	f.Measure("half_closed_s", detectors.Seconds(w.trigger.At-w.ack.At))
	f.Measure("silence_s", detectors.Seconds(w.trigger.At-w.before.At))
	f.Measure("resends", w.resends)
	f.Message = fmt.Sprintf("%s closed its sending, which %s acknowledged (frame %d). After %s in which neither said anything, %s sent %s (frame %d)",
		r.Name(w.closer), r.Name(open), w.ack.Frame, detectors.Span(w.trigger.At-w.before.At), r.Name(w.user), w.what(), w.trigger.Frame)
	if outcome == "reset" {
		f.Message += fmt.Sprintf(", and met a RST %s later (frame %d): the other end did not know the connection any more.", detectors.Span(w.rst.At-w.latest.At), w.rst.Frame)
		if last := w.ttl[w.user.Peer()]; last != 0 && last != w.rst.TTL {
			f.Message += fmt.Sprintf(" The RST came with TTL %d, what %s sent before with %d: something on the way made it.", w.rst.TTL, r.Name(w.user.Peer()), last)
		}
	} else {
		f.States = r.StatesNow(now)
		f.At = min(now, w.patient(r))
		f.Message += fmt.Sprintf(", and again %d times in %s: nothing at all came back. Something on the way, or the other end, forgot the connection.",
			w.resends, detectors.Span(w.latest.At-w.trigger.At))
		r.Absence(&f, w.trigger.At)
	}
	r.Emit(f)
}

// what broke the silence.
func (w *halfCloseCut) what() string {
	if w.probe {
		return "a keep-alive"
	}
	return fmt.Sprintf("%d bytes", w.trigger.Len)
}
