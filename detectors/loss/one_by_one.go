package loss

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// answerRooms has room for the few sides whose receivers answer without SACK at a time.
var answerRooms detectors.Spare[reassembly.Answers]

// misses notes that duplicate ACKs have answered what is in flight.
func (d *drawnACKs) misses(nxt reassembly.Seq) { d.missing, d.hole = true, nxt }

// passes takes a segment of the sender's, for its receiver to answer.
func (a *resender) passes(ev fsm.Event, r *detectors.Report) {
	d, seg := a.noteDrawn(), ev.Seg
	if d.answers == nil {
		if ev.Class != fsm.Retransmission || ev.Place != reassembly.Repeat || !a.awaits(r) || r.Conn.Limits()&fsm.SeqUnknown != 0 {
			return
		}
		out := r.Conn.Stream(ev.Side)
		if d.missing = d.missing && !out.Covered(d.hole); d.missing { // what is in flight is answered by now, or lost
			return
		}
		d.answers = answerRooms.Take()
		d.answers.Begin(out.Una, out.Nxt)
	}
	switch again := ev.Class == fsm.Retransmission; {
	case ev.Class == fsm.NewData || again && ev.Place == reassembly.Repeat:
		frame := seg.Frame
		if !again {
			frame = 0
		}
		d.answers.Send(seg.End(), frame)
	case ev.Class != fsm.PureAck && ev.Class != fsm.WindowUpdate && ev.Class != fsm.DupAck: // one that was not captured, too, may be on its way
		d.answers.Break()
	}
	d.forgetAnswers()
}

// answers takes a segment of the receiver's, and counts what its answers prove to have been sent again unnecessarily.
func (a *resender) answers(ack *reassembly.Segment, pure, updated bool) {
	d := a.drawn
	if d.answers == nil {
		return
	}
	if !pure {
		d.answers.Break()
	} else {
		for _, s := range d.answers.Ack(ack.Ack, updated) {
			if i := slices.IndexFunc(a.open, func(o openResend) bool { return s.Again != 0 && o.frame == s.Again }); i >= 0 {
				a.needless(a.wasSpurious(i).at)
			}
		}
	}
	d.forgetAnswers()
}

// forgetAnswers gives the room back if there is nothing to count.
func (d *drawnACKs) forgetAnswers() {
	if !d.answers.Counting() || d.answers.Settled() {
		answerRooms.Give(d.answers)
		d.answers = nil
	}
}

// underway notes at the end that what is still to be answered need not have been lost, if others were shown to have arrived, and the
// answers came until then.
func (a *resender) underway(end int64, side reassembly.Side, r *detectors.Report) {
	if a.total.allSpurious() == 0 {
		return
	}
	silent := r.Conn.Last(side.Peer()).At + int64(r.Conn.RTO(side))
	if r.Conn.Limits()&fsm.SeqUnknown != 0 && a.awaits(r) && end < silent { // nobody counts there
		a.noteDrawn().perhaps = a.total.all()
	}
	if a.drawn == nil || a.drawn.answers == nil {
		return
	}
	for _, s := range a.drawn.answers.Rest() {
		for i := range a.open {
			// What was not acknowledged, or not captured, is doubtful already.
			o := &a.open[i]
			if o.frame != s.Again || o.open || o.doubt != noDoubt || o.early || o.unseen || o.older {
				continue
			}
			if end >= silent {
				a.until = max(a.until, silent) // the answers had stopped: that rests on the silence
				return
			}
			o.doubt = onItsWay
			a.total.noteNotLost().doubtful[onItsWay]++
			a.total.noteNotLost().doubtfulBytes += uint64(o.old - o.From)
		}
	}
}
