package flowcontrol

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// WindowOverrun reports a sender that sends beyond the largest window that its peer
// has offered. RFC 9293 3.8.6.
var WindowOverrun = &detectors.Detector{
	Name:  "window-overrun",
	Needs: fsm.SeqUnknown,
	Doc: detectors.Doc{
		Title: "a sender sent beyond the offered window",
		What: "New data ends beyond the right edge of the largest window that the receiver has offered, and the receiver's next segment " +
			"shows that it had not offered more in the meantime. The receiver may drop such data; it must then be sent again.",
		Cause: "The sender scales windows that are not scaled: a middlebox removed the window scale option from one of the SYNs, or the " +
			"receiver's stack applies another scale than it announced. Or a sender, proxy or traffic generator that ignores windows.",
		Action: "Compare both SYNs on both sides of every middlebox: is the window scale option the same everywhere? If so, look at the " +
			"sender's stack. If data was dropped, expect retransmissions that no packet loss explains.",
		NotThis: "A zero-window probe, which may carry a byte (zero-window-probe-loop). Data that was allowed before the receiver shrank its " +
			"window (window-shrunk). Data allowed by a window update that the capture missed: the next acknowledgment shows that. A " +
			"connection whose window scale is unknown. Multipath TCP, whose window counts from what was acknowledged on all of its connections.",
		Peers: "Wireshark marks a full window, but not one that is exceeded. Suricata calls such packets out of window.",
		Refs:  []string{"RFC 9293 3.8.6", "RFC 7323 2.3"},
		Since: "0.2",
	},
	Outcomes:     []*detectors.Outcome{dropped, taken},
	StartsOn:     fsm.On(fsm.Overran),
	SubscribesTo: fsm.On(fsm.Overran, fsm.Advanced, fsm.DataResent, fsm.Sent),
	Watch:        watchOverrun,
}

// watchOverrun declines Multipath TCP, as watchShrunk does.
func watchOverrun(r *detectors.Report) detectors.Watcher {
	if detectors.Multipath(r.Conn) {
		return nil
	}
	return new(windowOverrun)
}

var (
	dropped = &detectors.Outcome{Name: "dropped", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "the receiver did not accept the data: it was sent again, or never acknowledged"}
	taken = &detectors.Outcome{Name: "taken", Severity: detectors.Info, Fault: detectors.FaultHost, When: "the receiver accepted the data anyway"}
)

type windowOverrun struct{ sides [2]overrun } // by the side that sends too much

// An overrun is all that one side has sent beyond the window.
type overrun struct {
	suspect reassembly.Mark // beyond all offers that were captured; the peer's next segment decides
	end     reassembly.Mark // it, or the segment after it that reaches furthest: where the sender cut its bytes does not matter
	by      uint32          // bytes by which they lie beyond
	first   reassembly.Mark // the anchor: the first that is proved
	proof   reassembly.Mark // the receiver's segment that proves it
	resent  reassembly.Mark // sent again
	last    reassembly.Mark // the latest that is proved: its acknowledgment decides the outcome
	bursts  int             // each lasts until the receiver sends something
	most    uint32
	unacked bool // last is not acknowledged yet
}

func (w *windowOverrun) Event(ev fsm.Event, r *detectors.Report) {
	o, peer := &w.sides[ev.Side], &w.sides[ev.Side.Peer()]
	switch ev.Kind {
	case fsm.Overran:
		if o.suspect.At == 0 {
			o.suspect, o.by = reassembly.MarkOf(ev.Seg), 0
		}
		if ev.N > o.by {
			o.end, o.by = reassembly.MarkOf(ev.Seg), ev.N
		}
	case fsm.Advanced:
		out := r.Conn.Stream(ev.Side)
		o.unacked = o.unacked && !out.Covered(o.last.End())
	case fsm.DataResent:
		if o.unacked && o.resent.At == 0 && resendsEnd(ev.Seg, &o.last) {
			o.resent = reassembly.MarkOf(ev.Seg)
			o.report(ev.Side, ev.Seg.At, r)
		}
	case fsm.Sent:
		if peer.suspect.At != 0 && !detectors.MayBeForged(ev) {
			peer.check(ev.Seg, ev.Side.Peer(), r)
		}
	}
	if o.idle() && peer.idle() { // until it happens again
		r.Subscribe(WindowOverrun.StartsOn)
	} else {
		r.Subscribe(WindowOverrun.SubscribesTo)
	}
}

// idle reports whether neither a suspect nor what is proved is open.
func (o *overrun) idle() bool { return o.suspect.At == 0 && !o.unacked }

// resendsEnd reports whether the segment sends the last byte of m again.
func resendsEnd(seg *reassembly.Segment, m *reassembly.Mark) bool {
	end := m.Seq + reassembly.Seq(m.Len)
	return seg.Seq.Before(end) && end.AtOrBefore(seg.Seq+reassembly.Seq(seg.Len))
}

// check looks at the receiver's first segment after the suspects. If its window still
// ends before they do, no earlier one can have reached further: this one would have
// shrunk it.
func (o *overrun) check(seg *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	suspect := o.suspect
	o.suspect = reassembly.Mark{}
	shift, _ := r.Conn.WindowScale(side.Peer())
	edge := seg.Ack + reassembly.Seq(uint32(seg.Window)<<shift)
	beyond := func(m *reassembly.Mark) bool { return edge.Before(m.Seq + reassembly.Seq(m.Len)) }
	if !detectors.AcksUna(r.Conn, side.Peer(), seg) || !beyond(&o.end) {
		return
	}
	if !beyond(&suspect) {
		suspect = o.end
	}
	if o.bursts++; o.bursts == 1 {
		o.first, o.proof = suspect, reassembly.MarkOf(seg)
	}
	o.most = max(o.most, o.by)
	o.last, o.unacked = o.end, true
	o.report(side, seg.At, r)
}

// End reports what became of the data in the end.
func (w *windowOverrun) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if o := &w.sides[side]; o.bursts > 0 {
			o.report(side, e.At, r)
		}
	}
}

// report reports what the side has sent beyond the window until trace time now.
func (o *overrun) report(side reassembly.Side, now int64, r *detectors.Report) {
	own, peer := r.Name(side), r.Name(side.Peer())
	evidence := []detectors.Evidence{
		r.Evidence("beyond the window", side, &o.first),
		r.Evidence("window still ends before it", side.Peer(), &o.proof),
	}
	outcome := taken
	if o.resent.At != 0 || o.unacked {
		outcome = dropped
	}
	if o.resent.At != 0 {
		evidence = append(evidence, r.Evidence("sent again", side, &o.resent))
	}
	f := r.Find(outcome, side, evidence[len(evidence)-1].Seg.At, evidence...)
	f.Roles = detectors.Roles("sender", side, "receiver")
	f.Measure("overruns", o.bursts)
	f.Measure("beyond", int(o.most))
	f.Message = fmt.Sprintf("%s sent up to %d bytes beyond the window that %s had offered, in %s (from frame %d on). The window in the next segment of %s still ends before them (frame %d).",
		own, o.most, peer, detectors.Counted(uint32(o.bursts), "burst", "bursts"), o.first.Frame, peer, o.proof.Frame)
	switch {
	case o.resent.At != 0:
		f.Message += fmt.Sprintf(" The excess was dropped and had to be sent again (frame %d).", o.resent.Frame)
	case o.unacked:
		f.Message += fmt.Sprintf(" %s has not acknowledged the excess.", peer)
		what := "capture"
		if detectors.Over(r.Conn) {
			what, now = "connection", max(r.Conn.First(), r.Conn.Last(reassembly.A).At, r.Conn.Last(reassembly.B).At)
		}
		f.End = now
		if left := o.last.At + int64(r.Conn.RTO(side)) - now; left > 0 {
			f.Undecide(fmt.Sprintf("the %s ends %s before a retransmission would be due", what, detectors.Span(left)))
		} else {
			r.Absence(&f, o.last.At)
		}
	default:
		f.Message += fmt.Sprintf(" %s accepted the excess anyway.", peer)
	}
	if oneSYNScales(r.Conn) {
		f.Message += fmt.Sprintf(" Only one SYN carries the window scale option. If a middlebox removed it from the other, %s scales windows that %s does not.", own, peer)
	}
	r.Emit(f)
}

// oneSYNScales reports whether one SYN offered the window scale option and the other
// did not, so that neither side may scale (RFC 7323 2.2).
func oneSYNScales(v fsm.View) bool {
	a, _ := v.SYNOptions(reassembly.A)
	b, _ := v.SYNOptions(reassembly.B)
	_, known := v.WindowScale(reassembly.A)
	return known && (a.Has^b.Has)&reassembly.HasScale != 0
}
