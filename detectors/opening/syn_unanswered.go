package opening

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SYNUnanswered reports a SYN that had to be repeated because nothing came back,
// and what became of it. RFC 9293 3.8.1.
var SYNUnanswered = &detectors.Detector{
	Name: "syn-unanswered",
	Doc: detectors.Doc{
		Title: "a SYN had to be repeated, for nothing came back",
		What: "A client sends SYN, nothing of any kind comes back from the other end, and the SYN is sent again: after " +
			"1 s as a rule, and then at intervals that double, by Linux 6.5 and later only from the sixth on. The client waits in SYN_SENT.",
		Cause: "A firewall that drops SYNs, a host that is down or an address that nobody has, a route that leads " +
			"nowhere or only one way; or a server whose accept queue is full: Linux then drops SYNs.",
		Action: "Capture at the server. If the SYN does not come in there, follow the path and its firewalls; if it " +
			"does, look at the server: nft or iptables rules, ss -ltn (Recv-Q above Send-Q: the queue is full), " +
			"nstat TcpExtListenOverflows, TcpExtListenDrops and TcpExtPAWSPassive.",
		NotThis: "One SYN without a repeat: it may have been a scan, a flood, or a client that gave up at once. A SYN that " +
			"met RST: refused. A SYN-ACK that was captured, and the SYN repeated nevertheless: syn-ack-unanswered. An " +
			"ACK of an older connection: challenged-syn. ICMP errors are not read: look for them beside these frames. " +
			"Where a capture holds SYNs and nothing else: undecided.",
		Peers: "Wireshark marks each repeated SYN as a retransmission, and does not say that nothing came back, or for how long.",
		Refs:  []string{"RFC 9293 3.8.1", "RFC 6298 5.7", "KB Q200770", "Linux tcp_conn_request(), tcp_v4_conn_request()"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "no-answer", Severity: detectors.Warning, When: "nothing came back for all that was captured"},
		{Name: "answered-late", Severity: detectors.Info, When: "a SYN-ACK came at last; a warning if that took 3 s or longer",
			Cause: "The SYN or its SYN-ACK was lost on the way, or a server whose accept queue was full dropped the SYN. " +
				"Where the SYN-ACK echoes the first SYN's timestamp, neither was lost: the answer was slow.",
			Action: "One such connection is bad luck. If many of one server wait 1 or 3 s, look at its queues (ss -ltn, " +
				"nstat TcpExtListenOverflows); if many of all servers do, look for the loss on the way.",
		},
		{Name: "timestamps", Severity: detectors.Warning, When: "SYNs with timestamps went unanswered, and the first without was answered at once",
			Cause: "The server, or something on the way, drops SYNs with options that it does not like. Linux before 4.12 with " +
				"net.ipv4.tcp_tw_recycle drops those whose timestamp is behind the last one of the same address: clients " +
				"behind one NAT lock each other out. One connection cannot show the other clients' timestamps; that the " +
				"path came back just then is possible, too.",
			Action: "Look for the same in other connections. On the server: sysctl net.ipv4.tcp_tw_recycle (must be 0), nstat TcpExtPAWSPassive. " +
				"Otherwise try with net.ipv4.tcp_timestamps=0 on a client; if that helps, look for a middlebox.",
		},
		{Name: "new-isn", Severity: detectors.Warning, When: "the next SYN on the same ports had another initial sequence number",
			Cause: "The client asks for a new connection from the same port while the first is unanswered: an application " +
				"that binds its port and tries again, NetBT in KB Q200770, or a stack that begins anew for each SYN. " +
				"A firewall or server that has seen the first SYN takes the second for a stray and drops or challenges it.",
			Action: "Find out first why the SYN was not answered. Then let the client's ports be chosen by its system, or its retries " +
				"wait until the first attempt is over.",
		},
	},
	Params: []detectors.Param{
		{Name: "patience", Default: 3, Min: 0.5, Max: 3600, Unit: "s", Doc: "how long after the second SYN an answer may still come"},
		{Name: "costly", Default: 3, Min: 0, Max: 3600, Unit: "s", Doc: "how late an answer must come to be a warning"},
	},
	Absence:      detectors.NoSYNAnswer,
	StartsOn:     fsm.On(fsm.SynResent, fsm.SynRenewed),
	SubscribesTo: fsm.On(fsm.SynResent, fsm.SynRenewed, fsm.SynChallenged, fsm.SynMisacked, fsm.SynAcked, fsm.Opened, fsm.ResetSent),
	Watch: func(r *detectors.Report) detectors.Watcher {
		client, _ := r.Old.Opener()
		if !r.Old.AwaitsAnswer(client) {
			return nil
		}
		return &synUnanswered{client: client}
	},
	YieldsTo: []string{"early-reuse", "challenged-syn", "wrong-syn-ack"},
}

// The same SYN again within minRepeat is one that the network has doubled: no
// stack's timer is that short. None is longer than maxRepeat either (Linux:
// TCP_RTO_MAX, 120 s).
const (
	minRepeat = int64(200 * time.Millisecond)
	maxRepeat = int64(130 * time.Second)
)

// repeats says whether a SYN or SYN-ACK was sent again because its timer ran out.
func repeats(ev *fsm.Event) bool {
	since := ev.Seg.At - ev.Was.At
	return since >= minRepeat && since <= maxRepeat
}

type synUnanswered struct {
	client  reassembly.Side
	syn     reassembly.Mark // the first; its At is 0 if nothing has been repeated
	last    reassembly.Mark // the latest repeat; At is 0 if there is none
	before  int64           // when the SYN before that was sent
	second  int64           // when it was first sent again
	renewed reassembly.Mark // the SYN with another ISN
	answer  reassembly.Mark
	repeats int
	bare    int    // the first of the repeats that left options out that were offered before
	stamp   uint32 // timestamp of the latest repeat
	slow    bool   // the answer echoes an earlier one
	said    int64  // when no-answer was first told; 0 if it was not
	done    bool
}

func (w *synUnanswered) Event(ev fsm.Event, r *detectors.Report) {
	switch {
	case w.done:
	case ev.Kind == fsm.SynResent && ev.Side == w.client && ev.Seg.Flags&reassembly.ACK == 0:
		w.repeat(ev, r)
	case ev.Kind == fsm.SynRenewed:
		if w.syn.At == 0 {
			w.syn = *ev.Was
		}
		w.renewed, w.done = reassembly.MarkOf(ev.Seg), true
		w.tell("new-isn", ev.Seg.At, ev.Seg.At, r)
	case ev.Kind == fsm.SynAcked && ev.Side == w.client:
		w.answered(ev, r)
	case ev.Kind == fsm.ResetSent && ev.Side == w.client: // it gives up: nothing came back, all the same
	case ev.Kind != fsm.SynResent:
		w.drop(r) // refused, challenged, or the other end opens at the same time
	}
}

// repeat takes the same SYN again.
func (w *synUnanswered) repeat(ev fsm.Event, r *detectors.Report) {
	if !repeats(&ev) {
		return
	}
	if w.syn.At == 0 {
		w.syn = *ev.Was
	}
	w.repeats++
	w.before, w.last = max(w.last.At, w.syn.At), reassembly.MarkOf(ev.Seg)
	if less := r.Old.Offered(w.client) &^ ev.Seg.Opts.Has; less&reassembly.HasTimestamps != 0 && w.bare == 0 {
		w.bare = w.repeats
	}
	w.stamp = ev.Seg.Opts.TSVal
	if w.repeats == 1 {
		w.second = ev.Seg.At
		r.WakeAt(w.deadline(r))
	}
}

// answered takes what acknowledges the SYN.
func (w *synUnanswered) answered(ev fsm.Event, r *detectors.Report) {
	w.done, w.answer = true, reassembly.MarkOf(ev.Seg)
	if w.repeats == 0 {
		return
	}
	outcome := "answered-late"
	w.slow = ev.Seg.Opts.Has&reassembly.HasTimestamps != 0 && w.bare == 0 && ev.Seg.Opts.TSEcr != w.stamp
	// A SYN-ACK without timestamps answers a SYN without (RFC 7323 3.2).
	promptly := ev.Seg.At-w.last.At < (w.last.At-w.before)/2
	if w.bare >= 2 && w.bare == w.repeats && promptly && ev.Seg.Opts.Has&reassembly.HasTimestamps == 0 {
		outcome = "timestamps"
	}
	w.tell(outcome, ev.Seg.At, ev.Seg.At, r)
}

// drop ends the watch: something came back.
func (w *synUnanswered) drop(r *detectors.Report) {
	if w.said != 0 {
		r.Withdraw(w.syn.File, w.syn.Frame)
	}
	w.done = true
}

// deadline is when two SYNs have gone unanswered for long enough, whatever else
// was sent by then.
func (w *synUnanswered) deadline(r *detectors.Report) int64 {
	return w.second + int64(r.Value("patience")*float64(time.Second))
}

// Due tells that no answer came; a later one changes that.
func (w *synUnanswered) Due(now int64, r *detectors.Report) {
	if w.done || w.said != 0 {
		return
	}
	w.said = now
	w.tell("no-answer", now, now, r)
}

func (w *synUnanswered) End(e detectors.Ending, r *detectors.Report) {
	switch {
	case w.done || w.repeats == 0:
	case w.said != 0:
		w.tell("no-answer", w.said, e.At, r)
	default:
		w.tell("no-answer", e.At, e.At, r)
	}
}
