package path

import (
	"fmt"
	"math"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/middlebox"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// IdleBlackhole reports data that is sent after a long silence and gets no answer: a
// device between the hosts has forgotten the connection. RFC 5382.
var IdleBlackhole = &detectors.Detector{
	Name: "idle-blackhole",
	Doc: detectors.Doc{
		Title: "data sent after an idle time got no answer",
		What: "Neither side sends anything for a minute or more. Then one side sends data, and sends it again at growing intervals. The " +
			"peer, which had answered everything before, sends nothing until the connection ends. No RST: a black hole, unless an ICMP error says who dropped the data.",
		Cause: "A middlebox on the path (NAT, firewall, load balancer) forgot the connection while it was idle, as all do after a " +
			"certain timeout, and silently drops what it does not know. Or the peer's host went down in that time.",
		Action: "Have the side that sends first after a pause use keep-alives more often than the middlebox's timeout (TCP_KEEPIDLE, or the " +
			"protocol's own heartbeats), or close connections that were idle for longer (a pool's maximum idle time). If you can, have the middlebox " +
			"answer with RST instead of dropping. If new connections to the peer fail too, its host is down.",
		NotThis: "Data at whose time no answer over TCP arrived at the sender's address from anybody, though it asked a host of another network in vain, too, with which it was connected: undecided, as its own address or access may have failed. Data that is answered after all, however late. A RST instead of silence: see reset-cause. Silence without an idle " +
			"time before it, or of a peer that sent nothing but its SYN-ACK, several times, unanswered keep-alives, and data that reached a capture point beside the silent host: see dead-peer. A capture of one direction.",
		Peers: "Wireshark marks the retransmissions; the idle time shows only in the time column.",
		Refs:  []string{"RFC 5382 5", "RFC 1122 4.2.3.6", "RFC 9293 3.8.4"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{idleSilent},
	Params: []detectors.Param{
		{Name: "min-resends", Default: 4, Min: 2, Max: 1000, Unit: "", Doc: "minimum number of unanswered retransmissions of the data for a finding"},
		{Name: "min-idle", Default: 60, Min: 60, Max: 1e6, Unit: "s", Doc: "minimum idle time before the data"},
		{Name: "patience", Default: 5, Min: 1, Max: 3600, Unit: "s", Doc: "minimum silence after the first retransmission; three RTOs if that is longer"},
	},
	StartsOn:     fsm.On(fsm.DataAfterIdle, fsm.ICMPError),
	SubscribesTo: fsm.On(fsm.DataAfterIdle, fsm.DataResent, fsm.ResetSent, fsm.Revived, fsm.Sent, fsm.ICMPError),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(idleBlackhole) },

	YieldsTo: []string{"half-close-cut", "mtu-blackhole", "close-wait-leak"},
}

var idleSilent = &detectors.Outcome{Name: "silent", Severity: detectors.Warning, When: "nothing came back before the capture ended or the sender gave up"}

// idleBlackhole holds one account per direction, by the side that ended the idle time.
type idleBlackhole struct {
	due   [2]detectors.Deadline // an answer, once there are enough retransmissions
	sides [2]idleEnd
	icmp  icmpBySide
}

// An idleEnd is data that ended an idle time.
type idleEnd struct {
	data     reassembly.Mark // At is 0 while there is none that waits for an answer
	idle     int64           // how long the peer had been silent
	survived int64           // the longest such time after which data was answered
	untaken  bool            // the peer had sent nothing but its SYN-ACK, several times: it never took the connection, and no idle time ended that
	retries  *retryRun       // begun with the first retransmission, and used again
}

func (w *idleBlackhole) Event(ev fsm.Event, r *detectors.Report) {
	u, at := &w.sides[ev.Side], ev.Seg.At
	switch ev.Kind {
	case fsm.DataAfterIdle:
		heard := r.Conn.Last(ev.Side.Peer())
		if idle := at - heard.At; u.data.At == 0 && heard.At != 0 && idle >= r.Nanos("min-idle") {
			u.data, u.idle = reassembly.MarkOf(ev.Seg), idle
			if u.retries != nil {
				*u.retries = retryRun{}
			}
		}
	case fsm.DataResent:
		if u.data.At != 0 && !u.over() && u.retries.takes(ev.Seg, ev.Side, r.Conn) {
			w.again(ev, r)
		}
	case fsm.ICMPError:
		w.icmp.add(ev)
	case fsm.ResetSent:
		if u.data.At != 0 && u.retries != nil && !u.over() {
			u.retries.rst = reassembly.MarkOf(ev.Seg)
			w.due[ev.Side].Disarm()
			w.report(ev.Side, detectors.Overdue{Now: at}, r)
		}
		w.drop(ev.Side.Peer(), r) // it is not silence that ended the connection
	case fsm.Revived:
		if u.over() {
			u.retries.rst = reassembly.Mark{}
			r.Withdraw(u.data.File, u.data.Frame)
			if u.enough(r) {
				w.due[ev.Side].Arm(u.data.At, r)
			}
		}
	case fsm.Sent:
		if own := &w.sides[ev.Side]; own.data.At != 0 && !own.over() && own.retries != nil && own.retries.n > 0 && own.retries.shows(ev.Seg, r.Conn.RTO(ev.Side)) {
			w.drop(ev.Side, r) // its peer is not silent: it was not captured
		}
		if u := &w.sides[ev.Side.Peer()]; u.data.At != 0 && !u.over() && ev.Class != fsm.Rst {
			u.survived = max(u.survived, u.idle)
			w.drop(ev.Side.Peer(), r)
		}
	}
}

// over reports whether the side itself ended the wait by a RST.
func (u *idleEnd) over() bool { return u.retries != nil && u.retries.over() }

// drop forgets data that was answered.
func (w *idleBlackhole) drop(side reassembly.Side, r *detectors.Report) {
	if u := &w.sides[side]; u.data.At != 0 {
		w.due[side].Satisfy(r)
		r.Withdraw(u.data.File, u.data.Frame) // also after its own RST
		u.data.At = 0
	}
}

// again takes a retransmission.
func (w *idleBlackhole) again(ev fsm.Event, r *detectors.Report) {
	u, due := &w.sides[ev.Side], &w.due[ev.Side]
	if u.retries == nil {
		u.retries = new(retryRun)
	}
	proven := int64(math.MaxInt64)
	if u.enough(r) {
		proven = w.Limit(int(ev.Side), r)
	}
	if u.retries.stood(ev.Seg.At, proven, r.Conn.RTO(ev.Side)) {
		due.Satisfy(r)
		*u.retries = retryRun{known: u.retries.known}
	}
	if u.retries.n == 0 {
		u.retries.heard = r.Conn.Last(ev.Side.Peer())
		u.untaken = u.retries.opening() && r.Conn.Packets(ev.Side.Peer()) > 1
	}
	m, out := reassembly.MarkOf(ev.Seg), r.Conn.Stream(ev.Side)
	u.retries.resend(&m, out.Oldest(m.Seq))
	switch {
	case !u.enough(r):
	case due.Armed():
		due.Extend(u.data.At, r)
	default:
		due.Arm(u.data.At, r)
	}
}

// enough reports whether there are enough retransmissions to call it silence.
func (u *idleEnd) enough(r *detectors.Report) bool {
	return u.data.At != 0 && u.retries != nil && u.retries.resends >= int(r.Value("min-resends"))
}

func (w *idleBlackhole) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when an answer is overdue.
func (w *idleBlackhole) Limit(i int, r *detectors.Report) int64 {
	v := w.sides[i].retries
	return v.provenAt(time.Duration(r.Nanos("patience")), r.Conn.RTO(reassembly.Side(i)), v.resends > int(r.Value("min-resends")))
}

func (w *idleBlackhole) Overdue(i int, o detectors.Overdue, r *detectors.Report) {
	w.sides[i].retries.replaced = o.Ended && o.Why == detectors.Replaced
	w.report(reassembly.Side(i), o, r)
}

// report reports the data of side as things stand.
func (w *idleBlackhole) report(side reassembly.Side, o detectors.Overdue, r *detectors.Report) {
	u, now := &w.sides[side], o.Now
	if !u.enough(r) || besideTap(side.Peer(), r) || u.untaken {
		return
	}
	v := u.retries
	sent := r.Conn.Last(side).At
	icmp := w.icmp[side].Since(u.data.At)
	evidence := append([]detectors.Evidence{r.Evidence("data after the idle time", side, &u.data)}, v.evidence(side, r)...)
	f := r.Find(idleSilent, side.Peer(), now, append(evidence, icmp.Evidence()...)...)
	f.End, f.During = now, [2]int64{u.data.At - u.idle, u.data.At}
	f.Roles = detectors.Roles("sender", side, "silent")
	shortest, words := middlebox.Fit(u.survived, u.idle)
	f.Measure("idle_s", detectors.Seconds(u.idle))
	f.Measure("survived_s", detectors.Seconds(u.survived))
	f.Measure("shortest_fit_s", float64(shortest))
	f.Measure("resends", v.resends)
	f.Measure("silence_s", detectors.Seconds(now-u.data.At))
	f.Measure("ending", v.ending(now, sent))
	icmp.Measure(&f)
	f.Message, f.Unanswered = u.message(side, now, sent, shortest, words, icmp, r), icmp == nil
	if icmp == nil && !detectors.Over(r.Conn) { // shards know no hosts otherwise
		f.Quiet, f.Asker = &detectors.Quiet{Since: u.data.At, First: "send", Guess: u.guess(side, r), Or: "or it or a device between the two has forgotten the connection.", Cause: causeForgotten}, r.Asker(side)
	}
	if o.Short > 0 && !v.replaced {
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer would be overdue", detectors.Span(o.Short)))
	} else {
		r.Absence(&f, min(u.data.At, v.notSince()))
	}
	w.due[side].Emit(f, r)
}

func (u *idleEnd) message(side reassembly.Side, now, sent int64, shortest int, words string, icmp *detectors.ICMPErrors, r *detectors.Report) string {
	v := u.retries
	own, peer := r.Name(side), r.Name(side.Peer())
	m := fmt.Sprintf("%s sent data (frame %d) after %s had been silent for %s (since frame %d). It retransmitted the data %d times in %s (frames %d to %d) "+
		"and got no answer. %s", own, u.data.Frame, peer, detectors.Span(u.idle), v.heard.Frame, v.resends, detectors.Span(v.to.At-v.from.At),
		v.from.Frame, v.to.Frame, v.ended(side, now, sent, r))
	if icmp != nil {
		return m + " " + icmp.Sentence(own) + " " + icmp.Meaning(own, peer)
	}
	m += u.guess(side, r)
	if u.survived > 0 {
		m += fmt.Sprintf(" An idle time of %s did no harm before.", detectors.Span(u.survived))
	}
	if words == "" {
		return m + " No well-known idle timeout of a device fits."
	}
	return m + fmt.Sprintf(" If it is a device, the idle time fits %s: keep-alives of %s more often than every %d s would prevent that.", words, own, shortest)
}

// guess is what may have become of the peer of the side, as far as this connection shows.
func (u *idleEnd) guess(side reassembly.Side, r *detectors.Report) string {
	return fmt.Sprintf(" Either %s is down or cut off, or it or a device between the two has forgotten the connection.", r.Name(side.Peer()))
}

// causeForgotten is the cause where the peer's host is up.
const causeForgotten = "A middlebox on the path (NAT, firewall, load balancer) forgot the connection while it was idle, as all do after a certain timeout, and silently drops what it does not know; " +
	"or the peer's host lost it, and its firewall hides that" + detectors.DownForAWhile + "."

// besideTap reports whether the side is so near to the capture point, and its peer so far, that what could have
// forgotten the connection between them let the data pass: the host itself has forgotten it, or is down.
func besideTap(side reassembly.Side, r *detectors.Report) bool {
	near, far := r.Conn.HandshakeRTT(side), r.Conn.HandshakeRTT(side.Peer())
	if near == 0 && far == 0 { // no router has lowered the TTL of its segments, as some have that of its peer's
		own, peer := r.Conn.Last(side), r.Conn.Last(side.Peer())
		return own.At != 0 && fsm.Unrouted(own.TTL) && !fsm.Unrouted(peer.TTL)
	}
	return near > 0 && near < time.Millisecond && near*timesNearer <= far
}

// timesNearer is how many times as far the other side must be.
const timesNearer = 10
