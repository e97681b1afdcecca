package closing

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// CloseWaitLeak reports a side that acknowledged its peer's FIN and then neither closes
// nor sends for a minute: its socket is in CLOSE_WAIT, the peer's in FIN_WAIT_2. RFC
// 9293 3.6; KB Q137984.
var CloseWaitLeak = &detectors.Detector{
	Name:  "close-wait-leak",
	Needs: fsm.SeqUnknown,
	Doc: detectors.Doc{
		Title: "a socket stayed in CLOSE_WAIT: its application did not close it",
		What: "One side sends FIN, and the other side's TCP acknowledges it. After that, the other side sends neither data nor its own FIN " +
			"for a minute or more. netstat shows CLOSE_WAIT there, and FIN_WAIT_2 on the side that closed.",
		Cause: "The application got the end of the stream (a read of 0 bytes) and did not close its socket: a thread, an error path " +
			"or a forked process still holds it, it sits in a connection pool that is never checked, or the program hangs or is busy. " +
			"TCP has no timeout for CLOSE_WAIT: the socket stays until the process ends.",
		Action: "Find the process that holds the socket (ss -tnp state close-wait, lsof -i, netstat -ano) on the side named, and check " +
			"its code: does it read to the end of the stream, and then close, even after an error? Many such sockets use up the host's " +
			"file descriptors. FIN_WAIT_2 at the other end is a consequence of this, not another fault.",
		NotThis: "A half-close in use, however long, where the open side continues to send; its earlier pauses decide how long a pause may be. " +
			"An open side whose data is not acknowledged, or whose peer's window is closed: it cannot close yet. A peer that " +
			"no longer answers keep-alives: that host is gone. A connection that began before the capture, where nothing but ACKs of the open side was captured: " +
			"its FIN may have come before, and it acknowledges from TIME_WAIT: undecided. The same holds if an ACK of the open side lies beyond all that was captured from it: its FIN may have been lost. A closer that forgot the connection and answers late data with RST: half-close-cut.",
		Peers: "Wireshark reports nothing: a half-closed connection is legal. Ostermann's tcptrace calls it incomplete.",
		Refs:  []string{"KB Q137984", "RFC 9293 3.6", "KB 923200", "KB 813056"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{leakIdle, leakAbandoned, leakLate},
	Params: []detectors.Param{
		{Name: "idle", Default: 60, Min: 1, Max: 1e6, Unit: "s", Doc: "how long a side may stay silent without closing after its peer's FIN; Linux keeps the other end in FIN_WAIT_2 for a minute"},
	},
	StartsOn: fsm.On(fsm.HalfClosed),
	SubscribesTo: fsm.On(fsm.HalfClosed, fsm.DataSent, fsm.DataResent, fsm.Advanced, fsm.HoleAcked, fsm.Probed, fsm.WindowOpened, fsm.KeptAlive,
		fsm.FinSent, fsm.FinWithdrawn, fsm.SentBeyondFin, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch: func(*detectors.Report) detectors.Watcher { return new(closeWaitLeak) },

	YieldsTo: []string{"half-close-cut"},
}

var (
	leakIdle      = &detectors.Outcome{Name: "idle", Severity: detectors.Warning, Fault: detectors.FaultHost, When: "the socket was still in CLOSE_WAIT at the end of the capture, or when it was interrupted"}
	leakAbandoned = &detectors.Outcome{Name: "abandoned", Severity: detectors.Warning, Fault: detectors.FaultHost, When: "the side that had closed gave up waiting and reset the connection",
		Cause: "The application on the side in CLOSE_WAIT did not close, and the other host did not wait forever: Linux keeps a socket in " +
			"FIN_WAIT_2 for a minute once no process holds it (net.ipv4.tcp_fin_timeout), Windows for two. Then it reset the socket in CLOSE_WAIT."}
	leakLate = &detectors.Outcome{Name: "late", Severity: detectors.Info, Fault: detectors.FaultHost, When: "it was closed after all: with FIN, or with RST if data was left unread, or the socket was aborted (SO_LINGER 0)",
		Cause: "The application noticed late that its peer had closed: a pool that checks a connection only when it needs it, an application " +
			"timeout, or a program that was busy."}
)

// minUnheard is how many keep-alives of the closer must go unanswered before the other
// host, not its application, counts as gone.
const minUnheard = 2

type closeWaitLeak struct {
	due     [1]detectors.Deadline // data or FIN of the open side; since it last sent, or was able to again
	closer  reassembly.Side       // whose FIN was acknowledged
	ack     reassembly.Mark       // the acknowledgment: where CLOSE_WAIT begins
	fin     reassembly.Mark       // the FIN, if it was the closer's last segment
	pause   int64                 // the longest of the open side before it continued
	busy    int                   // how often it continued
	unheard int                   // keep-alives of the closer without an answer
	ignored int                   // those of the open side
	asks    int64                 // when it sent the last of these
	end     reassembly.Mark       // the open side's late FIN, or either side's RST
	reply   reassembly.Mark       // the closer's RST to a late FIN
	asked   reassembly.Mark       // what the open side sent that the closer's RST answers
	beyond  reassembly.Mark       // the open side's empty segment that shows that it has sent more than was captured
	hole    uint32                // how much more
	parting parting
	cut     bool // the capture was interrupted
}

func (w *closeWaitLeak) Event(ev fsm.Event, r *detectors.Report) {
	if ev.Kind == fsm.HalfClosed {
		w.begin(ev, r)
		return
	}
	if !w.due[0].Armed() {
		w.afterEnd(ev, r)
		return
	}
	holder := ev.Side == w.closer.Peer()
	switch ev.Kind {
	case fsm.DataSent, fsm.DataResent, fsm.Advanced, fsm.HoleAcked, fsm.Probed:
		if !holder {
			return
		}
		if ev.Kind != fsm.Advanced {
			w.mayPart(ev, r)
		}
		w.inUse(ev.Seg.At, r)
	case fsm.WindowOpened:
		if !holder { // the open side may have waited for that
			w.inUse(ev.Seg.At, r)
		}
	case fsm.KeptAlive:
		if holder {
			w.ignored++
			w.asks = ev.Seg.At
		} else {
			w.unheard++
		}
	case fsm.Sent:
		switch {
		case detectors.MayBeForged(ev):
		case holder:
			w.unheard = 0
			w.sendsBeyond(reassembly.MarkOf(ev.Seg), r.Conn)
		default:
			w.ignored = 0
		}
	case fsm.FinWithdrawn, fsm.SentBeyondFin:
		if !holder { // that was no FIN, or its numbers are wrong
			w.due[0].Satisfy(r)
			w.ack = reassembly.Mark{}
		}
	case fsm.FinSent, fsm.ResetSent:
		w.ended(ev, r)
	}
}

// begin starts the wait: the closer's FIN was acknowledged a second ago.
func (w *closeWaitLeak) begin(ev fsm.Event, r *detectors.Report) {
	*w = closeWaitLeak{closer: ev.Side, ack: reassembly.MarkOf(ev.Seg)}
	if last := r.Conn.Last(ev.Side); last.Flags&reassembly.FIN != 0 && last.At-w.ack.At <= captureSlack {
		w.fin = last
	}
	since, last := ev.Seg.At, r.Conn.Last(ev.Side.Peer())
	if last.Len > 0 {
		since = max(since, last.At)
	}
	w.sendsBeyond(last, r.Conn)
	w.due[0].Arm(since, r)
}

// sendsBeyond notes whether the open side's segment shows that it had sent something that was not captured, which may
// have been its FIN. Payload that fills the hole shows that it was not; a FIN was sent for the second time.
func (w *closeWaitLeak) sendsBeyond(m reassembly.Mark, v fsm.View) {
	out := v.Stream(w.closer.Peer())
	switch {
	case out.Shown() && m.Seq.After(out.Nxt):
		w.beyond, w.hole = m, uint32(m.Seq-out.Nxt)
	case !out.Shown() && m.Len > 0:
		w.beyond = reassembly.Mark{}
	}
}

// captureSlack is how much earlier, in nanoseconds, an ACK may be captured than the FIN that it acknowledges: several
// processors write a capture, and differ by microseconds. A FIN that comes later is sent again.
const captureSlack = int64(100 * time.Microsecond)

// inUse restarts the wait: the open side uses its direction.
func (w *closeWaitLeak) inUse(at int64, r *detectors.Report) {
	w.pause = max(w.pause, at-w.due[0].Since())
	w.busy++
	w.due[0].Withdraw(r)
	w.due[0].Extend(at, r)
}

func (w *closeWaitLeak) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when the open side has been silent for too long.
func (w *closeWaitLeak) Limit(_ int, r *detectors.Report) int64 {
	return w.due[0].Since() + w.patience(r)
}

func (w *closeWaitLeak) patience(r *detectors.Report) int64 { return max(r.Nanos("idle"), 2*w.pause) }

// free reports whether nothing but the application keeps the open side from closing.
func (w *closeWaitLeak) free(r *detectors.Report) bool {
	out := r.Conn.Stream(w.closer.Peer())
	return out.InFlight() == 0 && !r.Conn.Window(w.closer).Shut && w.unheard < minUnheard
}

// Overdue reports the silence. At the end, what was reported before may no longer hold.
func (w *closeWaitLeak) Overdue(_ int, o detectors.Overdue, r *detectors.Report) {
	w.due[0].Withdraw(r)
	if o.Short == 0 && w.free(r) {
		w.cut = o.Ended && o.Why == detectors.Interrupted
		w.report(leakIdle, o.Now, r)
	}
}

// ended takes the open side's FIN, or a RST of either side.
func (w *closeWaitLeak) ended(ev fsm.Event, r *detectors.Report) {
	due, at := &w.due[0], ev.Seg.At
	fin := reassembly.MarkOf(ev.Seg)
	if fin.Flags&reassembly.FIN != 0 && fin.End().After(w.beyond.Seq) { // it was not sent before
		w.beyond = reassembly.Mark{}
	}
	parted := w.parting.seg.At != 0 && ev.Side != w.closer && parts(&w.parting.seg, &fin)
	if parted {
		at, w.pause, w.busy = w.parting.seg.At, w.parting.pause, w.parting.busy
		due.Extend(w.parting.since, r)
	} else {
		w.parting = parting{}
	}
	due.Disarm()
	if at < w.Limit(0, r) || !parted && !due.Reported() && !w.free(r) {
		due.Withdraw(r) // reported before the trace's clock was set back
		return
	}
	w.end = reassembly.MarkOf(ev.Seg)
	outcome := leakLate
	if ev.Side == w.closer {
		outcome = leakAbandoned
		// Later than a timeout after what came last, it answers nothing: the closer's own timer ran out.
		if last := r.Conn.Last(ev.Side.Peer()); last.At > w.ack.At && detectors.Answers(&w.end, &last) && ev.Seg.At-last.At <= int64(r.Conn.RTO(ev.Side.Peer())) {
			w.asked = last
		}
	}
	w.report(outcome, ev.Seg.At, r)
}

// afterEnd takes what follows the end: a RST to the late FIN, or that the RST was not
// its side's own.
func (w *closeWaitLeak) afterEnd(ev fsm.Event, r *detectors.Report) {
	due := &w.due[0]
	switch {
	case ev.Kind == fsm.Revived && w.ack.At != 0 && detectors.HalfClosed(r.Conn, w.closer):
		due.Withdraw(r)
		due.Arm(due.Since(), r)
		w.end = reassembly.Mark{}
	case ev.Kind == fsm.ResetSent && due.Reported() && ev.Side == w.closer && w.end.Flags&reassembly.FIN != 0:
		if rst := reassembly.MarkOf(ev.Seg); detectors.Answers(&rst, &w.end) {
			w.reply = rst
			w.report(leakLate, w.end.At, r)
		}
	}
}

// opened reports whether the side opened the connection.
func opened(v fsm.View, side reassembly.Side) bool {
	opener, known := v.Opener()
	return known && opener == side
}
