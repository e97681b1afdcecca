package loss

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// notResent reports whether the segment only seems to be sent again.
func notResent(ev fsm.Event, r *detectors.Report) bool {
	return padded(ev) || unproved(ev, r) || damaged(ev)
}

// padded reports whether what the segment seems to send again was an ACK with padding: a few
// bytes that were not pushed, with other ones at their place now, or a newer ACK.
func padded(ev fsm.Event) bool {
	was, seg := ev.Was, ev.Seg
	return was.Len > 0 && was.Len <= fsm.Padding && was.Flags&(reassembly.PSH|reassembly.FIN) == 0 && was.Seq == seg.Seq &&
		(seg.Len > was.Len || seg.Len == was.Len && seg.Flags&reassembly.PSH == 0 && seg.Ack.After(was.Ack))
}

// unproved reports whether only an ACK says that the segment was sent before: the capture does
// not have its original, and a segment that was captured late, or a damaged ACK, looks the same.
func unproved(ev fsm.Event, r *detectors.Report) bool {
	out := r.Conn.Stream(ev.Side)
	return ev.Place == reassembly.Filling && out.Covered(ev.Seg.End())
}

// damaged reports whether the segment is the one before it, captured again with something
// changed in it: a host does not send two packets with one IP identification (RFC 6864 4).
func damaged(ev fsm.Event) bool {
	was, seg := ev.Was, ev.Seg
	return seg.IPID != 0 && seg.IPID == was.IPID && seg.Seq == was.Seq && seg.Len == was.Len && seg.At-was.At < int64(recaptured)
}

// recaptured is how soon a capture point may see a packet again, as in a mirrored VLAN.
const recaptured = 2 * time.Millisecond

// endsBefore reports whether the segment has a FIN, and more than that was acknowledged: nothing follows a FIN (RFC 9293
// 3.6), so somebody else has sent that in the side's name.
func endsBefore(ev fsm.Event, out *reassembly.Stream) bool {
	return ev.Seg.Flags&reassembly.FIN != 0 && out.Knows(reassembly.KnowUna) && out.Una.After(ev.Seg.End())
}
