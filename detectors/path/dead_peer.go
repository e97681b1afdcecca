package path

import (
	"fmt"
	"math"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// DeadPeer reports a side that repeats its data or its keep-alives and gets no answer.
// RFC 9293 3.8.3 and 3.8.4.
var DeadPeer = &detectors.Detector{
	Name: "dead-peer",
	Doc: detectors.Doc{
		Title: "the peer stopped answering",
		What: "One side retransmits the same data at growing intervals, or sends one keep-alive after the other. The other side " +
			"sends nothing at all: no acknowledgment, no data, no RST. The sender finally gives up, with RST " +
			"(Linux after keep-alives) or without FIN or RST (Linux after data), or it is still trying when the capture ends.",
		Cause: "The peer's host was switched off, crashed or lost its network. Or the path lost one of its directions: a cable, " +
			"a route, a firewall rule, a middlebox that forgot the connection. Or the peer restarted, and its firewall drops segments of connections that it does not know. From the surviving side, all of these look the same.",
		Action: "Check that the peer is up, and that a new connection to it from the same host works. If it does, look for a device between " +
			"them that forgets or filters connections; a capture at the peer shows whether the segments arrive. How soon the survivor " +
			"notices depends on its own settings: TCP_USER_TIMEOUT for data; TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT for idle connections.",
		NotThis: "Probes of a closed window: see zero-window-probe-loop. Decoys that a program sends before the host's segments. A FIN or a SYN that is sent again. A sender whose own address or access may have failed, as no answer over TCP arrives at it from anybody (undecided; see idle-blackhole). A peer that sends " +
			"anything at all, even without acknowledging the data (see dropped-behind-tap), or that answers with RST, or whose last segment was one that may have ended the connection (one that must be ignored is named). Data after a long idle " +
			"time: see idle-blackhole, unless the capture point is beside the silent host. Full-size segments that never arrive where smaller ones do: see mtu-blackhole. An " +
			"ICMP error is no answer of the peer: it is named, with who sent it. A peer of which the capture lacks what the other side shows to have arrived: ACKs that rise, timestamps that it echoes, D-SACK. A silence while the sender sent nothing again for longer than any timer runs, or for a minute or more and four times as long as the time before: its host was suspended, and only what it sends afterwards counts. A capture of one direction is undecided.",
		Peers: "Wireshark marks each frame as Retransmission or Keep-Alive, and does not report that nothing comes back.",
		Refs:  []string{"RFC 9293 3.8.3", "RFC 9293 3.8.4", "RFC 1122 4.2.3.5", "RFC 6298 5"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{deadKeepAlive, deadData, deadRecovered},
	Params: []detectors.Param{
		{Name: "min-keepalives", Default: 3, Min: leastRetries, Max: 1000, Unit: "", Doc: "minimum number of unanswered keep-alives in a row for a finding"},
		{Name: "min-resends", Default: 4, Min: leastRetries, Max: 1000, Unit: "", Doc: "minimum number of unanswered retransmissions of one segment for a finding"},
		{Name: "patience", Default: 10, Min: 1, Max: 3600, Unit: "s", Doc: "minimum silence after the first of them, as for a peer that came back; three RTOs if that is longer"},
		{Name: "min-outage", Default: 10, Min: 0, Max: 86400, Unit: "s", Doc: "minimum silence for a finding if the peer came back"},
	},
	StartsOn:     fsm.On(fsm.KeptAlive, fsm.DataResent, fsm.ResetIgnored, fsm.ICMPError),
	SubscribesTo: fsm.On(fsm.KeptAlive, fsm.DataResent, fsm.ResetSent, fsm.ResetIgnored, fsm.Revived, fsm.Sent, fsm.ICMPError),
	Watch:        func(*detectors.Report) detectors.Watcher { return deadPeers.Take() },

	YieldsTo: []string{"zero-window-probe-loop", "idle-blackhole", "mtu-blackhole", "half-close-cut"},
}

var (
	deadKeepAlive = &detectors.Outcome{Name: "keepalive", Severity: detectors.Warning, When: "several keep-alives in a row got no answer"}
	deadData      = &detectors.Outcome{Name: "data", Severity: detectors.Warning, When: "data was retransmitted repeatedly, and nothing came back"}
	deadRecovered = &detectors.Outcome{Name: "recovered", Severity: detectors.Info, When: "the peer came back after an outage long enough to be noticed",
		Cause:  "The path or the peer's host was down for a while (a flapping link, a failover, a suspended host), or something dropped the segments of this connection.",
		Action: "Find out what happened on the path, or to the peer, at that time. Do other connections of the peer show the same outage?"}
)

// leastRetries is the least that settings may ask for.
const leastRetries = 2

// deadPeer holds one run of retries per direction, by the side that retries.
type deadPeer struct {
	due     [2]detectors.Deadline // an answer to the side's retries, once there are enough of them
	sides   [2]*retryRun          // nil if the peer owes it no answer
	outages [2]*outages
	icmp    icmpBySide
	device  [2]uint8 // TTL of the keep-alives that a device sends in the side's name; 0 if none is known

	disowned [2]reassembly.Mark // the last RST in the side's name which says that it does not have the connection; see disownedSince
}

func (w *deadPeer) Event(ev fsm.Event, r *detectors.Report) {
	before := w.sides
	if w.process(ev, r); ev.Kind == fsm.Sent && w.sides == before {
		return
	}
	kinds := [2]fsm.Kinds{DeadPeer.StartsOn, DeadPeer.StartsOn}
	for side := range reassembly.Side(2) {
		if w.sides[side] != nil {
			kinds[side] |= 1<<fsm.ResetSent | 1<<fsm.Revived | 1<<fsm.Sent
			kinds[side.Peer()] |= 1<<fsm.ResetSent | 1<<fsm.Sent
		}
	}
	r.SubscribeSides(kinds[reassembly.A], kinds[reassembly.B])
}

// deadPeers are those that have left.
var deadPeers detectors.Spare[deadPeer]

// Idle implements [detectors.Leaver].
func (w *deadPeer) Idle(*detectors.Report) bool {
	return w.sides == [2]*retryRun{} && w.outages == [2]*outages{} && w.icmp == icmpBySide{} && w.disowned == [2]reassembly.Mark{} && w.device == [2]uint8{} && !detectors.AnyArmed(w.due[:])
}

// Leave implements [detectors.Leaver].
func (w *deadPeer) Leave() { deadPeers.Give(w) }

func (w *deadPeer) process(ev fsm.Event, r *detectors.Report) {
	side := ev.Side
	switch ev.Kind {
	case fsm.KeptAlive:
		m := reassembly.MarkOf(ev.Seg)
		if v := w.sides[side]; w.byDevice(side, ev.Was, &m) || v != nil && v.n > 0 && maybeTwice(v.last(), &m, r.Conn) {
			return
		}
		w.standstill(side, m.At, r)
		v := w.run(ev, r)
		v.retry(&m)
		v.keepAlives++
		w.wait(side, r)
	case fsm.DataResent:
		if m := reassembly.MarkOf(ev.Seg); w.sides[side].takes(ev.Seg, side, r.Conn) && !maybeTwice(ev.Was, &m, r.Conn) && !isDecoy(&ev, &m, r.Conn) {
			out := r.Conn.Stream(side)
			w.standstill(side, m.At, r)
			w.run(ev, r).resend(&m, out.Oldest(m.Seq))
			w.wait(side, r)
		}
	case fsm.ICMPError:
		w.icmp.add(ev)
	case fsm.ResetSent:
		w.reset(side, ev.Seg, r)
	case fsm.ResetIgnored:
		w.ignored(ev, r)
	case fsm.Revived: // the RST in this side's name ended nothing
		if v := w.sides[side]; v != nil && v.over() {
			v.rst = reassembly.Mark{}
			r.Withdraw(v.first.File, v.first.Frame)
			w.due[side].Arm(v.first.At, r)
		}
	case fsm.Sent:
		if own := w.sides[side]; own != nil && !own.over() && own.shows(ev.Seg, r.Conn.RTO(side)) { // its peer is not silent: it was not captured
			w.due[side].Satisfy(r)
			w.close(side)
		}
		if v := w.sides[side.Peer()]; v != nil && !v.over() && ev.Class != fsm.Rst {
			w.answered(side.Peer(), ev.Seg, r)
		} else if v != nil && v.over() && !detectors.MayBeForged(ev) && v.alive.At == 0 && ev.Seg.At-v.rst.At <= int64(r.Conn.RTO(side.Peer())) {
			v.alive = reassembly.MarkOf(ev.Seg)
			w.report(side.Peer(), detectors.Overdue{Now: v.rst.At}, r)
		} else if v != nil && ev.Class == fsm.Rst {
			if rst, last := reassembly.MarkOf(ev.Seg), r.Conn.Last(side.Peer()); detectors.Answers(&rst, &last) {
				v.refused = rst
			}
		} else if v != nil && v.alive.At == 0 && !v.spoke {
			v.spoke = true
			w.report(side.Peer(), detectors.Overdue{Now: v.rst.At}, r)
		}
	}
}

// runs are those that are over.
var runs detectors.Spare[retryRun]

// close ends the run of the side.
func (w *deadPeer) close(side reassembly.Side) {
	runs.Give(w.sides[side])
	w.sides[side] = nil
}

// standstill begins the run anew if the side stood still until now.
func (w *deadPeer) standstill(side reassembly.Side, now int64, r *detectors.Report) {
	v, proven := w.sides[side], int64(math.MaxInt64)
	if v != nil && v.outcome(r) != nil {
		proven = w.Limit(int(side), r)
	}
	if v != nil && v.stood(now, proven, r.Conn.RTO(side)) {
		w.due[side].Satisfy(r)
		*v = retryRun{heard: v.heard, known: v.known, stamped: v.stamped, small: v.small}
	}
}

// run is the run of the side that retries, begun if there is none.
func (w *deadPeer) run(ev fsm.Event, r *detectors.Report) *retryRun {
	side := ev.Side
	v := w.sides[side]
	if v == nil {
		v = runs.Take()
		w.sides[side], v.heard = v, r.Conn.Last(side.Peer())
		v.stamped = ev.Seg.Opts.TSEcr != 0
		v.small = ev.Was != nil && ev.Was.At > v.heard.At && ev.Was.SeqLen() > 0 && ev.Was.Len < wireOf(ev.Seg, r.Conn)
	}
	return v
}

// reset ends the run of side by its own RST. A RST of the peer's means that it was
// not silence that ended the connection.
func (w *deadPeer) reset(side reassembly.Side, rst *reassembly.Segment, r *detectors.Report) {
	if v := w.sides[side]; v != nil && !v.over() {
		v.rst = reassembly.MarkOf(rst)
		w.due[side].Disarm()
		w.report(side, detectors.Overdue{Now: rst.At}, r)
	}
	if v := w.sides[side.Peer()]; v != nil {
		w.due[side.Peer()].Satisfy(r)
		r.Withdraw(v.first.File, v.first.Frame) // also after its own RST
		w.close(side.Peer())
	}
}

// answered takes the peer's first segment since: it answers the last retry, which is
// therefore not counted. No note is needed of an outage that may have been the
// capture's own.
func (w *deadPeer) answered(side reassembly.Side, seg *reassembly.Segment, r *detectors.Report) {
	v := w.sides[side]
	w.due[side].Satisfy(r)
	v.keepAlives, v.resends = v.keepAlives-1, v.resends-1
	if v.outcome(r) != nil && v.got(side, r) && seg.At-v.first.At >= r.Nanos("min-outage") && !r.Conn.HoleSince(v.first.At-int64(time.Second)) {
		if w.outages[side] == nil {
			w.outages[side] = new(outages)
		}
		r.Emit(w.outages[side].add(v, side, seg, r))
	}
	w.close(side)
}

// got reports whether the peer has shown that it got what the side retried: data must
// be acknowledged, or else dropped-behind-tap may have something to say.
func (v *retryRun) got(side reassembly.Side, r *detectors.Report) bool {
	out := r.Conn.Stream(side)
	return v.resends <= 0 || out.Una.After(v.first.Seq)
}

// outcome is what the run is, or may come to be; nil while it is too short. A peer whose
// last segment is a RST has said that it is gone, even if its number was not acceptable.
func (v *retryRun) outcome(r *detectors.Report) *detectors.Outcome {
	switch {
	case v.resends < leastRetries && v.keepAlives < leastRetries: // nearly always
	case v.heard.Flags.Has(reassembly.RST) && v.refused.At == 0:
	case v.resends >= int(r.Value("min-resends")):
		return deadData
	case v.keepAlives >= int(r.Value("min-keepalives")):
		return deadKeepAlive
	}
	return nil
}

// wait arms the side's deadline once there are enough retries, and extends it with each further one.
func (w *deadPeer) wait(side reassembly.Side, r *detectors.Report) {
	v, due := w.sides[side], &w.due[side]
	switch {
	case v.over() || v.outcome(r) == nil:
	case due.Armed():
		due.Extend(v.first.At, r)
	default:
		due.Arm(v.first.At, r)
	}
}

func (w *deadPeer) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when an answer is overdue.
func (w *deadPeer) Limit(i int, r *detectors.Report) int64 {
	v := w.sides[i]
	spare := v.resends > int(r.Value("min-resends")) || v.keepAlives > int(r.Value("min-keepalives"))
	return v.provenAt(time.Duration(r.Nanos("patience")), r.Conn.RTO(reassembly.Side(i)), spare)
}

func (w *deadPeer) Overdue(i int, o detectors.Overdue, r *detectors.Report) {
	w.sides[i].replaced = o.Ended && o.Why == detectors.Replaced
	w.report(reassembly.Side(i), o, r)
}

// report reports the run of side as it stands.
func (w *deadPeer) report(side reassembly.Side, o detectors.Overdue, r *detectors.Report) {
	v, now := w.sides[side], o.Now
	outcome := v.outcome(r)
	if outcome == nil {
		return
	}
	v.disowned = w.disownedSince(v, side.Peer())
	sent, icmp := r.Conn.Last(side).At, w.icmp[side].Since(v.heard.At)
	f := r.Find(outcome, side.Peer(), now, append(v.evidence(side, r), icmp.Evidence()...)...)
	f.End = now
	f.Roles = detectors.Roles("survivor", side, "silent")
	f.Measure("keepalives", v.keepAlives)
	f.Measure("resends", v.resends)
	f.Measure("silence_s", detectors.Seconds(now-v.first.At))
	f.Measure("last_interval_s", detectors.Seconds(v.interval))
	f.Measure("ending", v.ending(now, sent))
	icmp.Measure(&f)
	f.Message = v.message(outcome, side, now, sent, icmp, r)
	f.Cause, f.Action = v.cause(side, icmp, r)
	if (outcome == deadData || !detectors.Over(r.Conn)) && icmp == nil && v.alive.At == 0 && !v.spoke && (f.Cause == "" || v.disowned.At != 0) { // shards know no hosts for keep-alives that ended with a RST
		f.Quiet, f.Asker = v.quiet(side, r), r.Asker(side)
	}
	if f.Cause == "" && icmp == nil && v.disowned.At == 0 && besideTap(side.Peer(), r) {
		f.Cause, f.Action = causeBeside, actionBeside
	}
	f.Unanswered = icmp == nil && v.alive.At == 0 && !v.spoke
	if o.Short > 0 && !v.replaced {
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer would be overdue", detectors.Span(o.Short)))
	} else if v.refused.At != 0 {
		f.Undecide("RSTs with the address of the peer answer, and do not end the connection: somebody there does not have it, and who else may have it is not in the capture")
	} else {
		r.Absence(&f, min(v.first.At, v.notSince()))
	}
	w.due[side].Emit(f, r)
}
