package opening

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SYNUnanswered reports a SYN that had to be repeated because nothing came back, and
// what became of it. RFC 9293 3.8.1.
var SYNUnanswered = &detectors.Detector{
	Name: "syn-unanswered",
	Doc: detectors.Doc{
		Title: "a SYN got no answer and was sent again",
		What: "A client sends SYN, nothing of any kind comes back from the other end, and the SYN is sent again: usually after " +
			"1 s and then at intervals that double (in Linux 6.5 and later, only from the sixth on). The client waits in SYN_SENT.",
		Cause: "A firewall that drops SYNs, a host that is down or an unused address, a route that leads " +
			"nowhere or works one way only; or a server whose accept queue is full: Linux then drops SYNs.",
		Action: "Capture at the server. If the SYN does not arrive there, follow the path and its firewalls. If it " +
			"does, look at the server: nft or iptables rules, ss -ltn (Recv-Q above Send-Q: the queue is full), " +
			"nstat TcpExtListenOverflows, TcpExtListenDrops and TcpExtPAWSPassive.",
		NotThis: "One SYN without a repeat: a scan, a flood, or a client that gave up at once. A SYN that " +
			"was answered with RST: refused. A SYN-ACK that was captured, though the SYN was repeated: syn-ack-unanswered. An " +
			"ACK of an older connection: challenged-syn. " +
			"A capture that holds nothing but SYNs, a second ISN in a SYN without an MSS, and SYNs without one that have the same IP ID: undecided. Nearly every TCP sends one (RFC 9293 3.7.1), and a flood may come to the same ports twice.",
		Peers: "Wireshark marks each repeated SYN as a retransmission, but does not say that nothing came back, or for how long.",
		Refs:  []string{"RFC 9293 3.8.1", "RFC 6298 5.7", "KB Q200770", "Linux tcp_conn_request(), tcp_v4_conn_request()"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{synNoAnswer, synRefusedByICMP, synAnsweredLate, synNewISN},
	Params: []detectors.Param{
		{Name: "patience", Default: 3, Min: 0.5, Max: 3600, Unit: "s", Doc: "how long to wait for an answer after the second SYN"},
		{Name: "costly", Default: 3, Min: 0, Max: 3600, Unit: "s", Doc: "delay of the answer from which the finding is a warning"},
	},
	Absence:      detectors.NoSYNAnswer,
	StartsOn:     fsm.On(fsm.SynResent, fsm.SynRenewed, fsm.ICMPError),
	SubscribesTo: fsm.On(fsm.SynResent, fsm.SynRenewed, fsm.SynChallenged, fsm.SynMisacked, fsm.SynAcked, fsm.Opened, fsm.ResetSent, fsm.ResetIgnored, fsm.SentOutOfWindow, fsm.ICMPError, fsm.Sent),
	Watch: func(r *detectors.Report) detectors.Watcher {
		client, _ := r.Conn.Opener()
		if syn := r.Conn.Last(client); !awaitsAnswer(r.Conn, client) || syn.Flags.Has(reassembly.SYN|reassembly.FIN) { // Linux drops that (tcp_rcv_state_process): a scan
			return nil
		}
		return &synUnanswered{client: client}
	},
	YieldsTo: []string{"early-reuse", "challenged-syn", "wrong-syn-ack"},
}

var (
	synNoAnswer      = &detectors.Outcome{Name: "no-answer", Severity: detectors.Warning, When: "nothing came back until the end of the capture, or the client's next attempt"}
	synRefusedByICMP = &detectors.Outcome{Name: "refused-by-icmp", Severity: detectors.Warning, Needs: fsm.SeqUnknown, Fault: detectors.FaultPath, When: "no SYN-ACK or RST came, but an ICMP error that quotes the SYN; info if it expired and had a TTL of 30 or less, as traceroute sends it, or if its source address is link-local and a router refuses that",
		Title: "a SYN was answered by an ICMP error", // sent again or not
		Cause: "Administratively prohibited: a firewall's or router's rule rejects the SYN (iptables, nft: reject). Host or network unreachable: " +
			"a router knows no way there, or nobody answers for the address on its last link. Port unreachable from the host itself: " +
			"its own rule (the default of REJECT). Host or network unreachable from its own address: a NAT or router there that forwards to a host that does not answer. Time exceeded: a routing loop.",
		Action: "Look at the device that sent the ICMP error: its rules if it says prohibited, its routes and neighbours if it says unreachable. If that " +
			"is the server itself, at its own firewall (nft list ruleset, iptables -S)."}
	synAnsweredLate = &detectors.Outcome{Name: "answered-late", Severity: detectors.Info, When: "a SYN-ACK came in the end; a warning if that took 3 s or longer",
		Cause: "The SYN or its SYN-ACK was lost, or slow (a path that had to wake up, such as a radio or a tunnel), or a server whose accept queue was full dropped the SYN. " +
			"If the SYN-ACK echoes the first SYN's timestamp, that SYN was not lost: the answer was slow, or a first SYN-ACK was lost.",
		Action: "One such connection is bad luck. If many connections to one server wait 1 or 3 s, look at its queues (ss -ltn, " +
			"nstat TcpExtListenOverflows). If many to all servers do, look for loss on the path."}
	synNewISN = &detectors.Outcome{Name: "new-isn", Severity: detectors.Warning, Fault: detectors.FaultHost, When: "a SYN with another initial sequence number came on the same ports before the client gave up",
		Cause: "The client asks for a new connection from the same port while the first SYN is unanswered: an application " +
			"that binds its port and tries again, NetBT in KB Q200770, or a stack that starts over with each SYN. " +
			"A firewall or server that has seen the first SYN does not expect the second, and drops or challenges it.",
		Action: "Find out first why the SYN was not answered. Then let the client's system choose its ports, or make its retries " +
			"wait until the first attempt is over."}
)

// awaitsAnswer reports whether the side has sent a SYN that nothing of this
// connection has answered, not even a RST.
func awaitsAnswer(v fsm.View, side reassembly.Side) bool {
	out := v.Stream(side)
	return v.Phase(side) == fsm.PhaseOpening && v.Phase(side.Peer()) == fsm.PhaseIdle && out.Knows(reassembly.KnowISS) && !detectors.Over(v)
}

type synUnanswered struct {
	due      [1]detectors.Deadline // anything that answers two SYNs, since the second
	client   reassembly.Side
	syn      reassembly.Mark // the first; its At is 0 if none was repeated
	last     reassembly.Mark // the latest repeat; At is 0 if there is none
	before   int64           // when the SYN before that was sent
	repeats  int
	bare     int             // the first of the repeats that left out timestamps offered before
	anew     reassembly.Mark // the same SYN again, after longer than any timer; At is 0 if the latest repeat is not
	stamp    uint32          // timestamp of the latest repeat
	renewed  reassembly.Mark // the SYN with another ISN
	next     reassembly.Mark // the SYN of the client's next attempt, once it had given up; At is 0 if none is known
	damaged  bool            // that differs as if one bit were damaged
	noMSS    bool            // the one with it has no MSS, as TCPs should send (RFC 9293 3.7.1)
	crafted  bool            // a repeat has none either, and the IP ID of the first
	answer   reassembly.Mark
	clock    answererClock
	states   [2]fsm.State // when it came
	slow     bool         // the answer echoes an earlier SYN than the latest
	dropped  bool         // SYNs with timestamps may have been dropped: the first without was answered at once
	done     bool
	others   int                   // segments in the server's name that answer no SYN
	resets   int                   // RSTs among them, which do not acknowledge it
	bareACKs int                   // ACKs among them, which acknowledge it without a SYN
	refused  reassembly.Mark       // a RST without ACK whose ACK field acknowledges the SYN all the same; At is 0 if none came
	other    reassembly.Mark       // the last of them
	icmp     *detectors.ICMPErrors // about the SYNs; nil if none came
	lag      int64                 // the longest from a SYN to the error that quotes it, by its IP ID
}

func (w *synUnanswered) Event(ev fsm.Event, r *detectors.Report) {
	if w.process(ev, r); w.clock.at != 0 {
		r.Subscribe(fsm.On(fsm.Sent))
	} else {
		r.Subscribe(SYNUnanswered.SubscribesTo &^ fsm.On(fsm.Sent))
	}
}

func (w *synUnanswered) process(ev fsm.Event, r *detectors.Report) {
	switch {
	case w.done && ev.Kind == fsm.Sent && ev.Side != w.client:
		if w.clock.note(ev.Seg, w.answer.At-w.syn.At); w.clock.held != 0 {
			w.finish(synAnsweredLate, w.answer.At, r)
		}
	case w.done || ev.Kind == fsm.Sent:
	case ev.Kind == fsm.SynResent && ev.Side == w.client && ev.Seg.Flags&reassembly.ACK == 0:
		w.repeat(ev, r)
	case ev.Kind == fsm.SynRenewed:
		if w.syn.At == 0 {
			w.syn = *ev.Was
		}
		if w.over(ev.Seg.At) {
			if w.done = true; w.repeats > 0 && w.icmp == nil {
				w.next = reassembly.MarkOf(ev.Seg)
				w.finish(synNoAnswer, ev.Seg.At, r)
			}
			return
		}
		w.renewed = reassembly.MarkOf(ev.Seg)
		w.damaged = isBit(w.renewed.Seq-w.syn.Seq) || isBit(w.syn.Seq-w.renewed.Seq)
		w.noMSS = ev.Seg.Opts.Has.LacksMSS()
		w.finish(synNewISN, ev.Seg.At, r)
	case ev.Kind == fsm.SynAcked && ev.Side == w.client:
		w.answered(ev, r)
	case ev.Kind == fsm.ICMPError:
		w.told(ev, r)
	case ev.Kind == fsm.SentOutOfWindow || ev.Kind == fsm.ResetIgnored:
		if ev.Side != w.client {
			w.others++
			w.other = reassembly.MarkOf(ev.Seg)
			switch syn := r.Conn.Stream(w.client).ISS + 1; {
			case ev.Kind == fsm.ResetIgnored:
				w.resets++
				if ev.Seg.Ack == syn && ev.Seg.Flags == reassembly.RST && ev.Seg.Seq != 0 { // else it refuses, in a way that must be ignored
					w.refused = w.other
				}
			case ev.Seg.Flags&^reassembly.FIN == reassembly.ACK && ev.Seg.Ack == syn:
				w.bareACKs++
			}
		}
	case ev.Kind == fsm.ResetSent && ev.Side == w.client: // it gives up, and still nothing came back
	case ev.Kind != fsm.SynResent: // refused, challenged, or the other end opens at the same time
		w.done = true
		w.due[0].Satisfy(r)
		w.withdraw(r)
	}
}

// over reports whether the client had given up by then: the next repeat was due. Each comes after twice the time of
// the one before (RFC 6298 5.5), the first after 3 s at most (RFC 1122 4.2.3.1). Timers vary by an eighth (kernel/time/timer.c).
func (w *synUnanswered) over(at int64) bool {
	if w.repeats == 0 {
		return at-w.syn.At > longestTimer+longestTimer/8
	}
	return at-w.last.At >= 2*(w.last.At-w.before)*7/8
}

// longestTimer is the longest that a host waits before it sends a SYN again for the first time.
const longestTimer = int64(3 * time.Second)

// told notes an ICMP error about a SYN. It needs no deadline: whatever comes later, a
// host or router has said why nothing came.
func (w *synUnanswered) told(ev fsm.Event, r *detectors.Report) {
	if ev.Side != w.client || ev.Seg.TooBig() {
		return
	}
	if w.icmp == nil {
		w.icmp = new(detectors.ICMPErrors)
	}
	w.icmp.Add(ev.Seg)
	if w.syn.At == 0 {
		w.syn = r.Conn.Last(w.client)
	}
	quoted := &w.syn
	if w.last.At != 0 && w.last.IPID == ev.Seg.IPID {
		quoted = &w.last
	}
	if ev.Seg.IPID != 0 && quoted.IPID == ev.Seg.IPID {
		w.lag = max(w.lag, ev.Seg.At-quoted.At)
	}
	r.Emit(w.finding(synRefusedByICMP, ev.Seg.At, ev.Seg.At, r))
}

// withdraw takes back what an ICMP error had shown: the SYN was answered.
func (w *synUnanswered) withdraw(r *detectors.Report) {
	if w.icmp != nil {
		r.Withdraw(w.syn.File, w.syn.Frame)
	}
}

// repeat notes the same SYN again.
func (w *synUnanswered) repeat(ev fsm.Event, r *detectors.Report) {
	// Where a clock is compressed, or the path held SYNs up, their timestamps tell two transmissions from a copy.
	restamped := w.repeats > 0 && ev.Seg.At-ev.Was.At < minRepeat && ev.Seg.Opts.Has&reassembly.HasTimestamps != 0 && ev.Seg.Opts.TSVal != w.stamp
	if !timedOut(&ev) && !restamped {
		if ev.Seg.At-ev.Was.At > detectors.MaxTimeout {
			w.anew = reassembly.MarkOf(ev.Seg)
		}
		return
	}
	if w.syn.At == 0 {
		w.syn = *ev.Was
	}
	w.anew = reassembly.Mark{}
	w.crafted = w.crafted || ev.Seg.Opts.Has.LacksMSS() && ev.Seg.IPID != 0 && ev.Seg.IPID == w.syn.IPID
	w.repeats++
	w.before, w.last = max(w.last.At, w.syn.At), reassembly.MarkOf(ev.Seg)
	offered, _ := r.Conn.SYNOptions(w.client)
	if offered.Has&^ev.Seg.Opts.Has&reassembly.HasTimestamps != 0 && w.bare == 0 {
		w.bare = w.repeats
	}
	w.stamp = ev.Seg.Opts.TSVal
	if w.repeats == 1 {
		w.due[0].Arm(ev.Seg.At, r)
	}
}

// answered notes what acknowledges the SYN.
func (w *synUnanswered) answered(ev fsm.Event, r *detectors.Report) {
	w.done, w.answer = true, reassembly.MarkOf(ev.Seg)
	if w.repeats == 0 {
		w.withdraw(r)
		return
	}
	stamped := ev.Seg.Opts.Has&reassembly.HasTimestamps != 0
	w.slow = stamped && w.bare == 0 && ev.Seg.Opts.TSEcr != 0 && int32(w.stamp-ev.Seg.Opts.TSEcr) > 0
	// A SYN-ACK without timestamps answers a SYN without (RFC 7323 3.2).
	promptly := ev.Seg.At-w.last.At < (w.last.At-w.before)/2
	w.dropped = w.bare >= 2 && w.bare == w.repeats && promptly && !stamped
	w.clock.start(ev.Seg)
	w.states = r.StatesNow(ev.Seg.At)
	w.finish(synAnsweredLate, ev.Seg.At, r)
}

// isBit reports whether two initial sequence numbers, of which this is the difference, may be the same but for a bit. By
// chance, two of a hundred million are. Stacks that count may differ by less.
func isBit(d reassembly.Seq) bool { return d >= 1<<12 && d&(d-1) == 0 }

// finish reports the outcome that a segment brought.
func (w *synUnanswered) finish(outcome *detectors.Outcome, at int64, r *detectors.Report) {
	w.done = true
	w.due[0].Disarm()
	f := w.finding(outcome, at, at, r)
	if outcome == synAnsweredLate && at-w.syn.At >= r.Nanos("costly") {
		f.Severity = detectors.Warning
	}
	r.Absence(&f, w.syn.At)
	if w.noMSS {
		f.Undecide("the second SYN has no MSS, which nearly every TCP sends: a scan or a flood with ports at random may have come to the same port twice")
	}
	if w.damaged {
		f.Fault = detectors.FaultUnknown
		f.Undecide("the two initial sequence numbers seem to differ in one bit: it may be the same SYN, damaged on its way (its checksum would show it)")
	}
	r.Emit(f)
}

func (w *synUnanswered) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when two SYNs have gone unanswered for long enough, whatever else was sent
// by then.
func (w *synUnanswered) Limit(_ int, r *detectors.Report) int64 {
	return w.due[0].Since() + r.Nanos("patience")
}

// Overdue reports that no answer came. A later one changes that.
func (w *synUnanswered) Overdue(_ int, o detectors.Overdue, r *detectors.Report) {
	if w.icmp != nil { // what is reported already stands, up to date
		w.due[0].Emit(w.finding(synRefusedByICMP, o.At, o.Now, r), r)
		return
	}
	f := w.finding(synNoAnswer, o.At, o.Now, r)
	if o.Short > 0 {
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer to the second SYN would be overdue", detectors.Span(o.Short)))
	} else if last := r.Conn.Last(w.client); w.bareACKs > 0 && last.Flags&(reassembly.SYN|reassembly.RST) == 0 {
		f.Undecide(fmt.Sprintf("the client goes on without a SYN (frame %d): the SYN-ACK may be missing from the capture", last.Frame))
	} else {
		r.Absence(&f, w.syn.At)
	}
	w.due[0].Emit(f, r)
}
