package closing

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// CloseWaitLeak reports a side that was told that its peer has closed, and
// neither closes nor sends for a minute: its socket is in CLOSE_WAIT, the
// peer's in FIN_WAIT_2. RFC 9293 3.6; KB Q137984.
var CloseWaitLeak = &detectors.Detector{
	Name: "close-wait-leak",
	Doc: detectors.Doc{
		Title: "a socket stayed in CLOSE_WAIT: its application did not close",
		What: "One side sends FIN, and the other's TCP acknowledges it. From then on the other side sends neither data nor a FIN of " +
			"its own, for a minute or more. netstat shows CLOSE_WAIT there, and FIN_WAIT_2 at the side that closed.",
		Cause: "An application that was told of the end of the stream (a read of 0 bytes) and did not close its socket: one that a " +
			"thread, an error path or a forked process still holds, a connection in a pool that nobody looks at, or a program that is " +
			"hung or busy. TCP sets no limit to CLOSE_WAIT: the socket stays until the process ends.",
		Action: "Find the process that holds the socket (ss -tnp state close-wait, lsof -i, netstat -ano) on the side named, and see " +
			"what it does: does it read to the end of the stream, and close then, also after an error? Many such sockets of one " +
			"host exhaust its descriptors. FIN_WAIT_2 at the other end is the shadow of this, not a fault of its own.",
		NotThis: "A half-close in use, however long, where the open side goes on sending; a pause in one is judged by the pauses before " +
			"it. An open side whose data is not acknowledged, or whose peer's window is shut: it cannot close yet. A peer that " +
			"no longer answers keep-alives: that host is gone. A closer that forgot the connection and meets late data with RST: half-close-cut.",
		Peers: "Wireshark says nothing: to it the connection is half closed, which is legal. Ostermann's tcptrace calls it incomplete.",
		Refs:  []string{"KB Q137984", "RFC 9293 3.6", "KB 923200", "KB 813056"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "idle", Severity: detectors.Warning, When: "the socket was still in CLOSE_WAIT when the record ends"},
		{Name: "abandoned", Severity: detectors.Warning, When: "the side that had closed gave up waiting and reset the connection",
			Cause: "The application on the side in CLOSE_WAIT did not close, and the host of the other did not wait for ever: Linux gives " +
				"FIN_WAIT_2 a minute if nobody holds the socket any more (net.ipv4.tcp_fin_timeout), Windows two. The socket in CLOSE_WAIT was reset."},
		{Name: "late", Severity: detectors.Info, When: "it was closed after all: with FIN, or with RST where the process ended or had not read everything",
			Cause: "The application noticed late that its peer had closed: a pool that looks at a connection only when it needs it, a timeout of the " +
				"application, or a program that was busy."},
	},
	Params: []detectors.Param{
		{Name: "idle", Default: 60, Min: 1, Max: 1e6, Unit: "s", Doc: "how long a side may neither send nor close after its peer's FIN; a minute is what Linux grants the other end in FIN_WAIT_2"},
	},
	StartsOn: fsm.On(fsm.HalfClosed),
	SubscribesTo: fsm.On(fsm.HalfClosed, fsm.DataSent, fsm.DataResent, fsm.Advanced, fsm.HoleAcked, fsm.Probed, fsm.WindowOpened, fsm.KeptAlive,
		fsm.FinSent, fsm.SentBeyondFin, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch: func(*detectors.Report) detectors.Watcher { return new(closeWaitLeak) },

	YieldsTo: []string{"half-close-cut"},
}

// minUnheard is how many keep-alives of the closer must stay unanswered before
// the other host is taken to be gone rather than its application late.
const minUnheard = 2

type closeWaitLeak struct {
	open    bool            // the connection is half closed
	told    bool            // the finding stands
	closer  reassembly.Side // whose FIN was acknowledged
	ack     reassembly.Mark // the acknowledgment: where CLOSE_WAIT begins
	fin     reassembly.Mark // the FIN, where it was the closer's last segment
	since   int64           // when the open side last sent anything, or was able to again
	pause   int64           // the longest that it paused before it went on
	busy    int             // how often it went on
	unheard int             // keep-alives of the closer without an answer
	end     reassembly.Mark // its FIN or either side's RST, late
	reply   reassembly.Mark // the closer's RST to a late FIN
}

func (w *closeWaitLeak) Event(ev fsm.Event, r *detectors.Report) {
	if ev.Kind == fsm.HalfClosed {
		w.begin(ev, r)
		return
	}
	if !w.open {
		w.after(ev, r)
		return
	}
	holder := ev.Side == w.closer.Peer()
	switch ev.Kind {
	case fsm.DataSent, fsm.DataResent, fsm.Advanced, fsm.HoleAcked, fsm.Probed:
		if holder {
			w.goesOn(ev.Seg.At, r)
		}
	case fsm.WindowOpened:
		if !holder { // it may have waited to send
			w.goesOn(ev.Seg.At, r)
		}
	case fsm.KeptAlive:
		if !holder {
			w.unheard++
		}
	case fsm.Sent:
		if holder && ev.Class != fsm.OutOfWindow && ev.Class != fsm.Rst {
			w.unheard = 0
		}
	case fsm.SentBeyondFin:
		if !holder { // it goes on: that was no FIN, or its numbers are wrong
			w.withdraw(r)
			w.open, w.ack = false, reassembly.Mark{}
		}
	case fsm.FinSent, fsm.ResetSent:
		w.over(ev, r)
	}
}

// begin starts the wait: a second ago, the closer's FIN was acknowledged.
func (w *closeWaitLeak) begin(ev fsm.Event, r *detectors.Report) {
	*w = closeWaitLeak{open: true, closer: ev.Side, ack: reassembly.MarkOf(ev.Seg), since: ev.Seg.At}
	if last := r.Old.LastSent(ev.Side); last.Flags&reassembly.FIN != 0 {
		w.fin = last
	}
	if last := r.Old.LastSent(ev.Side.Peer()); last.Len > 0 {
		w.since = max(w.since, last.At)
	}
	r.WakeAt(w.deadline(r))
}

// goesOn notes that the open side uses the half of the connection that is its
// own: what was said of it is taken back.
func (w *closeWaitLeak) goesOn(at int64, r *detectors.Report) {
	w.withdraw(r)
	w.pause = max(w.pause, at-w.since)
	w.since = at
	w.busy++
	r.WakeAt(w.deadline(r))
}

func (w *closeWaitLeak) withdraw(r *detectors.Report) {
	if w.told {
		r.Withdraw(w.ack.File, w.ack.Frame)
		w.told = false
	}
}

// deadline is when the silence of the open side is no pause any more.
func (w *closeWaitLeak) deadline(r *detectors.Report) int64 {
	return w.since + max(int64(r.Value("idle")*float64(time.Second)), 2*w.pause)
}

// free says that nothing but the application keeps the open side from closing.
func (w *closeWaitLeak) free(r *detectors.Report) bool {
	return r.Old.Stream(w.closer.Peer()).InFlight() == 0 && !r.Old.WindowShut(w.closer) && w.unheard < minUnheard
}

// over takes the open side's FIN, or a RST of either side.
func (w *closeWaitLeak) over(ev fsm.Event, r *detectors.Report) {
	w.open = false
	if ev.Seg.At < w.deadline(r) || !w.told && !w.free(r) {
		w.withdraw(r) // told before the trace's clock was set back
		return
	}
	w.end = reassembly.MarkOf(ev.Seg)
	outcome := "late"
	if ev.Side == w.closer {
		outcome = "abandoned"
	}
	w.tell(outcome, ev.Seg.At, r)
}

// after takes what follows the end: a RST to the late FIN, or that the RST was
// not its side's own.
func (w *closeWaitLeak) after(ev fsm.Event, r *detectors.Report) {
	switch {
	case ev.Kind == fsm.Revived && w.ack.At != 0 && r.Old.HalfClosed(w.closer):
		w.withdraw(r)
		w.open, w.end = true, reassembly.Mark{}
		r.WakeAt(w.deadline(r))
	case ev.Kind == fsm.ResetSent && w.told && ev.Side == w.closer && w.end.Flags&reassembly.FIN != 0:
		if rst := reassembly.MarkOf(ev.Seg); fsm.Answers(&rst, &w.end) {
			w.reply = rst
			w.tell("late", w.end.At, r)
		}
	}
}

// Due tells of a silence that is too long for a pause.
func (w *closeWaitLeak) Due(now int64, r *detectors.Report) {
	if !w.open || w.told {
		return
	}
	if at := w.deadline(r); at > now {
		r.WakeAt(at)
	} else if w.free(r) {
		w.tell("idle", now, r)
	}
}

func (w *closeWaitLeak) End(e detectors.Ending, r *detectors.Report) {
	if !w.open {
		return
	}
	w.withdraw(r)
	if e.At >= w.deadline(r) && w.free(r) {
		w.tell("idle", e.At, r)
	}
}

// tell reports the silence of the open side up to now.
func (w *closeWaitLeak) tell(outcome string, now int64, r *detectors.Report) {
	w.told = true
	holder := w.closer.Peer()
	evidence := []detectors.Evidence{r.Evidence("FIN acknowledged", holder, &w.ack)}
	if w.fin.At != 0 {
		evidence = append(evidence, r.Evidence("FIN", w.closer, &w.fin))
	}
	switch {
	case outcome == "abandoned":
		evidence = append(evidence, r.Evidence("RST of the side that had closed", w.closer, &w.end))
	case w.end.Flags&reassembly.RST != 0:
		evidence = append(evidence, r.Evidence("RST, late", holder, &w.end))
	case w.end.At != 0:
		evidence = append(evidence, r.Evidence("FIN, late", holder, &w.end))
	}
	if w.reply.At != 0 {
		evidence = append(evidence, r.Evidence("RST to the late FIN", w.closer, &w.reply))
	}
	f := r.FindNamed(outcome, holder, max(w.ack.At, min(w.deadline(r), now)), evidence...)
	if outcome != "idle" {
		f.At = now
	} else {
		f.States = r.StatesNow(now)
		r.Absence(&f, w.ack.At)
	}
	f.End = max(now, w.reply.At)
	f.Roles = []detectors.Role{{Name: "holder", Side: holder}, {Name: "closer", Side: w.closer}}
	f.Measure("close_wait_s", detectors.Seconds(now-w.ack.At))
	f.Measure("idle_s", detectors.Seconds(now-w.since))
	f.Measure("threshold_s", detectors.Seconds(w.deadline(r)-w.since))
	f.Message = w.message(outcome, now, &f, r)
	r.Emit(f)
}

func (w *closeWaitLeak) message(outcome string, now int64, f *detectors.Finding, r *detectors.Report) string {
	holder, closer := r.Name(w.closer.Peer()), r.Name(w.closer)
	m := fmt.Sprintf("%s closed, and %s acknowledged its FIN (frame %d).", closer, holder, w.ack.Frame)
	silence := "It then sent neither data nor FIN for " + detectors.Span(now-w.since)
	if w.busy > 0 {
		silence = fmt.Sprintf("It went on sending for %s, then sent neither data nor FIN for %s", detectors.Span(w.since-w.ack.At), detectors.Span(now-w.since))
	}
	switch {
	case outcome == "idle":
		why := "its application has not closed the socket"
		if far(w.ack.TTL) {
			why += ", unless something on the way to the capture point swallows its FIN and all repeats"
		}
		return m + fmt.Sprintf(" %s, to the end of the record: %s. %s is left in %s, %s in %s.",
			silence, why, holder, f.States[w.closer.Peer()], closer, f.States[w.closer])
	case outcome == "abandoned":
		return m + fmt.Sprintf(" %s, in CLOSE_WAIT, until %s gave up waiting in FIN_WAIT_2 and reset the connection (frame %d).",
			silence, closer, w.end.Frame)
	case w.end.Flags&reassembly.RST != 0:
		return m + fmt.Sprintf(" %s, in CLOSE_WAIT, and ended the connection with RST (frame %d): its process ended, or closed a socket with unread data.",
			silence, w.end.Frame)
	case w.reply.At != 0:
		return m + fmt.Sprintf(" %s, in CLOSE_WAIT, and closed at last (frame %d). %s had given up waiting in FIN_WAIT_2: it answered with RST (frame %d).",
			silence, w.end.Frame, closer, w.reply.Frame)
	}
	return m + fmt.Sprintf(" %s, in CLOSE_WAIT, and closed at last (frame %d).", silence, w.end.Frame)
}

// far says whether the packet has crossed a router: its TTL is none of those that
// hosts begin with. What forgets connections, as a NAT does, may have been on its way.
func far(ttl uint8) bool { return ttl != 64 && ttl != 128 && ttl != 255 }
