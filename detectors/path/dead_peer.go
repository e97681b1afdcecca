package path

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// DeadPeer reports a side that repeats its data or its keep-alives and meets
// nothing but silence. RFC 9293 3.8.3 and 3.8.4.
var DeadPeer = &detectors.Detector{
	Name: "dead-peer",
	Doc: detectors.Doc{
		Title: "the peer has fallen silent for good",
		What: "One side sends the same data again and again, at growing intervals, or one keep-alive after the other, and " +
			"nothing at all comes from the other side: no acknowledgment, no data, no RST. At the end it gives up, with RST " +
			"(Linux after keep-alives) or without a word (Linux after data), or is still trying when the capture ends.",
		Cause: "The peer's host was switched off, crashed or lost its network; or the path lost one of its directions: a cable, " +
			"a route, a firewall rule, a middlebox that forgot the connection. From the surviving side all of these look the same.",
		Action: "Is the peer up, and does a new connection to it work from the same host? If it does, look for what stands between " +
			"them and forgets or filters; a capture at the peer tells whether the segments arrive. How soon the survivor " +
			"notices is its own choice: TCP_USER_TIMEOUT for data, TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT for silence.",
		NotThis: "Probes of a closed window: zero-window-probe-loop speaks. A FIN or a SYN that is sent again. A peer that says " +
			"anything at all, even without acknowledging the data, and one that answers with RST. Data after a long idle " +
			"time: idle-blackhole speaks. Full segments that never arrive where smaller ones do: mtu-blackhole. A capture of one direction: undecided.",
		Peers: "Wireshark marks each frame, as Retransmission or Keep-Alive, and does not say that nobody answers.",
		Refs:  []string{"RFC 9293 3.8.3", "RFC 9293 3.8.4", "RFC 1122 4.2.3.5", "RFC 6298 5"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "keepalive", Severity: detectors.Warning, When: "keep-alives in a row met nothing at all"},
		{Name: "data", Severity: detectors.Warning, When: "data was sent again and again, and nothing at all came back"},
		{Name: "recovered", Severity: detectors.Info, When: "the peer came back after an outage long enough to be noticed",
			Cause:  "The path or the peer's host was away for a while: a link that flaps, a failover, a host that was suspended.",
			Action: "Look for what happened on the path, or to the peer, at that time; other connections show the same."},
	},
	Params: []detectors.Param{
		{Name: "min-keepalives", Default: 3, Min: 2, Max: 1000, Unit: "", Doc: "keep-alives in a row without an answer that make a finding"},
		{Name: "min-resends", Default: 4, Min: 2, Max: 1000, Unit: "", Doc: "resends of one segment without an answer that make a finding"},
		{Name: "patience", Default: 5, Min: 1, Max: 3600, Unit: "s", Doc: "silence after the first of them, at least; three RTO if that is longer"},
		{Name: "min-outage", Default: 10, Min: 0, Max: 86400, Unit: "s", Doc: "silence that is worth a note although the peer came back"},
	},
	StartsOn:     fsm.On(fsm.KeptAlive, fsm.DataResent),
	SubscribesTo: fsm.On(fsm.KeptAlive, fsm.DataResent, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(deadPeer) },

	YieldsTo: []string{"zero-window-probe-loop", "idle-blackhole", "mtu-blackhole", "half-close-cut"},
}

// deadPeer holds one account per direction, by the side that repeats itself.
type deadPeer struct {
	sides   [2]*vigil // made once and used again: losses are many
	outages [2]*outages
}

func (w *deadPeer) Event(ev fsm.Event, r *detectors.Report) {
	w.take(ev, r)
	if w.open(reassembly.A) == nil && w.open(reassembly.B) == nil {
		r.Subscribe(DeadPeer.StartsOn)
	} else {
		r.Subscribe(DeadPeer.SubscribesTo)
	}
}

func (w *deadPeer) take(ev fsm.Event, r *detectors.Report) {
	side := ev.Side
	switch ev.Kind {
	case fsm.KeptAlive:
		m := reassembly.MarkOf(ev.Seg)
		v := w.vigil(ev, r)
		v.repeat(&m)
		v.keepAlives++
		w.wake(side, ev.Seg.At, r)
	case fsm.DataResent:
		if m := reassembly.MarkOf(ev.Seg); m.Flags&reassembly.FIN == 0 {
			w.vigil(ev, r).resend(&m, r.Old.Oldest(side, &m))
			w.wake(side, ev.Seg.At, r)
		}
	case fsm.ResetSent:
		w.reset(side, ev.Seg, r)
	case fsm.Revived: // the RST in this side's name ended nothing
		if v := w.open(side); v != nil && v.over() {
			r.Withdraw(v.first.File, v.first.Frame)
			v.rst = reassembly.Mark{}
		}
	case fsm.Sent:
		if v := w.open(side.Peer()); v != nil && !v.over() && ev.Class != fsm.Rst {
			w.answered(side.Peer(), ev.Seg, r)
		}
	}
}

// open is the account of the side, if its peer owes it an answer.
func (w *deadPeer) open(side reassembly.Side) *vigil {
	if v := w.sides[side]; v != nil && v.n > 0 {
		return v
	}
	return nil
}

// vigil is the account of the side that repeats itself, begun if there is none.
func (w *deadPeer) vigil(ev fsm.Event, r *detectors.Report) *vigil {
	side := ev.Side
	if w.sides[side] == nil {
		w.sides[side] = new(vigil)
	}
	v := w.sides[side]
	if v.n == 0 {
		*v = vigil{heard: r.Old.LastSent(side.Peer())}
		v.small = ev.Was != nil && ev.Was.At > v.heard.At && ev.Was.SeqLen() > 0 && ev.Was.Len < ev.Seg.Len
	}
	return v
}

// reset ends the vigil of side by its own RST. With a RST of the peer's it is
// not silence that ended the connection.
func (w *deadPeer) reset(side reassembly.Side, rst *reassembly.Segment, r *detectors.Report) {
	if v := w.open(side); v != nil && !v.over() {
		v.rst = reassembly.MarkOf(rst)
		w.tell(side, rst.At, r)
	}
	w.drop(side.Peer(), r)
}

// drop forgets the vigil of side.
func (w *deadPeer) drop(side reassembly.Side, r *detectors.Report) {
	if v := w.open(side); v != nil {
		r.Withdraw(v.first.File, v.first.Frame)
		v.n = 0
	}
}

// answered takes the peer's first word since: an answer to the last repeat, so
// that this one is not counted. Nobody needs a note of an outage that may have
// been the capture's own.
func (w *deadPeer) answered(side reassembly.Side, seg *reassembly.Segment, r *detectors.Report) {
	v := w.sides[side]
	r.Withdraw(v.first.File, v.first.Frame)
	v.keepAlives, v.resends = v.keepAlives-1, v.resends-1
	if w.outcome(v, r) != "" && seg.At-v.first.At >= r.Nanos("min-outage") && !r.Old.HoleSince(v.first.At-int64(time.Second)) {
		if w.outages[side] == nil {
			w.outages[side] = new(outages)
		}
		r.Emit(w.outages[side].add(v, side, seg, r))
	}
	v.n = 0
}

// outcome is what the vigil is, or may come to be; "" while it is too short.
func (w *deadPeer) outcome(v *vigil, r *detectors.Report) string {
	switch {
	case v.resends >= int(r.Value("min-resends")):
		return "data"
	case v.keepAlives >= int(r.Value("min-keepalives")):
		return "keepalive"
	}
	return ""
}

// wake asks for a look when the vigil is proven, and when it has been given up.
func (w *deadPeer) wake(side reassembly.Side, now int64, r *detectors.Report) {
	v := w.open(side)
	if v == nil || v.over() || w.outcome(v, r) == "" {
		return
	}
	for _, at := range [...]int64{w.provenAt(side, r), v.givenUpAt(r.Old.LastSent(side).At)} {
		if at > now {
			r.WakeAt(at)
		}
	}
}

func (w *deadPeer) provenAt(side reassembly.Side, r *detectors.Report) int64 {
	v := w.sides[side]
	spare := v.resends > int(r.Value("min-resends")) || v.keepAlives > int(r.Value("min-keepalives"))
	return v.provenAt(time.Duration(r.Nanos("patience")), r.Old.RTO(side), spare)
}

// Due tells how things stand.
func (w *deadPeer) Due(now int64, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if v := w.open(side); v != nil && !v.over() {
			if now >= w.provenAt(side, r) {
				w.tell(side, now, r)
			}
			w.wake(side, now, r)
		}
	}
}

func (w *deadPeer) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if v := w.open(side); v != nil && !v.over() {
			v.replaced = e.Why == detectors.Replaced
			w.tell(side, e.At, r)
		}
	}
}

// tell reports the vigil of side as it stands at trace time now.
func (w *deadPeer) tell(side reassembly.Side, now int64, r *detectors.Report) {
	v := w.sides[side]
	outcome := w.outcome(v, r)
	if outcome == "" {
		return
	}
	sender := r.Old.LastSent(side).At
	f := r.FindNamed(outcome, side.Peer(), now, v.evidence(side, r)...)
	f.End = now
	f.Roles = []detectors.Role{{Name: "survivor", Side: side}, {Name: "silent", Side: side.Peer()}}
	f.Measure("keepalives", v.keepAlives)
	f.Measure("resends", v.resends)
	f.Measure("silence_s", detectors.Seconds(now-v.first.At))
	f.Measure("last_interval_s", detectors.Seconds(v.interval))
	f.Measure("ending", v.ending(now, sender))
	f.Message = v.message(outcome, side, now, sender, r)
	if proven := w.provenAt(side, r); now < proven && !v.over() && !v.replaced {
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer would be overdue", detectors.Span(proven-now)))
	} else {
		r.Absence(&f, v.first.At)
	}
	r.Emit(f)
}

func (v *vigil) message(outcome string, side reassembly.Side, now, sender int64, r *detectors.Report) string {
	own, peer := r.Name(side), r.Name(side.Peer())
	m := peer + " has said nothing"
	if v.heard.At != 0 {
		m += fmt.Sprintf(" for %s, since frame %d", detectors.Span(v.until(now)-v.heard.At), v.heard.Frame)
	}
	if outcome == "data" {
		m += fmt.Sprintf(". %s sent the same data again %d times", own, v.resends)
	} else {
		m += fmt.Sprintf(". %s sent %d keep-alives", own, v.keepAlives)
	}
	m += fmt.Sprintf(" in %s (frames %d to %d) and met no answer at all. %s Its peer is gone, or the path there or back is broken: from here both look the same.",
		detectors.Span(v.last().At-v.first.At), v.first.Frame, v.last().Frame, v.ended(own, now, sender))
	if outcome == "data" && v.onlyLarge(side, r) {
		m += fmt.Sprintf(" Nothing as large as its %d bytes was ever acknowledged: a path that drops only large packets would look so too.", v.least)
	}
	return m
}
