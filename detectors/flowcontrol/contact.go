package flowcontrol

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// contact is when each side last showed that it is there, and when it last asked
// its peer to. Who is silent may be gone.
type contact struct {
	spoke [2]int64
	asked [2]int64 // sent what the peer must answer
}

// heard takes a segment that was its side's own.
func (c *contact) heard(ev fsm.Event) {
	c.spoke[ev.Side] = ev.Seg.At
	if ev.Seg.SeqLen() > 0 || ev.Class == fsm.KeepAlive {
		c.asked[ev.Side] = ev.Seg.At
	}
}

// doubt makes a finding undecided that says what side does not do, if by trace
// time now nobody can tell whether it is there at all.
func (c *contact) doubt(f *detectors.Finding, side reassembly.Side, now int64, r *detectors.Report) {
	asked := c.asked[side.Peer()]
	if f.Verdict == detectors.Seen && asked > c.spoke[side] && now-asked > int64(r.Old.RTO(side.Peer())) {
		f.Undecide(fmt.Sprintf("what the receiver sent %s before was not answered either: the sender may be gone", detectors.Span(now-asked)))
	}
}
