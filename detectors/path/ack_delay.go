package path

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// AckDelay reports a sender of small segments that waits for each ACK, and a
// receiver that delays it: Nagle meets the delayed ACK. RFC 9293 3.7.4 and
// 3.8.6.3; KB 823764.
var AckDelay = &detectors.Detector{
	Name: "ack-delay",
	Doc: detectors.Doc{
		Title: "small writes wait for delayed ACKs",
		What: "One side sends less than a full segment, and then nothing until it is acknowledged. The other side has no data to " +
			"send yet and delays its ACK, by about 40 ms (Linux, newer Windows) or 200 ms (older Windows, BSD), which the round trip of the handshake does " +
			"not explain. As soon as the ACK arrives, the next small segment follows. This repeats.",
		Cause: "The sending application writes one message in several pieces (write, write, read). Nagle's algorithm holds the second " +
			"back until the first is acknowledged (RFC 9293 3.7.4). The receiver waits for that second piece, and delays the " +
			"ACK of the first so that it can go out with an answer (RFC 9293 3.8.6.3). Answers to requests that came together are as many messages, and wait likewise. On Windows, an application that waits " +
			"for each send to complete without a send buffer causes the same delay (KB 823764).",
		Action: "Have the sending application write a whole message at once (one buffer, writev, MSG_MORE), or switch Nagle off " +
			"(TCP_NODELAY). If only the receiver can be changed: TCP_QUICKACK on Linux, TcpAckFrequency=1 on Windows.",
		NotThis: "A path whose round trip is as long: the handshake shows it. An ACK that its sender made at once, as its timestamps say, and that the path held up. A delayed ACK that the sender does not wait for. A slow " +
			"answer: it carries data. A sender that sends small segments while others are not acknowledged: Nagle is off, and it " +
			"waits for something else. A sender that has filled the window, or that sent several segments at once before it waited.",
		Peers: "Wireshark does not mark it; the gap shows only in the time column.",
		Refs:  []string{"KB 823764", "RFC 9293 3.7.4", "RFC 9293 3.8.6.3", "RFC 896"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{nagle},
	Params: []detectors.Param{
		{Name: "min-stalls", Default: 5, Min: 2, Max: 1e6, Unit: "", Doc: "minimum number of such waits for a finding"},
	},
	StartsOn:     fsm.On(fsm.NagleDelay),
	SubscribesTo: fsm.On(fsm.NagleDelay, fsm.DataSent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(ackDelay) },
}

var nagle = &detectors.Outcome{Name: "nagle", Severity: detectors.Info, Fault: detectors.FaultHost, When: "small segments repeatedly waited for delayed ACKs; a warning if that took a tenth of the time, and a second in total (of a far sender, only those waits count here that ended a round trip after the ACK)"}

// It is a warning if at least costlyWait was lost, and costlyShare of the time.
const (
	costlyWait  = time.Second
	costlyShare = 0.1
)

// ackDelay holds one account per direction, by the side that waits.
type ackDelay struct{ sides [2]*waiting }

// waiting is what one side has lost by waiting for delayed ACKs.
type waiting struct {
	told         tally           // those that no timestamp refutes
	refuted      tally           // those whose ACK was made at once, as its timestamp says
	small        reassembly.Mark // the last payload, if it was less than a full segment
	next         int             // the number of stalls at which it is reported again
	free         bool            // it sent a small segment while another was not acknowledged
	sending      reassembly.Mark // its last payload
	full, filled bool            // behind that, and behind the one before it, the window had no room for a full segment
	acker        ackerClock
	asked        requests
	reported     reassembly.Mark // the first segment of what was reported; At is 0 if nothing was
}

// all are the waits that count: those that timestamps refute, too, if all took about as long. The clock that stamps an ACK may be that of the
// segment which it acknowledges (Linux before 4.15 did not read it again when the timer expired).
func (a *waiting) all() tally {
	if both := a.told.and(&a.refuted); both.steady() {
		return both
	}
	return a.told
}

func (w *ackDelay) Event(ev fsm.Event, r *detectors.Report) {
	side := ev.Side
	a := w.sides[side]
	switch ev.Kind {
	case fsm.NagleDelay:
		if a == nil {
			a = new(waiting)
			w.sides[side] = a
		}
		a.acker.note(ev.Seg, side, r)
		a.waited(&wait{*ev.Was, r.Conn.Last(side.Peer()), reassembly.MarkOf(ev.Seg)}, side, r)
		a.sent(ev.Seg, side, r)
	case fsm.DataSent:
		if a != nil && !a.free {
			a.sent(ev.Seg, side, r)
		}
		if other := w.sides[side.Peer()]; other != nil {
			other.asked.hears(ev.Seg)
		}
	}
}

// waited counts a stall, and reports now and then.
func (a *waiting) waited(x *wait, side reassembly.Side, r *detectors.Report) {
	if a.free || a.filled {
		return
	}
	a.asked.waited()
	if a.acker.refutes(&x.data) {
		a.refuted.add(x, side, r)
	} else {
		a.told.add(x, side, r)
	}
	if n := a.all().n; n >= max(a.next, int(r.Value("min-stalls"))) {
		a.next = 2 * n
		a.report(side, x.held.At, r)
	}
}

// withdraw takes back what was reported.
func (a *waiting) withdraw(r *detectors.Report) {
	if a.reported.At != 0 {
		r.Withdraw(a.reported.File, a.reported.Frame)
	}
}

// sent watches for small segments that did not wait.
func (a *waiting) sent(seg *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	a.acker.note(seg, side, r)
	m, out := reassembly.MarkOf(seg), r.Conn.Stream(side)
	if !detectors.SameFrame(&m, &a.sending) {
		a.sending, a.filled, a.full = m, a.full, fills(&m, side, r.Conn)
		a.asked.says()
	}
	if !isSmall(m.Len, r.Conn) {
		a.small.At = 0
		return
	}
	if a.small.At != 0 && !detectors.SameFrame(&a.small, &m) && !out.Below(a.small.Seq) {
		a.free = true
		a.withdraw(r)
	}
	a.small = m
}

// maxOptions is the most that a TCP header's options take (RFC 9293 3.1).
const maxOptions = 40

// fills reports whether the window has no room for a full segment behind this one: who sends
// no more then waits for the window. One whose scale was not seen may be larger than it looks.
func fills(m *reassembly.Mark, side reassembly.Side, v fsm.View) bool {
	out := v.Stream(side)
	_, scaled := v.WindowScale(side.Peer())
	full := fullSegment(v)
	if v.Limits()&fsm.CutOptions != 0 { // neither MSS nor scale is known
		full, scaled = max(full, 1460), true
	}
	return scaled && out.Knows(reassembly.KnowEdge) && m.End().To(out.Edge) < int32(full)
}

// isSmall reports whether a segment with so much payload is less than a full one,
// whatever its options: one that Nagle holds back.
func isSmall(payload uint32, v fsm.View) bool { return payload+maxOptions < fullSegment(v) }

// fullSegment is the smaller of both sides' MSS, 536 where none was seen (RFC 9293 3.7.1).
func fullSegment(v fsm.View) uint32 {
	full := uint32(0)
	for side := range reassembly.Side(2) {
		if o, _ := v.SYNOptions(side); o.MSS > 0 && (full == 0 || uint32(o.MSS) < full) {
			full = uint32(o.MSS)
		}
	}
	if full == 0 {
		full = 536
	}
	return full
}

func (w *ackDelay) End(_ detectors.Ending, r *detectors.Report) {
	for side, a := range w.sides {
		if a == nil || a.free {
			continue
		}
		if all := a.all(); all.n >= int(r.Value("min-stalls")) {
			a.report(reassembly.Side(side), all.last, r)
		} else {
			a.withdraw(r)
		}
	}
}

func (a *waiting) report(side reassembly.Side, at int64, r *detectors.Report) {
	t := a.all()
	if !detectors.SameFrame(&a.reported, &t.first.data) {
		a.withdraw(r)
		a.reported = t.first.data
	}
	evidence := t.first.evidence(side, r)
	if t.longest.lasted() > t.first.lasted() {
		evidence = append(evidence, t.longest.evidence(side, r)...)
	}
	f := r.Find(nagle, side, at, evidence...)
	f.End, f.Delay = at, t.lost/int64(t.n)
	f.Roles = detectors.Roles("sender", side, "receiver")
	mean, lasted := t.lost/int64(t.n), at-t.first.data.At
	f.Measure("stalls", t.n)
	f.Measure("lost_s", detectors.Seconds(t.lost))
	f.Measure("delay_s", detectors.Seconds(mean))
	f.Measure("share", float64(t.lost*1000/max(lasted, 1))/1000)
	if t.certain >= int64(costlyWait) && float64(t.certain) >= costlyShare*float64(lasted) {
		f.Severity = detectors.Warning
	}
	f.Message = fmt.Sprintf("%s sent small segments and waited for the ACK of each before it sent the next. %s delayed these ACKs by %s%s. "+
		"This happened %s %d times, and these waits held data for up to %s of the %s from frame %d to the end of the last. The first time, frame %d waited for frame %d.",
		r.Name(side), r.Name(side.Peer()), detectors.Span(mean), timerWords(mean), bound(side, r), t.n, detectors.Span(t.lost), detectors.Span(lasted), t.first.data.Frame,
		t.first.held.Frame, t.first.ack.Frame)
	if n := a.told.n + a.refuted.n - t.n; n > 0 {
		f.Message += fmt.Sprintf(" %d more ACKs came as late, and their timestamps say that they were made at once.", n)
		if n >= t.n {
			f.Undecide("most ACKs that came as late were made at once, as their timestamps say, and the path held them up: it may have done so with these")
		}
	}
	if 2*a.asked.together >= t.n {
		f.Cause, f.Action = causeAnswers, actionAnswers
	}
	if r.Conn.HandshakeRTT(side.Peer()) == 0 {
		f.Undecide("the handshake was not captured, so the round trip is unknown: a path that long would look the same")
	}
	r.Emit(f)
}

// bound says of a count "up to" where the sender is so far from the capture point that its application may have written at about
// the time at which the ACK would have let Nagle send; else "at least", as a sender may let a full segment go while a small one waits.
func bound(side reassembly.Side, r *detectors.Report) string {
	if r.Conn.HandshakeRTT(side) > farSender {
		return "up to"
	}
	return "at least"
}

// farSender is a round trip from the capture point to the sender that is longer than a host takes to answer.
const farSender = 3 * time.Millisecond

func (x *wait) evidence(side reassembly.Side, r *detectors.Report) []detectors.Evidence {
	return []detectors.Evidence{
		r.Evidence("small segment", side, &x.data),
		r.Evidence("its ACK, "+detectors.Span(x.lasted())+" later", side.Peer(), &x.ack),
		r.Evidence("next segment, held back until then", side, &x.held),
	}
}

// timerWords names the hosts whose delayed-ACK timer runs for so long.
func timerWords(delay int64) string {
	switch ms := delay / 1e6; {
	case ms >= 35 && ms <= 60:
		return ", as Linux and newer Windows do"
	case ms >= 150 && ms <= 250:
		return ", as older Windows and BSD do"
	}
	return ""
}
