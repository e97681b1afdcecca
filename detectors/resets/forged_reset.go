package resets

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ForgedReset reports a RST that its receiver must not believe, and the
// connection went on. RFC 5961 3.2; RFC 9293 3.10.7.3, 3.10.7.4.
var ForgedReset = &detectors.Detector{
	Name: "forged-reset",
	Doc: detectors.Doc{
		Title: "a RST was not believed, and the connection went on",
		What: "A RST in the name of one side lies outside the window, or inside it but not where that side stood, and answers nothing; or it " +
			"does not acknowledge the SYN that it would refuse. Both sides go on with the connection. A receiver that follows RFC 5961 " +
			"drops it, or answers with a challenge ACK.",
		Cause: "Somebody who does not see the connection guesses at its sequence numbers to end it (RFC 5961), or a middlebox that lost track of " +
			"them tries to: a firewall that rewrites sequence numbers on one way only, a filter behind an overloaded tap.",
		Action: "Compare TTL and link-layer address of the RST with those of the side whose name it bears, and capture nearer to that side: where the " +
			"RST is no longer seen, it was made on the way. An old stack that believes any RST in the window should be updated (RFC 5961).",
		NotThis: "A RST after the end, or one that answers an old or stray segment: the host that sends it means something else. A doubtful RST " +
			"with which the connection ends. A believable RST whose side goes on all the same: reset-cause, suspected-injection or late-ack.",
		Peers: "Wireshark marks the frame red as any RST and goes on with the connection; Zeek and Ostermann's tcptrace end the connection there.",
		Refs:  []string{"RFC 5961 3.2", "RFC 9293 3.10.7.3", "RFC 9293 3.10.7.4"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "ignored", Severity: detectors.Warning, When: "a RST that is not believable, and the side in whose name it came goes on"},
	},
	StartsOn:     fsm.On(fsm.ResetIgnored, fsm.ResetDoubted, fsm.SentOutOfWindow),
	SubscribesTo: fsm.On(fsm.ResetIgnored, fsm.ResetDoubted, fsm.SentOutOfWindow, fsm.ResetSent, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(forgedReset) },
}

type forgedReset struct {
	first      reassembly.Mark // the first RST that was not believed
	side       reassembly.Side // in whose name
	states     [2]fsm.State    // before the first
	outside    bool            // the first lies outside the window
	old        bool            // it lies where its side had been before
	resets     int
	stray      [2]reassembly.Mark // what each side seemed to send out of place
	challenge  reassembly.Mark    // the first challenge ACK after it
	challenges int
	goneOn     reassembly.Mark // the first segment in that side's name after it
	asked      bool            // the last RST has met no other segment in that side's name yet
	told, over bool
}

func (w *forgedReset) Event(ev fsm.Event, r *detectors.Report) {
	side := ev.Side
	switch ev.Kind {
	case fsm.SentOutOfWindow:
		w.stray[side] = reassembly.MarkOf(ev.Seg)
	case fsm.ResetDoubted:
		w.note(ev, r)
	case fsm.ResetIgnored:
		if ev.Class == fsm.Rst && !w.answersStray(ev) {
			w.note(ev, r)
		}
	case fsm.ResetSent:
		w.over = true
	case fsm.Sent:
		w.sent(ev, r)
	}
}

// note counts a RST and keeps the first.
func (w *forgedReset) note(ev fsm.Event, r *detectors.Report) {
	w.resets++
	w.asked = true
	if w.first.At != 0 {
		return
	}
	w.first, w.side, w.states = reassembly.MarkOf(ev.Seg), ev.Side, r.Before
	w.outside = ev.Kind == fsm.ResetIgnored
	w.old = r.Old.Behind(ev.Side, &w.first)
}

// answersStray: what does not belong to the connection may be answered with RST,
// and that is no forgery (RFC 9293 3.10.7.1, figure 9).
func (w *forgedReset) answersStray(ev fsm.Event) bool {
	rst, stray := reassembly.MarkOf(ev.Seg), &w.stray[ev.Side.Peer()]
	return stray.At != 0 && fsm.Answers(&rst, stray)
}

// sent takes any segment: does the connection go on?
func (w *forgedReset) sent(ev fsm.Event, r *detectors.Report) {
	if w.first.At == 0 || ev.Class == fsm.Rst || ev.Class == fsm.OutOfWindow {
		return
	}
	if ev.Side != w.side {
		if w.asked && ev.Class == fsm.ChallengeAck {
			if w.challenges == 0 {
				w.challenge = reassembly.MarkOf(ev.Seg)
			}
			w.challenges++
		}
		return
	}
	w.asked = false
	if w.over || w.told || ev.Seg.At-w.first.At <= int64(onItsWay) {
		return
	}
	w.goneOn, w.told = reassembly.MarkOf(ev.Seg), true
	w.tell(ev.Seg.At, r)
}

func (w *forgedReset) End(e detectors.Ending, r *detectors.Report) {
	if w.told || w.first.At != 0 && !w.over && !r.Old.Over() {
		w.tell(max(e.At, w.first.At), r)
	}
}

func (w *forgedReset) tell(at int64, r *detectors.Report) {
	y, x := w.side, w.side.Peer()
	evidence := []detectors.Evidence{r.Evidence("RST, not believable", y, &w.first)}
	if w.challenges > 0 {
		evidence = append(evidence, r.Evidence("challenge ACK", x, &w.challenge))
	}
	if w.told {
		evidence = append(evidence, r.Evidence("and the connection goes on", y, &w.goneOn))
		at = w.goneOn.At
	}
	f := r.FindNamed("ignored", y, at, evidence...)
	f.States, f.End = w.states, max(at, w.challenge.At)
	f.Roles = []detectors.Role{{Name: "impersonated", Side: y}, {Name: "target", Side: x}}
	f.Measure("resets", w.resets)
	f.Measure("challenge_acks", w.challenges)
	f.Measure("ttl", int(w.first.TTL))
	f.Message = w.message(r)
	switch {
	case !w.told:
		f.Undecide("nothing more of the side in whose name it came was captured, so that the connection may have ended there")
	case w.old:
		f.Undecide("it lies where that side had been before: it may answer a segment that was late, which this capture shows at another time or not at all")
	}
	r.Emit(f)
}

func (w *forgedReset) message(r *detectors.Report) string {
	y, x := r.Name(w.side), r.Name(w.side.Peer())
	m := fmt.Sprintf("A RST in the name of %s (frame %d) lies ", y, w.first.Frame)
	switch {
	case w.states[w.side.Peer()] == fsm.SynSent && w.first.Flags&reassembly.ACK == 0:
		m = fmt.Sprintf("A RST in the name of %s (frame %d) does not acknowledge the SYN that it would refuse", y, w.first.Frame)
	case w.states[w.side.Peer()] == fsm.SynSent:
		m = fmt.Sprintf("A RST in the name of %s (frame %d) acknowledges something else than the SYN that it would refuse", y, w.first.Frame)
	case w.old:
		m += fmt.Sprintf("below what %s had acknowledged", x)
	case w.outside:
		m += "outside the window"
	default:
		m += fmt.Sprintf("inside the window, but not where %s stood", y)
	}
	m += fmt.Sprintf(": %s must not believe it (RFC 5961 3.2).", x)
	if w.challenges > 0 {
		m += fmt.Sprintf(" It answered with a challenge ACK (frame %d).", w.challenge.Frame)
	}
	if w.told {
		m += fmt.Sprintf(" The connection went on: %s sent frame %d.", y, w.goneOn.Frame)
	}
	if w.resets > 1 {
		m += fmt.Sprintf(" There were %d such RSTs.", w.resets)
	}
	return m
}

// onItsWay is for how long after a RST a segment of the same side may still have
// been on its way, captured out of order.
const onItsWay = 3 * time.Millisecond
