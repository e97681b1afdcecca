package resets

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// maxOverruns is how many segments beyond the window a round trip brings before the first RST for one comes: seven in
// the recordings, and a device answers each.
const maxOverruns = 8

// overruns are the latest segments that one side sent beyond the window.
type overruns struct {
	segs [maxOverruns]reassembly.Mark
	n    uint8 // all of them, modulo 256
}

func (o *overruns) add(seg *reassembly.Segment) {
	o.segs[o.n%maxOverruns] = reassembly.MarkOf(seg)
	o.n++
}

// madeFrom looks whether the RST has the IP ID of such a segment of the peer's, and the number that it acknowledges: a
// firewall that makes a RST from the packet that it rejects leaves it the ID, and answers that packet, however much
// the peer has sent since.
func (c *resetCase) madeFrom(o *overruns) {
	if c.rst.IPID == 0 || !c.peer.habits.Numbered {
		return
	}
	for i := range o.segs {
		if m := &o.segs[i]; m.At != 0 && m.IPID == c.rst.IPID && detectors.Answers(&c.rst, m) && c.rst.At-m.At <= lateAnswer {
			c.peer.last, c.peer.probe, c.madeOf = *m, false, true
			return
		}
	}
}
