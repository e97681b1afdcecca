package flowcontrol

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Which segment had offered the window that is taken back.

// An offer is the segment of the greatest right edge, while its side only moves that left. Its At is 0 if it is not known.
type offer struct {
	reassembly.Mark
	edge reassembly.Seq // where it has been moved to
}

// shrinks takes a segment that has moved the right edge left, to edge, by so many bytes. was had set it before that: it is
// what offered the most, unless that edge was itself the result of a shrink.
func (o *offer) shrinks(was *reassembly.Mark, edge reassembly.Seq, by uint32) {
	if o.At == 0 || o.edge != edge+reassembly.Seq(by) {
		o.Mark = *was
	}
	o.edge = edge
}

// edgeOf is the right edge of the window that a segment of the side offers, which is no SYN.
func edgeOf(m *reassembly.Mark, side reassembly.Side, v fsm.View) reassembly.Seq {
	shift, _ := v.WindowScale(side)
	return m.Ack + reassembly.Seq(uint32(m.Window)<<shift)
}

// overtaken keeps the segment that set the window now in force, as one that others overtook was captured after it.
func (w *windowShrunk) overtaken(ev fsm.Event, v fsm.View) {
	out := v.Stream(ev.Side.Peer())
	if ev.Was.Flags&(reassembly.SYN|reassembly.RST) != 0 || edgeOf(ev.Was, ev.Side, v) != out.Edge {
		return
	}
	if w.offers[ev.Side] == nil {
		w.offers[ev.Side] = new(reassembly.Mark)
	}
	*w.offers[ev.Side] = *ev.Was
}

// offer is the segment that had set the window before it shrank: the last of the side, or that which was kept as others were
// captured after it. IP identifications tell where two offered as much.
func (w *windowShrunk) offer(ev fsm.Event, m *reassembly.Mark, v fsm.View) (was reassembly.Mark) {
	for _, o := range [...]*reassembly.Mark{ev.Was, w.offers[ev.Side]} {
		if o != nil && o.IPID == uint16(ev.Age) && edgeOf(o, ev.Side, v) == edgeOf(m, ev.Side, v)+reassembly.Seq(ev.N) && !detectors.SameFrame(o, m) {
			return *o
		}
	}
	return was
}
