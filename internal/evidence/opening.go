package evidence

import "github.com/tcptrace-go/tcptrace/reassembly"

// An opening is how a connection begins: the handshake, which has the window
// scales, and what follows until all that was sent is acknowledged. A cut after
// that leaves nothing in flight, and no round-trip measurement that would last
// as long as the cut.
type opening struct {
	sent, acked [2]reassembly.Seq
	segments    int
	over        bool
}

// maxOpening is when an opening is over at the latest.
const maxOpening = 64

// includes reports whether the segment, the connection's next, belongs to its
// opening.
func (o *opening) includes(seg *reassembly.Segment) bool {
	if o.over || o.segments == 0 && seg.Flags&reassembly.SYN == 0 {
		o.over = true
		return false
	}
	_, fromLo := reassembly.KeyOf(seg)
	own, peer := 0, 1
	if !fromLo {
		own, peer = 1, 0
	}
	if o.sent[own] == 0 {
		o.sent[own] = seg.End()
	}
	o.sent[own] = o.sent[own].Max(seg.End())
	if seg.Flags&reassembly.ACK != 0 {
		o.acked[peer] = seg.Ack
	}
	o.segments++
	o.over = o.sent == o.acked || o.segments == maxOpening
	return true
}
