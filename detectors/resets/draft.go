package resets

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Few connections get any segment after the RST that ended them, and of many RSTs a finding is only counted. So it is drafted, and
// until it is written, no more is kept of the RST than what its connection does not say.

// A draft is a RST of which the finding is not written yet.
type draft struct {
	before
	small bool // the case is made again when it is needed
}

// before is what was known of the connection before the RST.
type before struct {
	last        reassembly.Mark // the sender's last segment; At is 0 if there was none
	states      [2]fsm.State
	side        reassembly.Side // the sender's
	challenging bool            // the peer's last segment is a challenge ACK
	device      fsm.Device      // from which the RST came
}

// cases and findings have room for what is needed for a moment: what an outcome's own functions are given would be allocated each time.
var (
	cases    detectors.Spare[resetCase]
	findings detectors.Spare[detectors.Finding]
)

// sketch reports the RST without the words, if that may be.
func (w *resetCause) sketch(ev fsm.Event, r *detectors.Report) (ok bool) {
	w.draft = nil
	if !r.ReadAtEnd() {
		return false
	}
	f, c := findings.Take(), w.last
	o := c.cause()
	*f = r.Sketch(&o.Outcome, c.culprit(o))
	f.Refusal = o == refused && c.refusal()
	o.apply(c, f, r)
	w.qualify(o, f, r)
	if ok = r.Draft(f, &c.rst); ok {
		w.draft = &draft{before: before{last: c.sender.last, states: c.states, side: c.side, challenging: c.challenging, device: c.device}}
	}
	findings.Give(f)
	return ok
}

// shrink gives back the case of a RST that is drafted, once all events of its segment are known, if the connection says the same until its next
// segment.
func (w *resetCause) shrink(r *detectors.Report) {
	c := w.last
	if w.draft == nil || w.draft.small || w.other != nil || c.aftermath != &noAftermath || c.inWindow || c.rst != r.Conn.Last(c.side) {
		return
	}
	w.draft.small = true
	w.giveBack()
}

// release gives back the case at the end, unless its finding has yet to be written.
func (w *resetCause) release() {
	if w.draft == nil && w.last != nil {
		w.giveBack()
	}
}

func (w *resetCause) giveBack() {
	cases.Give(w.last)
	w.last = nil
}

// Complete implements [detectors.Drafter].
func (w *resetCause) Complete(r *detectors.Report) {
	d := w.draft
	if w.draft = nil; d == nil {
		return
	}
	if d.small {
		c := caseOf(r.Conn.Last(d.side), &d.before, r)
		c.compare(&noRefusals)
		c.silences = w.silences
		c.resets[d.side]++ // itself
		w.last = c
	}
	if drafted := r.Drafted(&w.last.rst); drafted != nil {
		f := findings.Take()
		w.write(f, r)
		r.Complete(f, drafted)
		findings.Give(f)
	}
}
