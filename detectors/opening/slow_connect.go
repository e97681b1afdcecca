package opening

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SlowConnect reports a handshake of which one half took much longer than the
// same way does later.
var SlowConnect = &detectors.Detector{
	Name: "slow-connect",
	Doc: detectors.Doc{
		Title: "the handshake took much longer than the path does",
		What: "A SYN is answered only after half a second or more, or a SYN-ACK is, though nothing was lost; and later on the " +
			"connection the same way there and back takes less than half as long.",
		Cause: "Not the distance, then. The host was busy or asleep, or something on the way had to be done for the first packet: " +
			"ARP or ND, a tunnel or VPN that is set up on demand, a firewall or NAT entry, a scaled-down backend, a phone's radio.",
		Action: "Compare with other connections of the same hosts. Capture on the slow host: if the answer leaves at once there, " +
			"look at what lies between; if not, at its load (ss -ltn, nstat TcpExtListenOverflows, CPU steal).",
		NotThis: "A long path, such as a satellite's: later round trips take as long. A SYN or SYN-ACK that was repeated: " +
			"syn-unanswered, syn-ack-unanswered. Without a later round trip to compare with: undecided from 3 s on.",
		Peers: "Wireshark shows the time between any two frames (tcp.time_delta) and does not compare.",
		Refs:  []string{"RFC 6298 2", "RFC 9293 3.5"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "slow-answer", Severity: detectors.Info, When: "the SYN-ACK came late; a warning from 3 s on"},
		{Name: "slow-ack", Severity: detectors.Info, When: "the ACK of the SYN-ACK came late; a warning from 3 s on",
			Cause: "The client, or what lies between the capture point and it, was slow to let the SYN-ACK through or to answer: a busy or " +
				"suspended host, a phone's radio that slept, a proxy that first does something else."},
	},
	Params: []detectors.Param{
		{Name: "limit", Default: 0.5, Min: 0.2, Max: 3600, Unit: "s", Doc: "how long one half of the handshake must take"},
		{Name: "costly", Default: 3, Min: 0, Max: 3600, Unit: "s", Doc: "how long it must take to be a warning"},
	},
	StartsOn:     fsm.On(fsm.AnsweredLate),
	SubscribesTo: fsm.On(fsm.AnsweredLate, fsm.DataSent, fsm.DataResent, fsm.Advanced),
	Watch: func(r *detectors.Report) detectors.Watcher {
		limit := time.Duration(r.Value("limit") * float64(time.Second))
		if max(r.Old.Answer(reassembly.A), r.Old.Answer(reassembly.B)) < limit {
			return nil
		}
		return &slowConnect{limit: int64(limit)}
	},
	YieldsTo: []string{"early-reuse", "syn-unanswered", "syn-ack-unanswered", "challenged-syn", "wrong-syn-ack"},
}

type slowConnect struct {
	limit  int64
	halves [2]slowHalf // by who answered late
}

// A slowHalf is a late answer, and how long later ones take.
type slowHalf struct {
	asked  reassembly.Mark // At is 0 if the answer was not late
	answer reassembly.Mark
	sent   int64 // when data was sent whose answer is being timed; 0 if there is none
	best   int64 // the shortest of them; 0 if there was none
	told   bool
}

// longestAnswer is how long a host waits for the answer to its SYN, and for an
// ACK (RFC 1122 4.2.3.5: R2 for a SYN): beyond it, the clock was set.
const longestAnswer = int64(3 * time.Minute)

func (w *slowConnect) Event(ev fsm.Event, r *detectors.Report) {
	answerer := ev.Side.Peer() // of what this side sends
	switch ev.Kind {
	case fsm.AnsweredLate:
		took := ev.Seg.At - ev.Was.At
		if h := &w.halves[ev.Side]; h.asked.At == 0 && took >= w.limit && took <= longestAnswer && r.Old.IsFirst(ev.Side, ev.Seg) {
			h.asked, h.answer = *ev.Was, reassembly.MarkOf(ev.Seg)
		}
	case fsm.DataSent: // the only thing in flight
		if h := &w.halves[answerer]; h.due() && h.sent == 0 && r.Old.Stream(ev.Side).InFlight() == ev.Seg.Len {
			h.sent = ev.Seg.At
		}
	case fsm.DataResent:
		w.halves[answerer].sent = 0
	case fsm.Advanced:
		h := &w.halves[answerer]
		if !h.due() || h.sent == 0 {
			return
		}
		took := max(ev.Seg.At-h.sent, 1)
		h.sent = 0
		if h.best == 0 || took < h.best {
			h.best = took
		}
		if 2*h.best < h.answer.At-h.asked.At {
			w.tell(answerer, ev.Seg.At, r)
		}
	}
}

// due says whether a later round trip is still wanted.
func (h *slowHalf) due() bool { return h.asked.At != 0 && !h.told }

// costs says whether the answer was so late that it is worth a doubt.
func (w *slowConnect) costs(h *slowHalf, r *detectors.Report) bool {
	return h.answer.At-h.asked.At >= int64(r.Value("costly")*float64(time.Second))
}

func (w *slowConnect) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if h := &w.halves[side]; h.due() && h.best == 0 && w.costs(h, r) {
			w.tell(side, e.At, r)
		}
	}
}

// tell reports the late answer of side.
func (w *slowConnect) tell(side reassembly.Side, at int64, r *detectors.Report) {
	h := &w.halves[side]
	h.told = true
	took := h.answer.At - h.asked.At
	outcome, asked, answer := "slow-ack", "SYN-ACK", "ACK"
	if h.answer.Flags&reassembly.SYN != 0 {
		outcome, asked, answer = "slow-answer", "SYN", "SYN-ACK"
	}
	f := r.FindNamed(outcome, side, at, r.Evidence(asked, side.Peer(), &h.asked), r.Evidence(answer+", late", side, &h.answer))
	f.Roles = []detectors.Role{{Name: "slow", Side: side}, {Name: "waiting", Side: side.Peer()}}
	f.Measure("took_s", detectors.Seconds(took))
	if w.costs(h, r) {
		f.Severity = detectors.Warning
	}
	f.Message = fmt.Sprintf("%s sent %s (frame %d), and the %s of %s came %s later (frame %d).",
		r.Name(side.Peer()), asked, h.asked.Frame, answer, r.Name(side), detectors.Span(took), h.answer.Frame)
	if h.best > 0 {
		f.Measure("later_s", detectors.Seconds(h.best))
		f.Message += fmt.Sprintf(" Later, the same way there and back took %s.", detectors.Span(h.best))
	} else {
		f.Undecide("no later round trip shows whether the path is always that long")
	}
	r.Emit(f)
}
