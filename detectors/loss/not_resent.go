package loss

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// notResent reports whether the segment only seems to be sent again.
func notResent(ev fsm.Event, r *detectors.Report) bool {
	return padded(ev) || unproved(ev, r) || damaged(ev) || misnumbered(ev, r)
}

// An ackSent is what a side acknowledged at a time.
type ackSent struct {
	ack reassembly.Seq
	at  int64
}

// old reports whether the segment was not sent now: by its acknowledgment number, it is older than one that its side sent a
// second before, and no IP identification says that it was sent later. TCP acknowledges what it has in each
// segment, also in those that it sends again (RFC 9293 3.10.7.4): this one is a copy that the network held.
func (a *ackSent) old(ev fsm.Event) bool {
	was, seg := ev.Was, ev.Seg
	if a.at == 0 || was.Flags.Has(reassembly.ACK) && was.Ack.After(a.ack) {
		*a = ackSent{was.Ack, was.At}
	}
	later := seg.IPID != 0 && was.IPID != 0 && int16(seg.IPID-was.IPID) > 0
	return seg.Flags.Has(reassembly.ACK) && seg.Ack.Before(a.ack) && seg.At-a.at >= int64(heldCopy) && !later
}

// heldCopy is longer than a packet is overtaken for in any network.
const heldCopy = time.Second

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

// misnumbered reports whether the segment begins within the one before it, and ends beyond it, sooner than any timer, when all of that had been
// acknowledged: no TCP goes back there. A program that counts its bytes wrong does, or something on the way that adds some.
func misnumbered(ev fsm.Event, r *detectors.Report) bool {
	was, seg, out := ev.Was, ev.Seg, r.Conn.Stream(ev.Side)
	return ev.Place == reassembly.Overlap && was.Seq.Before(seg.Seq) && seg.Seq.Before(was.End()) && was.End().AtOrBefore(out.Una) && seg.At-was.At < int64(leastTimeout)
}

// recaptured is how soon a capture point may see a packet again, as in a mirrored VLAN.
const recaptured = 2 * time.Millisecond

// endsBefore reports whether the segment has a FIN, and more than that was acknowledged: nothing follows a FIN (RFC 9293
// 3.6), so somebody else has sent that in the side's name.
func endsBefore(ev fsm.Event, out *reassembly.Stream) bool {
	return ev.Seg.Flags&reassembly.FIN != 0 && out.Knows(reassembly.KnowUna) && out.Una.After(ev.Seg.End())
}

// ethernetMSS is the most payload of a segment on a common link, where the receiver's MSS is not known.
const ethernetMSS = 1460

// joinedIn is how many segments more than one the frame sends again, at least.
func joinedIn(ev fsm.Event, r *detectors.Report) uint32 {
	n, full := uint32(again(ev)), max(r.Conn.EffSndMSS(), ethernetMSS)
	if n <= full {
		return 0
	}
	return (n - 1) / full
}
