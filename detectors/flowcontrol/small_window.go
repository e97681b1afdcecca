package flowcontrol

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SmallWindow reports windows that are open but too small for a full segment: the
// sender does not use them, or fills one after the other. RFC 9293 3.8.6.2.
var SmallWindow = &detectors.Detector{
	Name: "small-window",
	Doc: detectors.Doc{
		Title: "a window too small for one segment holds up the connection",
		What: "The receiver advertises a window of a few bytes, less than a full segment. Either the sender, which has more to send, waits " +
			"for a larger one and sends nothing (frozen); or it fills each such window as it comes, small segments " +
			"do the work of large ones, and time passes between them (silly window syndrome).",
		Cause: "A receive buffer smaller than the MSS announced with it (SO_RCVBUF set to a few hundred bytes, embedded stacks), or an application that reads a few " +
			"bytes at a time from a full buffer while its TCP announces every byte: RFC 9293 3.8.6.2.2 tells a receiver to wait until there is room for a full segment.",
		Action: "Give the receiving socket a buffer of several segments, or have it announce a smaller MSS. Find out why its application reads so little at a time.",
		NotThis: "Small segments into a large window: that is the application, or Nagle. A window that is small for a moment while data " +
			"fills it, or that costs no time. An unused window of a receiver whose windows were never twice as large, if there is room for the 536 bytes that every host accepts: " +
			"its peer may send half of the largest window at once. A window of 0 (zero-window-probe-loop, zero-window-deadlock). A window whose scale is unknown.",
		Peers: "Wireshark marks each of them Window Full, like any other full window, and does not detect silly windows.",
		Refs:  []string{"RFC 9293 3.8.6.2", "RFC 1122 4.2.3.3", "RFC 1122 4.2.3.4", "RFC 813"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{frozen, silly},
	Params: []detectors.Param{
		{Name: "patience", Default: 15, Min: 1, Max: 3600, Unit: "s", Doc: "how long a small window must stay unused to count as frozen; three RTOs if that is longer"},
		{Name: "min-fills", Default: 4, Min: 2, Max: 100000, Unit: "", Doc: "minimum number of small windows filled in a row for a finding"},
		{Name: "min-cost", Default: 0.5, Min: 0, Max: 3600, Unit: "s", Doc: "minimum time that passed between these"},
	},
	StartsOn:     fsm.On(fsm.WindowSmall),
	SubscribesTo: fsm.On(fsm.WindowSmall, fsm.DataSent, fsm.DataResent, fsm.ResetSent, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(smallWindow) },
}

var (
	frozen = &detectors.Outcome{Name: "frozen", Severity: detectors.Critical, Fault: detectors.FaultHost,
		When: "the sender has more to send but does not use the window, which does not grow",
		Cause: "The receiver leaves a few bytes open and does not read on. The sender's TCP avoids small segments, as it must, but lacks " +
			"the override timer (RFC 9293 3.8.6.2.1 recommends 0.1 to 1 s) that sends what fits. Each waits for the other.",
		Action: "Look at the receiving application first: why does it not read? Then at the sender's stack, which should have filled the window and probed it."}
	silly = &detectors.Outcome{Name: "silly", Severity: detectors.Info, Fault: detectors.FaultHost, When: "segment after segment fills a window smaller than a full segment; a warning if that takes a second or more"}
)

// longFill is from what time on small windows are a warning.
const longFill = time.Second

// smallWindow follows, for each side that sends, its peer's small windows.
type smallWindow struct {
	due      [2]detectors.Deadline // something must be sent into the small window
	unused   [2]unusedWindow
	filled   [2]filledWindows
	liveness liveness
}

// An unusedWindow is a small window into which nothing has been sent.
type unusedWindow struct {
	small reassembly.Mark // the anchor: the segment that left the window like this
	size  uint32          // bytes
}

// filledWindows are small windows in a row, each of which was filled.
type filledWindows struct {
	first    reassembly.Mark // the anchor
	last     reassembly.Mark
	since    int64 // the last, while nothing else was sent after it
	cost     int64 // nanoseconds between one and the next
	count    int
	bytes    uint64
	reported bool
}

func (w *smallWindow) Event(ev fsm.Event, r *detectors.Report) {
	switch ev.Kind {
	case fsm.DataSent, fsm.DataResent:
		w.due[ev.Side].Satisfy(r)
		w.filled[ev.Side].sent(ev, r)
	case fsm.ResetSent:
		w.due[reassembly.A].Disarm()
		w.due[reassembly.B].Disarm()
	case fsm.Sent:
		if !detectors.MayBeForged(ev) {
			w.liveness.note(ev)
			w.offered(ev.Seg, ev.Side.Peer(), r)
		}
	}
}

// offered looks at the window that a segment of the receiver leaves the side.
func (w *smallWindow) offered(seg *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	due, unused, receiver := &w.due[side], &w.unused[side], side.Peer()
	if !r.Conn.Window(receiver).Shut && !detectors.WindowBelowSegment(r.Conn, receiver) {
		w.filled[side].end()
	}
	if !detectors.WindowSmall(r.Conn, receiver) {
		due.Disarm()
		return
	}
	out := r.Conn.Stream(side)
	switch size := out.Window(); {
	case due.Armed() && size == unused.size:
	case due.Reported(): // one is enough
		due.Disarm()
	default:
		*unused = unusedWindow{reassembly.MarkOf(seg), size}
		due.Arm(seg.At, r)
	}
}

// sent counts new payload that fills a small window.
func (f *filledWindows) sent(ev fsm.Event, r *detectors.Report) {
	out := r.Conn.Stream(ev.Side)
	full := out.Knows(reassembly.KnowEdge|reassembly.KnowNxt) && !out.Nxt.Before(out.Edge)
	if ev.Kind != fsm.DataSent || !full || !detectors.WindowBelowSegment(r.Conn, ev.Side.Peer()) {
		f.since = 0 // the wait for an application, or for a timer after a loss, is not the window's
		return
	}
	f.last = reassembly.MarkOf(ev.Seg)
	if f.since != 0 {
		f.cost += ev.Seg.At - f.since
	}
	f.since = ev.Seg.At
	f.count++
	f.bytes += uint64(ev.Seg.Len)
	switch {
	case f.count == 1:
		f.first = f.last
	case f.count >= int(r.Value("min-fills")) && f.cost >= r.Nanos("min-cost"):
		f.reported = true
		f.report(ev.Side, r)
	}
}

// end ends a row: the receiver offers room for a full segment.
func (f *filledWindows) end() {
	if !f.reported {
		*f = filledWindows{}
	}
}

func (w *smallWindow) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when the side should have sent what fits: a timer of 0.1 to 1 s overrides
// silly window avoidance (RFC 9293 3.8.6.2.1), or else its persist timer does, 5 s
// in BSD.
func (w *smallWindow) Limit(i int, r *detectors.Report) int64 {
	return w.due[i].Since() + max(r.Nanos("patience"), 3*int64(r.Conn.RTO(reassembly.Side(i))))
}

// Overdue reports a window left unused, if the sender has more to send and has not
// closed, and nothing is in flight: then it would not be the window that it waits for.
func (w *smallWindow) Overdue(i int, o detectors.Overdue, r *detectors.Report) {
	side := reassembly.Side(i)
	out := r.Conn.Stream(side)
	if o.Short > 0 || out.InFlight() > 0 || r.Conn.Phase(side) >= fsm.PhaseFinSent || !detectors.MoreToSend(r.Conn, side) {
		return
	}
	own, peer, since := r.Name(side), r.Name(side.Peer()), w.due[i].Since()
	small, size, mss := &w.unused[i].small, w.unused[i].size, announcedMSS(r.Conn, side.Peer())
	f := r.Find(frozen, side, o.At, r.Evidence("small window, not opened further", side.Peer(), small))
	f.States, f.End = r.StatesNow(o.Now), o.Now
	f.Roles = detectors.Roles("sender", side, "receiver")
	f.Measure("window", int(size))
	f.Measure("mss", mss)
	f.Measure("waited_s", detectors.Seconds(o.Now-since))
	f.Message = fmt.Sprintf("%s left a window of %d bytes (frame %d), less than a full segment of %d. %s has more to send, since its last segment was as large as possible and came without PSH, "+
		"but did not use the window for %s, and %s did not open it further. Each waits for the other.",
		peer, size, small.Frame, mss, own, detectors.Span(o.Now-since), peer)
	r.Absence(&f, since)
	w.liveness.doubt(&f, side, o.Now, r)
	w.due[i].Emit(f, r)
}

// announcedMSS is the MSS option of the side's SYN; 0 if there was none.
func announcedMSS(v fsm.View, side reassembly.Side) int {
	syn, _ := v.SYNOptions(side)
	return int(syn.MSS)
}

// report reports a row of small windows that the side filled.
func (f *filledWindows) report(side reassembly.Side, r *detectors.Report) {
	own, peer, mss := r.Name(side), r.Name(side.Peer()), announcedMSS(r.Conn, side.Peer())
	mean, took := int(f.bytes)/f.count, f.last.At-f.first.At
	found := r.Find(silly, side.Peer(), f.last.At,
		r.Evidence("fills a small window", side, &f.first), r.Evidence("last segment that fills a small window", side, &f.last))
	found.Roles = detectors.Roles("sender", side, "receiver")
	found.Measure("fills", f.count)
	found.Measure("mean_bytes", mean)
	found.Measure("mss", mss)
	found.Measure("duration_s", detectors.Seconds(took))
	found.Measure("cost_s", detectors.Seconds(f.cost))
	if f.cost >= int64(longFill) {
		found.Severity = detectors.Warning
	}
	found.Message = fmt.Sprintf("%s filled %d windows of %s one by one, each smaller than a full segment of %d bytes (frames %d to %d): %d bytes on average, in %s.",
		own, f.count, peer, mss, f.first.Frame, f.last.Frame, mean, detectors.Span(took))
	r.Emit(found)
}
