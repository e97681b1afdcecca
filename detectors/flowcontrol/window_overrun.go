package flowcontrol

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// WindowOverrun reports a sender that sends beyond all that its peer has
// offered. RFC 9293 3.8.6.
var WindowOverrun = &detectors.Detector{
	Name: "window-overrun",
	Doc: detectors.Doc{
		Title: "a sender sent beyond the window that it was offered",
		What: "New data ends beyond the right edge of the largest window that the receiver has offered, and what the receiver sends " +
			"next shows that it had not offered more in the meantime. The receiver may drop such data, and then it must be sent again.",
		Cause: "The sender multiplies windows that are not scaled: a middlebox took the window scale option out of one of the SYNs, or the " +
			"receiver's stack applies another scale than it announced. Or a sender, proxy or traffic generator that ignores windows.",
		Action: "Compare both SYNs on both sides of every middlebox: is the window scale option the same everywhere? If it is, look at the " +
			"sender's stack. If data was dropped, expect retransmissions that no loss explains.",
		NotThis: "A zero-window probe, which is allowed a byte (zero-window-probe-loop). Data that was allowed before the window was taken " +
			"back (window-shrunk). Data that a window allowed which the capture missed: the next acknowledgment shows that. A " +
			"connection whose scale is unknown.",
		Peers: "Wireshark marks a window that is full, and does not tell one that is exceeded; Suricata calls such packets out of window.",
		Refs:  []string{"RFC 9293 3.8.6", "RFC 7323 2.3"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "dropped", Severity: detectors.Warning, When: "the receiver did not take it: it was sent again, or not acknowledged to the end"},
		{Name: "taken", Severity: detectors.Info, When: "the receiver took it all the same"},
	},
	StartsOn:     fsm.On(fsm.Overran),
	SubscribesTo: fsm.On(fsm.Overran, fsm.Advanced, fsm.DataResent, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(windowOverrun) },
}

// windowOverrun holds one account per side that sends too much.
type windowOverrun struct{ sides [2]overrun }

// An overrun is all that one side has sent beyond the window.
type overrun struct {
	suspect reassembly.Mark // beyond what was offered, for all that is known
	by      uint32
	first   reassembly.Mark // the anchor: the first that is proved
	proof   reassembly.Mark // the receiver's segment that proves it
	resent  reassembly.Mark // it was sent again
	last    reassembly.Mark // the latest that is proved; what becomes of it decides
	count   int             // bursts, each until the receiver says something
	most    uint32
	waiting bool // nobody knows yet what has become of the latest
}

func (w *windowOverrun) Event(ev fsm.Event, r *detectors.Report) {
	o, peer := &w.sides[ev.Side], &w.sides[ev.Side.Peer()]
	switch ev.Kind {
	case fsm.Overran:
		if o.suspect.At == 0 {
			o.suspect, o.by = reassembly.MarkOf(ev.Seg), 0
		}
		o.by = max(o.by, ev.N) // what is further beyond is judged with it
	case fsm.Advanced:
		o.waiting = o.waiting && !r.Old.Acked(ev.Side, o.last.End())
	case fsm.DataResent:
		if m := reassembly.MarkOf(ev.Seg); o.waiting && o.resent.At == 0 && r.Old.Covers(&m, &o.last) {
			o.resent = m
			o.tell(ev.Side, ev.Seg.At, r)
		}
	case fsm.Sent:
		if peer.suspect.At != 0 && ev.Class != fsm.OutOfWindow && ev.Class != fsm.Rst {
			peer.judge(ev.Seg, ev.Side.Peer(), r)
		}
	}
}

// judge takes the first segment of the receiver after the suspect: if even that
// offers less, nothing before it can have offered more.
func (o *overrun) judge(seg *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	suspect := o.suspect
	o.suspect = reassembly.Mark{}
	if !r.Old.OfferedShort(side.Peer(), seg, &suspect) {
		return
	}
	if o.count++; o.count == 1 {
		o.first, o.proof = suspect, reassembly.MarkOf(seg)
	}
	o.most = max(o.most, o.by)
	o.last, o.waiting = suspect, true
	o.tell(side, seg.At, r)
}

// End tells what has become of it.
func (w *windowOverrun) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if o := &w.sides[side]; o.count > 0 {
			o.tell(side, e.At, r)
		}
	}
}

// tell reports what side has sent beyond the window until trace time now.
func (o *overrun) tell(side reassembly.Side, now int64, r *detectors.Report) {
	own, peer := r.Name(side), r.Name(side.Peer())
	evidence := []detectors.Evidence{
		r.Evidence("beyond the window", side, &o.first),
		r.Evidence("still offers less", side.Peer(), &o.proof),
	}
	outcome := "taken"
	if o.resent.At != 0 || o.waiting {
		outcome = "dropped"
	}
	if o.resent.At != 0 {
		evidence = append(evidence, r.Evidence("sent again", side, &o.resent))
	}
	f := r.FindNamed(outcome, side, evidence[len(evidence)-1].Seg.At, evidence...)
	f.Roles = []detectors.Role{{Name: "sender", Side: side}, {Name: "receiver", Side: side.Peer()}}
	f.Measure("overruns", o.count)
	f.Measure("beyond", int(o.most))
	f.Message = fmt.Sprintf("%s sent up to %d bytes beyond the window that %s had offered, in %s (from frame %d on); the next segment of %s still offers less (frame %d).",
		own, o.most, peer, detectors.Counted(uint32(o.count), "burst", "bursts"), o.first.Frame, peer, o.proof.Frame)
	switch {
	case o.resent.At != 0:
		f.Message += fmt.Sprintf(" The excess was dropped and had to be sent again (frame %d).", o.resent.Frame)
	case o.waiting:
		f.Message += fmt.Sprintf(" %s has not acknowledged it.", peer)
		what := "capture"
		if r.Old.Over() {
			what, now = "connection", r.Old.Last()
		}
		f.End = now
		if rto := int64(r.Old.RTO(side)); now-o.last.At < rto {
			f.Undecide(fmt.Sprintf("the %s ends %s before it would be sent again", what, detectors.Span(o.last.At+rto-now)))
		} else {
			r.Absence(&f, o.last.At)
		}
	default:
		f.Message += fmt.Sprintf(" %s took it all the same.", peer)
	}
	if r.Old.ScaleUnanswered() {
		f.Message += fmt.Sprintf(" Only one SYN bears the window scale option. If something took it out of the other, %s multiplies windows that %s does not scale.", own, peer)
	}
	r.Emit(f)
}
