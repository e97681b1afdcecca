package flowcontrol

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ZeroWindowDeadlock reports a sender that has more to send but never probes its
// peer's closed window. RFC 9293 3.8.6.1.
var ZeroWindowDeadlock = &detectors.Detector{
	Name: "zero-window-deadlock",
	Doc: detectors.Doc{
		Title: "a sender waits for a closed window to open, without probing it",
		What: "The receiver advertises window 0. The sender has more to send: data is unacknowledged, or its last segment was as large as possible and came " +
			"without PSH, which the last buffered segment must carry (RFC 9293 3.9.1.2). Yet no probe and no data from it reaches the capture " +
			"point for more than three retransmission timeouts (at least 15 seconds).",
		Cause: "A TCP without a persist timer, or one that loses it on some code path (small embedded stacks, user-space shims and " +
			"proxies, offload engines): it relies on a window update, which is not retransmitted if it is lost. Or a middlebox before the " +
			"capture point that drops probes because they repeat data or carry none.",
		Action: "Capture on the sender's own interface: if probes leave there, something in between drops them; if not, the sender's " +
			"stack is at fault. Until that is fixed, keep-alives on the sender or TCP_USER_TIMEOUT end the wait. Then find out why the receiver did not read.",
		NotThis: "A sender that has sent everything it had: it need not probe. A sender that keeps probing, however long (zero-window-probe-loop). " +
			"A capture that ends too soon, or that has no pure ACKs: undecided. A window that is small, but not 0 (small-window).",
		Peers: "Wireshark marks the closed window, and that it was full before, but does not report that no probes follow.",
		Refs:  []string{"RFC 9293 3.8.6.1", "RFC 1122 4.2.2.17"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{stuck, updateLost, resumed},
	Params: []detectors.Param{
		{Name: "patience", Default: 15, Min: 1, Max: 3600, Unit: "s", Doc: "minimum wait for a probe; three RTOs, or two and a half intervals between earlier probes, if that is longer"},
	},
	StartsOn:     fsm.On(fsm.WindowShut),
	SubscribesTo: fsm.On(fsm.WindowShut, fsm.WindowOpened, fsm.Probed, fsm.Advanced, fsm.ResetSent, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(zeroWindowDeadlock) },
	YieldsTo:     []string{"zero-window-probe-loop"},
}

var (
	stuck = &detectors.Outcome{Name: "stuck", Severity: detectors.Critical, Fault: detectors.FaultHost,
		When: "the window stays closed, and the sender does not probe it"}
	updateLost = &detectors.Outcome{Name: "update-lost", Severity: detectors.Critical, Fault: detectors.FaultHost,
		When: "the receiver opened its window, but the sender neither sends nor probes, as if it did not know",
		Cause: "The window update was lost beyond the capture point, as pure ACKs may be, and the sender's TCP has no persist timer to " +
			"find out (or a middlebox drops its probes)."}
	resumed = &detectors.Outcome{Name: "resumed", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "the window opened, and the sender, which had not probed it, resumed at once; the next update may be lost"}
)

// persistFactor is how many intervals without a probe are too long: a persist timer
// at most doubles (RFC 9293 3.8.6.1).
const persistFactor = 2.5

// zeroWindowDeadlock follows each side that faces its peer's closed window.
type zeroWindowDeadlock struct {
	due      [2]detectors.Deadline // a probe; once the window is open, anything
	waits    [2]zeroWindowWait
	liveness liveness
}

// A zeroWindowWait is one side at its peer's closed window.
type zeroWindowWait struct {
	shut        reassembly.Mark // the anchor: the segment that closed the window
	last        reassembly.Mark // the sender's last segment before it
	probe       reassembly.Mark // its last probe
	probes      int
	gap         int64           // the longest wait that ended with a probe
	shutBefore  bool            // no open window was captured: the sender may have been probing for long
	update      reassembly.Mark // the segment that opened the window again
	moreAtOpen  bool            // the sender had more to send then
	quietAtOpen int64           // how long it had not probed by then, if that was too long
}

func (w *zeroWindowDeadlock) Event(ev fsm.Event, r *detectors.Report) {
	side, peer := ev.Side, ev.Side.Peer()
	switch ev.Kind {
	case fsm.WindowShut:
		if _, reset := r.Conn.ResetBy(); reset { // this crossed the RST, and nobody is left to probe
			return
		}
		last := r.Conn.Last(peer)
		filled := last.Len > 0 && last.End() == ev.Seg.Ack // what it sent has closed the window
		w.waits[peer] = zeroWindowWait{shut: reassembly.MarkOf(ev.Seg), last: last, shutBefore: r.Conn.Window(side).Max == 0 && !filled}
		w.due[peer].Arm(ev.Seg.At, r)
	case fsm.WindowOpened:
		w.opened(peer, ev.Seg, r)
	case fsm.Probed:
		w.probed(side, ev.Seg, r)
	case fsm.Advanced: // the receiver went on taking data
		w.restart(side, ev.Seg.At, r)
	case fsm.ResetSent:
		w.reset(side, ev.Seg.At, r)
		w.reset(peer, ev.Seg.At, r)
	case fsm.Sent:
		if detectors.MayBeForged(ev) {
			return
		}
		w.liveness.note(ev)
		switch {
		case ev.Seg.SeqLen() > 0 && ev.Class != fsm.Probe:
			w.sent(side, ev.Seg, r)
		case ev.Class == fsm.KeepAlive: // a probe, if the sender does not know that the window is open
			w.restart(side, ev.Seg.At, r)
		}
	}
}

// restart starts the wait again: the sender probed, or there was news of the window.
func (w *zeroWindowDeadlock) restart(side reassembly.Side, at int64, r *detectors.Report) {
	w.due[side].Withdraw(r)
	w.due[side].Extend(at, r)
}

// probed counts a probe.
func (w *zeroWindowDeadlock) probed(side reassembly.Side, seg *reassembly.Segment, r *detectors.Report) {
	x, due := &w.waits[side], &w.due[side]
	if !due.Armed() {
		return
	}
	x.gap = max(x.gap, seg.At-due.Since())
	x.probe = reassembly.MarkOf(seg)
	x.probes++
	w.restart(side, seg.At, r)
}

// opened notes the segment that opened the window again: now the sender must send or
// probe. If the window is too small for a segment, that is small-window's matter.
func (w *zeroWindowDeadlock) opened(side reassembly.Side, seg *reassembly.Segment, r *detectors.Report) {
	x, due := &w.waits[side], &w.due[side]
	if !due.Armed() {
		return
	}
	if seg.At >= w.limit(side, r) {
		x.quietAtOpen = seg.At - due.Since()
	}
	x.moreAtOpen = detectors.MoreToSend(r.Conn, side)
	x.update = reassembly.MarkOf(seg)
	w.restart(side, seg.At, r)
	if detectors.WindowSmall(r.Conn, side.Peer()) {
		due.Disarm()
	}
}

// reset ends the wait by a RST. One that was doubtful until the connection ended
// comes late, and takes back what was reported of the time after it.
func (w *zeroWindowDeadlock) reset(side reassembly.Side, at int64, r *detectors.Report) {
	if at < w.limit(side, r) {
		w.due[side].Satisfy(r)
	} else {
		w.due[side].Disarm()
	}
}

// sent ends the wait by payload or a FIN of the sender, no probe, unless that was on
// its way when the window closed.
func (w *zeroWindowDeadlock) sent(side reassembly.Side, seg *reassembly.Segment, r *detectors.Report) {
	x, due := &w.waits[side], &w.due[side]
	if !due.Armed() {
		return
	}
	w.restart(side, seg.At, r)
	if x.update.At == 0 {
		return
	}
	due.Disarm()
	atOnce := seg.At-x.update.At <= int64(max(2*r.Conn.RTT(), minAnswerTime)) && w.liveness.asked[side.Peer()] < x.update.At // only the update can have caused it
	if x.quietAtOpen == 0 || !x.moreAtOpen && !atOnce {
		return
	}
	f := r.Find(resumed, side, seg.At, append(x.evidence(side, r), detectors.Evidence{Role: "resumed", Seg: *seg})...)
	w.describe(&f, side, x.quietAtOpen, r)
	f.Message += fmt.Sprintf(" When the window opened (frame %d), %s resumed at once (frame %d): it had more to send all along. "+
		"If the update had been lost, both would have waited forever.", x.update.Frame, r.Name(side), seg.Frame)
	r.Absence(&f, x.shut.At)
	r.Emit(f)
}

func (w *zeroWindowDeadlock) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when a probe is overdue. The first is due after one retransmission
// timeout, and the intervals grow exponentially (RFC 9293 3.8.6.1, SHLD-29 and
// SHLD-30). BSD takes 5 s for the first.
func (w *zeroWindowDeadlock) Limit(i int, r *detectors.Report) int64 {
	return w.limit(reassembly.Side(i), r)
}

func (w *zeroWindowDeadlock) limit(side reassembly.Side, r *detectors.Report) int64 {
	x := &w.waits[side]
	wait := max(r.Nanos("patience"), 3*int64(r.Conn.RTO(side)), int64(persistFactor*float64(x.gap)))
	if x.shutBefore && x.probes < 2 {
		wait = max(wait, detectors.MaxTimeout)
	}
	return w.due[side].Since() + wait
}

// Overdue reports the wait, if something is wrong for all that can be seen. What was
// reported before is taken back if it cannot be said at the end.
func (w *zeroWindowDeadlock) Overdue(i int, o detectors.Overdue, r *detectors.Report) {
	side := reassembly.Side(i)
	own, peer, x, due := r.Name(side), side.Peer(), &w.waits[i], &w.due[i]
	waited, more := o.Now-due.Since(), detectors.MoreToSend(r.Conn, side)
	finSent := r.Conn.Phase(side) >= fsm.PhaseFinSent
	switch {
	case !more && (x.update.At != 0 || finSent || r.Conn.Window(peer).Shrunk), // it may have nothing to send
		o.Short > 0 && (x.probes > 0 || x.update.At != 0 || !more || waited < 3*int64(r.Conn.RTO(side))): // there is time yet
		due.Withdraw(r)
		return
	}
	outcome := stuck
	if x.update.At != 0 {
		outcome = updateLost
	}
	f := r.Find(outcome, side, o.At, x.evidence(side, r)...)
	f.States, f.End = r.StatesNow(o.Now), o.Now
	w.describe(&f, side, waited, r)
	out := r.Conn.Stream(side)
	switch n := out.InFlight(); {
	case n == 1 && r.Conn.Phase(side) == fsm.PhaseFinSent:
		f.Message += fmt.Sprintf(" The FIN of %s is neither acknowledged nor sent again.", own)
	case n > 0:
		f.Message += fmt.Sprintf(" %s has %s in flight, neither acknowledged nor sent again.", own, detectors.Counted(n, "byte", "bytes"))
	case more:
		f.Message += fmt.Sprintf(" %s has more to send: its last segment came without PSH.", own)
	}
	if outcome == updateLost {
		f.Message += fmt.Sprintf(" %s opened its window (frame %d), but %s neither sends nor probes, as if it did not know.",
			r.Name(peer), x.update.Frame, own)
	}
	switch {
	case o.Short > 0:
		f.Undecide(fmt.Sprintf("the capture ends %s before a probe would be overdue", detectors.Span(o.Short)))
	case !more:
		f.Undecide("no data is in flight, and the sender's last segment does not prove that there is more: it may have sent everything")
	default:
		r.Absence(&f, due.Since())
	}
	w.liveness.doubt(&f, side, o.Now, r)
	due.Emit(f, r)
}

func (x *zeroWindowWait) evidence(side reassembly.Side, r *detectors.Report) []detectors.Evidence {
	all := []detectors.Evidence{r.Evidence("window closed", side.Peer(), &x.shut)}
	if x.last.At != 0 && x.last.Len > 0 {
		all = append(all, r.Evidence("last data before it", side, &x.last))
	}
	if x.probe.At != 0 {
		all = append(all, r.Evidence("last probe", side, &x.probe))
	}
	if x.update.At != 0 {
		all = append(all, r.Evidence("window open again", side.Peer(), &x.update))
	}
	return all
}

// describe fills in what all outcomes share: so long without a probe.
func (w *zeroWindowDeadlock) describe(f *detectors.Finding, side reassembly.Side, waited int64, r *detectors.Report) {
	x, own, peer := &w.waits[side], r.Name(side), r.Name(side.Peer())
	out := r.Conn.Stream(side)
	f.Roles = detectors.Roles("sender", side, "receiver")
	f.Measure("waited_s", detectors.Seconds(waited))
	f.Measure("deadline_s", detectors.Seconds(w.limit(side, r)-w.due[side].Since()))
	f.Measure("rto_s", r.Conn.RTO(side).Seconds())
	f.Measure("probes", x.probes)
	f.Measure("in_flight", int(out.InFlight()))
	f.Message = fmt.Sprintf("%s closed its window (frame %d).", peer, x.shut.Frame)
	if x.probes > 0 {
		f.Message += fmt.Sprintf(" %s probed it %s, then not again for %s.", own, detectors.Times(int(x.probes)), detectors.Span(waited))
	} else {
		f.Message += fmt.Sprintf(" In the next %s, no probe from %s reached the capture point.", detectors.Span(waited), own)
	}
}
