package path

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/middlebox"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// IdleBlackhole reports data that is sent after a long silence and meets
// nothing, again and again: what stands between the hosts has forgotten the
// connection. RFC 5382.
var IdleBlackhole = &detectors.Detector{
	Name: "idle-blackhole",
	Doc: detectors.Doc{
		Title: "data after an idle time met nothing but silence",
		What: "Nobody speaks for a minute or more; then one side sends data, which is sent again at growing intervals, and the " +
			"peer, which had answered all before, says nothing at all to the end of the connection. No RST, no ICMP: a black hole.",
		Cause: "A middlebox on the way (NAT, firewall, load balancer) forgot the connection while it was idle, as all do after a " +
			"time of their own, and drops in silence what it does not know. Or the peer's host went away in that time.",
		Action: "Have the side that sends first after a pause use keep-alives more often than the middlebox forgets (TCP_KEEPIDLE, or the " +
			"protocol's own heartbeats), or close connections that were idle for longer (a pool's maximum idle time). Have the middlebox " +
			"answer with RST instead of silence where it can. If new connections to the peer fail too, its host is gone.",
		NotThis: "Data that is answered after all, however late; a RST instead of silence: reset-cause speaks. Silence without an idle " +
			"time before it, and unanswered keep-alives: dead-peer. A capture of one direction.",
		Peers: "Wireshark marks the resends, and shows the idle time only to those who look at the time column.",
		Refs:  []string{"RFC 5382 5", "RFC 1122 4.2.3.6", "RFC 9293 3.8.4"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "silent", Severity: detectors.Warning, When: "nothing came back to the end, or until the sender gave up"},
	},
	Params: []detectors.Param{
		{Name: "min-resends", Default: 4, Min: 2, Max: 1000, Unit: "", Doc: "resends of the data without an answer that make a finding"},
		{Name: "min-idle", Default: 60, Min: 60, Max: 1e6, Unit: "s", Doc: "idle time before the data"},
		{Name: "patience", Default: 5, Min: 1, Max: 3600, Unit: "s", Doc: "silence after the first resend, at least; three RTO if that is longer"},
	},
	StartsOn:     fsm.On(fsm.DataAfterIdle),
	SubscribesTo: fsm.On(fsm.DataAfterIdle, fsm.DataResent, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(idleBlackhole) },

	YieldsTo: []string{"half-close-cut", "mtu-blackhole"},
}

// idleBlackhole holds one account per direction, by the side that broke the
// silence.
type idleBlackhole struct{ sides [2]wakeUp }

// A wakeUp is data that broke a silence.
type wakeUp struct {
	data     reassembly.Mark // At is 0 while there is none that waits for an answer
	idle     int64           // how long the peer had said nothing
	survived int64           // the longest time of that kind that ended well
	vigil    *vigil          // begun with the first resend, and used again
}

func (w *idleBlackhole) Event(ev fsm.Event, r *detectors.Report) {
	u, at := &w.sides[ev.Side], ev.Seg.At
	switch ev.Kind {
	case fsm.DataAfterIdle:
		heard := r.Old.LastSent(ev.Side.Peer())
		if idle := at - heard.At; u.data.At == 0 && heard.At != 0 && idle >= r.Nanos("min-idle") {
			u.data, u.idle = reassembly.MarkOf(ev.Seg), idle
			if u.vigil != nil {
				*u.vigil = vigil{}
			}
		}
	case fsm.DataResent:
		if u.data.At != 0 && !u.over() && ev.Seg.Flags&reassembly.FIN == 0 {
			u.again(ev, r)
		}
	case fsm.ResetSent:
		if u.data.At != 0 && u.vigil != nil && !u.over() {
			u.vigil.rst = reassembly.MarkOf(ev.Seg)
			u.tell(ev.Side, at, r)
		}
		w.sides[ev.Side.Peer()].drop(r) // it is not silence that ended the connection
	case fsm.Revived:
		if u.over() {
			r.Withdraw(u.data.File, u.data.Frame)
			u.vigil.rst = reassembly.Mark{}
		}
	case fsm.Sent:
		if u := &w.sides[ev.Side.Peer()]; u.data.At != 0 && !u.over() && ev.Class != fsm.Rst {
			u.survived = max(u.survived, u.idle)
			u.drop(r)
		}
	}
}

// over reports whether the side itself ended the wait by a RST.
func (u *wakeUp) over() bool { return u.vigil != nil && u.vigil.over() }

// drop forgets data that was answered.
func (u *wakeUp) drop(r *detectors.Report) {
	if u.data.At != 0 {
		r.Withdraw(u.data.File, u.data.Frame)
		u.data.At = 0
	}
}

// again takes a resend.
func (u *wakeUp) again(ev fsm.Event, r *detectors.Report) {
	if u.vigil == nil {
		u.vigil = new(vigil)
	}
	if u.vigil.n == 0 {
		u.vigil.heard = r.Old.LastSent(ev.Side.Peer())
	}
	m := reassembly.MarkOf(ev.Seg)
	u.vigil.resend(&m, r.Old.Oldest(ev.Side, &m))
	u.wake(ev.Side, m.At, r)
}

// proven reports whether there are resends enough, and when they prove it.
func (u *wakeUp) proven(side reassembly.Side, r *detectors.Report) (at int64, enough bool) {
	if u.data.At == 0 || u.vigil == nil || u.vigil.resends < int(r.Value("min-resends")) {
		return 0, false
	}
	return u.vigil.provenAt(time.Duration(r.Nanos("patience")), r.Old.RTO(side), false), true
}

// wake asks for a look when it is proven, and when the sender has given up.
func (u *wakeUp) wake(side reassembly.Side, now int64, r *detectors.Report) {
	if at, enough := u.proven(side, r); enough && !u.over() {
		for _, at := range [...]int64{at, u.vigil.givenUpAt(r.Old.LastSent(side).At)} {
			if at > now {
				r.WakeAt(at)
			}
		}
	}
}

// Due tells how things stand.
func (w *idleBlackhole) Due(now int64, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		u := &w.sides[side]
		if at, enough := u.proven(side, r); enough && now >= at && !u.over() {
			u.tell(side, now, r)
		}
		u.wake(side, now, r)
	}
}

func (w *idleBlackhole) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if u := &w.sides[side]; u.vigil != nil && !u.over() {
			u.vigil.replaced = e.Why == detectors.Replaced
			u.tell(side, e.At, r)
		}
	}
}

// tell reports the data of side as things stand at trace time now.
func (u *wakeUp) tell(side reassembly.Side, now int64, r *detectors.Report) {
	proven, enough := u.proven(side, r)
	if !enough {
		return
	}
	v := u.vigil
	sender := r.Old.LastSent(side).At
	f := r.FindNamed("silent", side.Peer(), now, append([]detectors.Evidence{r.Evidence("data after the idle time", side, &u.data)}, v.evidence(side, r)...)...)
	f.End = now
	f.Roles = []detectors.Role{{Name: "sender", Side: side}, {Name: "silent", Side: side.Peer()}}
	shortest, words := middlebox.Fit(u.survived, u.idle)
	f.Measure("idle_s", detectors.Seconds(u.idle))
	f.Measure("survived_s", detectors.Seconds(u.survived))
	f.Measure("shortest_fit_s", float64(shortest))
	f.Measure("resends", v.resends)
	f.Measure("silence_s", detectors.Seconds(now-u.data.At))
	f.Measure("ending", v.ending(now, sender))
	f.Message = u.message(side, now, sender, shortest, words, r)
	if now < proven && !v.over() && !v.replaced {
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer would be overdue", detectors.Span(proven-now)))
	} else {
		r.Absence(&f, u.data.At)
	}
	r.Emit(f)
}

func (u *wakeUp) message(side reassembly.Side, now, sender int64, shortest int, words string, r *detectors.Report) string {
	v := u.vigil
	own, peer := r.Name(side), r.Name(side.Peer())
	m := fmt.Sprintf("%s sent data (frame %d) when %s had said nothing for %s (frame %d). It sent that again %d times in %s (frames %d to %d), "+
		"and nothing at all came back. %s", own, u.data.Frame, peer, detectors.Span(u.idle), v.heard.Frame, v.resends, detectors.Span(v.last().At-u.data.At),
		v.first.Frame, v.last().Frame, v.ended(own, now, sender))
	m += fmt.Sprintf(" Either %s is gone, or something between the two has forgotten the connection: ", peer)
	if u.survived > 0 {
		m += fmt.Sprintf("an idle time of %s did no harm before, ", detectors.Span(u.survived))
	}
	if words == "" {
		return m + "no well-known limit fits."
	}
	return m + fmt.Sprintf("it fits %s. Keep-alives of %s must come more often than every %d s.", words, own, shortest)
}
