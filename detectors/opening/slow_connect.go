package opening

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SlowConnect reports a handshake of which one half took much longer than later round
// trips between the same hosts.
var SlowConnect = &detectors.Detector{
	Name: "slow-connect",
	Doc: detectors.Doc{
		Title: "the handshake took much longer than later round trips",
		What: "A SYN or a SYN-ACK is answered only after half a second or more, though nothing was lost. Later round trips of the " +
			"connection take less than half as long.",
		Cause: "The distance is not the reason. The path was held up at that moment (a queue, a radio link), the host was busy or asleep, or something on the path had to be set up for the first packet: " +
			"ARP or ND, a tunnel or VPN on demand, a firewall or NAT entry, a scaled-down backend, a phone's radio. If a SYN-ACK comes 1, 3 or 7 s and a round " +
			"trip after the SYN, the first one may have been lost before the capture point, or the SYN behind a NAT or proxy that opens a connection of its own.",
		Action: "Compare with other connections of the same hosts. Capture on the slow host: if the answer leaves at once there, " +
			"look at the path; if not, at the host's load (ss -ltn, nstat TcpExtListenOverflows, CPU steal).",
		NotThis: "A long path, such as a satellite link: later round trips take as long; if one of the next few takes half of that, it is undecided, also if only one is known, and took more than a quarter. A SYN or SYN-ACK that was repeated: " +
			"syn-unanswered, syn-ack-unanswered; also a SYN-ACK that comes once more too soon for a timer: the first was held up. A NAT or proxy that acknowledges at once for a server that is far away: its answers take as long " +
			"as the handshake; if one of the next few takes half of that, or none comes, it is undecided. No later round trip to compare with: undecided, from 3 s on. A time that the timestamps of the host that waited refute, an answer that left long before it came, as those of the host that answered show, or in which another host was as late to answer the same one, in whatever: undecided.",
		Peers: "Wireshark shows the time between any two frames (tcp.time_delta), but does not compare.",
		Refs:  []string{"RFC 6298 2", "RFC 9293 3.5"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{slowAnswer, slowACK},
	Params: []detectors.Param{
		{Name: "limit", Default: 0.5, Min: 0.2, Max: 3600, Unit: "s", Doc: "minimum duration of one half of the handshake for a finding"},
		{Name: "costly", Default: 3, Min: 0, Max: 3600, Unit: "s", Doc: "duration from which the finding is a warning"},
	},
	StartsOn:     fsm.On(fsm.AnsweredLate),
	SubscribesTo: fsm.On(fsm.AnsweredLate, fsm.SynResent, fsm.DataSent, fsm.DataResent, fsm.Advanced),
	Watch: func(r *detectors.Report) detectors.Watcher {
		limit := r.Nanos("limit")
		if int64(max(r.Conn.HandshakeRTT(reassembly.A), r.Conn.HandshakeRTT(reassembly.B))) < limit {
			return nil
		}
		return &slowConnect{limit: limit}
	},
	YieldsTo: []string{"early-reuse", "syn-unanswered", "syn-ack-unanswered", "challenged-syn", "wrong-syn-ack"},
}

var (
	slowAnswer = &detectors.Outcome{Name: "slow-answer", Severity: detectors.Info, Fault: detectors.FaultSuspected, When: "the SYN-ACK came late; a warning from 3 s on"}
	slowACK    = &detectors.Outcome{Name: "slow-ack", Severity: detectors.Info, Fault: detectors.FaultSuspected, When: "the ACK of the SYN-ACK came late; a warning from 3 s on",
		Cause: "The client, or something between the capture point and it, was slow to let the SYN-ACK through or to answer: a busy or " +
			"suspended host, a phone's radio that was asleep, a proxy that does something else first."}
)

type slowConnect struct {
	limit   int64
	answers [2]lateAnswer // by who answered late
}

// A lateAnswer is a late answer in the handshake, and how long later ones take.
type lateAnswer struct {
	asked    reassembly.Mark // At is 0 if the answer was not late
	answer   reassembly.Mark
	sent     int64 // when data was sent whose acknowledgment is being timed; 0 if none is
	best     int64 // the shortest of the later round trips; 0 if there was none
	worst    int64 // the longest
	request  int64 // when data was sent that payload has not answered yet; 0 if none is
	reply    int64 // the shortest time from data to payload, of the next few; 0 if there was none
	slowest  int64 // the longest
	timed    uint8 // how many later round trips were
	replies  uint8 // how often payload answered data
	reported bool
	waiter   waiterClock
	answerer answererClock
}

// longestAnswer is how long a host waits for the answer to its SYN, and for an ACK (R2
// for a SYN, RFC 1122 4.2.3.5). If it took longer, the clock was set.
const longestAnswer = int64(3 * time.Minute)

func (w *slowConnect) Event(ev fsm.Event, r *detectors.Report) {
	other := &w.answers[ev.Side.Peer()]
	switch ev.Kind {
	case fsm.AnsweredLate:
		took := ev.Seg.At - ev.Was.At
		if h := &w.answers[ev.Side]; h.asked.At == 0 && took >= w.limit && took <= longestAnswer && isFirst(r.Conn, ev) {
			h.asked, h.answer = *ev.Was, reassembly.MarkOf(ev.Seg)
			h.waiter.start(r.Conn, ev.Seg)
			h.answerer.start(ev.Seg)
		}
	case fsm.SynResent: // too soon for a timer: the first SYN-ACK had left long before, and was held up
		if h := &w.answers[ev.Side]; h.asked.At != 0 && h.answer.Flags.Has(reassembly.SYN|reassembly.ACK) && ev.Seg.Flags&reassembly.ACK != 0 && ev.Seg.At-h.answer.At < minRepeat {
			if h.reported {
				r.Withdraw(h.asked.File, h.asked.Frame)
			}
			*h = lateAnswer{}
		}
	case fsm.DataSent: // timed if nothing else is in flight
		w.answers[ev.Side].answerer.note(ev.Seg, w.answers[ev.Side].took())
		other.clocked(ev.Side.Peer(), ev.Seg, r)
		w.answers[ev.Side].replied(ev, r)
		if out := r.Conn.Stream(ev.Side); out.InFlight() != ev.Seg.Len {
			return
		}
		if other.timing() && other.sent == 0 {
			other.sent, other.request = ev.Seg.At, ev.Seg.At
		} else if other.asked.At != 0 && other.replies < maxReplies { // where something between acknowledges, only payload shows more
			other.request = ev.Seg.At
		}
	case fsm.DataResent:
		other.sent, other.request = 0, 0
	case fsm.Advanced:
		other.answerer.note(ev.Seg, other.took())
		w.answers[ev.Side].clocked(ev.Side, ev.Seg, r)
		if other.timing() && other.sent != 0 {
			other.roundTrip(max(ev.Seg.At-other.sent, 1), ev, r)
		}
	}
}

// clocked reads the clock of the side that waited, from a segment of its own.
func (h *lateAnswer) clocked(late reassembly.Side, seg *reassembly.Segment, r *detectors.Report) {
	if h.asked.At != 0 && h.waiter.note(seg, h.took()) && h.reported {
		h.report(late, seg.At, r)
	}
}

// roundTrip notes a later one. A longer one changes what was reported.
func (h *lateAnswer) roundTrip(took int64, ev fsm.Event, r *detectors.Report) {
	longer := took > h.worst
	h.sent, h.worst = 0, max(h.worst, took)
	h.timed++
	if h.best == 0 || took < h.best {
		h.best = took
	}
	if h.reported && (longer || h.timed == 2) || !h.reported && 2*h.best < h.took() && !h.relayed() {
		h.report(ev.Side.Peer(), ev.Seg.At, r)
	}
}

// maxTimed is how many later round trips are timed.
const maxTimed = 16

// maxReplies is how many later answers with payload are timed.
const maxReplies = 4

// timing reports whether another round trip may change something.
func (h *lateAnswer) timing() bool { return h.asked.At != 0 && h.timed < maxTimed }

// isFirst reports whether a segment is its side's SYN, or the ACK right after it: the side sent nothing else
// before, not the SYN again either, which a timer of its own had sent while the SYN-ACK was held up. New payload comes later by as much as its application takes: the ACK that a host sends within
// 200 ms (Linux, TCP_DELACK_MAX) was not captured.
func isFirst(v fsm.View, ev fsm.Event) bool {
	seg := ev.Seg
	return seg.Flags&reassembly.SYN != 0 || v.Packets(ev.Side) <= 2 && seg.Seq == v.Stream(ev.Side).ISS+1 && seg.Flags&reassembly.FIN == 0 && (seg.Len == 0 || ev.Place == reassembly.Repeat)
}

// timesRelayed is how many times as long as an ACK the SYN-ACK must take for the ACK to come
// from something else than the server: a NAT or a proxy that connects first and then
// acknowledges for it. Then only payload shows how far away the server is.
const timesRelayed = 10

// relayed reports whether something between may acknowledge for the server, and no payload
// came in half the time either.
func (h *lateAnswer) relayed() bool { return h.behind() && (h.reply == 0 || 2*h.reply >= h.took()) }

// behind reports whether it may, so that only payload shows how far away the server is.
func (h *lateAnswer) behind() bool {
	return h.answer.Flags&reassembly.SYN != 0 && h.best*timesRelayed <= h.took()
}

// replied times payload of the side that answers data.
func (h *lateAnswer) replied(ev fsm.Event, r *detectors.Report) {
	if h.asked.At == 0 || h.request == 0 || h.replies >= maxReplies {
		return
	}
	took := max(ev.Seg.At-h.request, 1)
	h.request = 0
	if h.reply == 0 || took < h.reply {
		h.reply = took
	}
	h.slowest = max(h.slowest, took)
	h.replies++
	if h.best > 0 && 2*h.reply < h.took() {
		h.report(ev.Side, ev.Seg.At, r)
	}
}

// open reports whether a later round trip may still decide.
func (h *lateAnswer) open() bool { return h.asked.At != 0 && !h.reported }

func (h *lateAnswer) took() int64 { return h.answer.At - h.asked.At }

func (w *slowConnect) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		h := &w.answers[side]
		if h.open() && h.reply == 0 && (h.best == 0 && h.took() >= r.Nanos("costly") || h.best > 0 && 2*h.best < h.took()) {
			h.report(side, e.At, r)
		}
	}
}
