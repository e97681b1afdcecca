package opening

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/loopback"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is said of a late answer in the handshake.

// timers are after how long hosts send a SYN or SYN-ACK again that nothing answers: 1 s, doubled each time (RFC 6298
// 2.1, 5.5).
var timers = [...]time.Duration{time.Second, 3 * time.Second, 7 * time.Second}

// timer is after what time a SYN-ACK was sent again, if that explains how late it came; 0 if it does not. A later round
// trip, to where payload comes from, is on top. Linux lets a timer expire later by up to an eighth (kernel/time/timer.c).
func (h *lateAnswer) timer() int64 {
	if h.answer.Flags&reassembly.SYN == 0 {
		return 0
	}
	for _, timer := range timers {
		timer := int64(timer)
		if over := h.took() - timer; over >= 0 && over <= timer/8+max(h.best, h.reply) {
			return timer
		}
	}
	return 0
}

// single reports whether one round trip alone shows that later ones are shorter, and not by far: on a path whose round trips
// vary, one of two is often twice as long as the other.
func (h *lateAnswer) single() bool {
	if h.behind() && h.reply > 0 {
		return h.replies == 1 && 4*h.reply > h.took()
	}
	return h.timed == 1 && 4*h.best > h.took()
}

// beside reports whether the capture point is beside who answered late: what came late there was not on its way.
func (h *lateAnswer) beside() bool {
	return h.best > 0 && h.best < losslessAnswer && (h.answer.Flags&reassembly.SYN == 0 || h.reply > 0 && timesRelayed*h.reply <= h.took())
}

// later is how long it took later, at best and at worst: until payload came, where something between may acknowledge.
func (h *lateAnswer) later() (best, worst int64) {
	if h.behind() && h.reply > 0 {
		return h.reply, h.slowest
	}
	return h.best, h.worst
}

// what is what took so long later, one and several.
func (h *lateAnswer) what() (one, several string) {
	if h.behind() && h.reply > 0 {
		return "answer with payload", "answers with payload"
	}
	return "round trip", "round trips"
}

// report reports the late answer of the side.
func (h *lateAnswer) report(side reassembly.Side, at int64, r *detectors.Report) {
	h.reported = true
	outcome, asked, answer := slowACK, "SYN-ACK", "ACK"
	if h.answer.Flags&reassembly.SYN != 0 {
		outcome, asked, answer = slowAnswer, "SYN", "SYN-ACK"
	}
	f := r.Find(outcome, side, at, r.Evidence(asked, side.Peer(), &h.asked), r.Evidence(answer+", late", side, &h.answer))
	f.Roles = detectors.Roles("slow", side, "waiting")
	f.Delay = h.took()
	f.Measure("took_s", detectors.Seconds(h.took()))
	if !h.beside() {
		f.Fault = detectors.FaultUnknown
	}
	if h.took() >= r.Nanos("costly") {
		f.Severity = detectors.Warning
	}
	f.Message = fmt.Sprintf("%s sent %s (frame %d), and the %s from %s came %s later (frame %d).",
		r.Name(side.Peer()), asked, h.asked.Frame, answer, r.Name(side), detectors.Span(h.took()), h.answer.Frame)
	if timer := h.timer(); timer > 0 {
		where := "before the capture point, or the SYN behind a NAT or proxy,"
		if h.beside() { // nothing is behind; Linux captures what a host sends behind its queue discipline and its rules
			where = "in the host itself, before it was captured (a queue discipline, a firewall rule),"
		}
		f.Message += fmt.Sprintf(" That is about %s and a round trip: the first SYN-ACK may have been lost %s and what came is the second.", detectors.Span(timer), where)
	}
	switch {
	case h.best == 0:
		f.Undecide("no later round trip shows whether the path always takes that long")
	case h.relayed():
		f.Measure("later_s", detectors.Seconds(h.best))
		f.Undecide("later ACKs came in less than a tenth of that, and no payload: a NAT or proxy may acknowledge for the host, and the path may always take that long")
	default:
		best, worst := h.later()
		one, several := h.what()
		f.Measure("later_s", detectors.Seconds(best))
		f.Message += fmt.Sprintf(" A later %s took %s.", one, detectors.Span(best))
		switch {
		case h.waiter.within != 0:
			f.Undecide(h.waiter.doubt())
		case h.answerer.held != 0:
			f.Undecide(h.answerer.doubt(answer))
		case worst >= h.took():
			f.Undecide(fmt.Sprintf("one of the next %s took as long: the path may be that slow at times", several))
		case 2*worst >= h.took():
			f.Undecide(fmt.Sprintf("one of the next %s took half as long or longer: the path may be that slow at times", several))
		case h.single():
			f.Undecide("only one later round trip is known, and it took more than a quarter of that: the path may be that slow at times")
		}
	}
	if loopback.Is(r.Conn) {
		f.Cause, f.Action = loopback.CauseSlow, loopback.ActionSlow
		f.Message += loopback.Said
	}
	if !h.relayed() { // else it may always take that long
		f.Late = &detectors.Outage{From: r.Conn.Endpoint(side.Peer()), To: r.Conn.Endpoint(side), Start: h.asked.At, End: h.answer.At, Frame: h.answer.Frame}
	}
	r.Emit(f)
}
