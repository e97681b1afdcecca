package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// answered holds ACKs without SACK against what the run's side sent, while it waits for those of what was sent again: what
// they show to have arrived needed no repair.
type answered struct {
	reassembly.Answers
	loss    int64          // Loss up to which repairs are known to have been needed, or not
	hole    reassembly.Seq // what is before this was answered by duplicate ACKs, or lost, while missing is set
	window  uint16         // that the receiver offered last
	missing bool
}

// conserve takes a segment of the run, which is processed; lost is what Loss was before it.
func (a *Account) conserve(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn, lost int64, told *Told) {
	if r := &a.run; r.side != side {
		if a.run.counting {
			a.isAnswered(seg, c.Out(side).Nxt, told)
		}
		return
	}
	again := ev.Class == fsm.Retransmission && ev.Place() == reassembly.Repeat && seg.Len > 0
	if !a.run.counting && !(again && a.beginAnswers(side, ev, c, lost, told)) {
		return
	}
	p := told.noteRepairs(a)
	switch {
	case again:
		p.answered.Send(seg.End(), max(seg.Frame, 1))
	case ev.Class == fsm.NewData:
		p.answered.Send(seg.End(), 0)
	case ev.Class != fsm.PureAck && ev.Class != fsm.WindowUpdate && ev.Class != fsm.DupAck:
		p.answered.Break()
	}
	a.run.counting = p.answered.Counting() && !p.answered.Settled()
}

// beginAnswers begins to count with what the run's side sends again, and reports whether it does.
func (a *Account) beginAnswers(side reassembly.Side, ev *fsm.Events, c *fsm.Conn, lost int64, told *Told) bool {
	v, out := c.View(), c.Out(side)
	if !a.run.on || !detectors.NoSACK(v) || v.Limits()&fsm.SeqUnknown != 0 {
		return false
	}
	p := &told.noteRepairs(a).answered
	p.missing = p.missing && !out.Covered(p.hole)
	if duplicates(ev) > 0 {
		p.missing, p.hole = true, out.Nxt
	}
	if p.missing {
		return false
	}
	p.Begin(out.Una, out.Nxt)
	p.loss, p.window = lost, v.Last(side.Peer()).Window
	return true
}

// duplicates is how many duplicate ACKs came before what the segment sends again.
func duplicates(ev *fsm.Events) uint8 {
	for i := range ev.Len() {
		if e := ev.At(i); e.Kind == fsm.DataResent {
			return e.Dups
		}
	}
	return 0
}

// isAnswered takes a segment of the run's receiver; nxt is what that has sent.
func (a *Account) isAnswered(ack *reassembly.Segment, nxt reassembly.Seq, told *Told) {
	p := told.noteRepairs(a)
	if ack.Flags != reassembly.ACK || ack.Len > 0 || ack.Seq != nxt {
		p.answered.Break()
	} else if len(p.answered.Ack(ack.Ack, ack.Window != p.answered.window)) > 0 {
		p.unneeded += a.Waits[detectors.Loss] - p.answered.loss
		p.answered.loss = a.Waits[detectors.Loss]
	}
	p.answered.window = ack.Window
	a.run.counting = p.answered.Counting() && !p.answered.Settled()
}
