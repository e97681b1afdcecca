package flowcontrol

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Data that was on its way to a receiver while that took back window, and was captured behind the segment that did: a capture
// beside the receiver shows no other order.

// crossing is the data that one side has on its way as its peer takes back window.
type crossing struct {
	shrunk reassembly.Mark // the segment that took it back; At is 0 if no data can be on its way any more
	allows reassembly.Mark // what had offered the most before it
	tsval  uint32          // of that segment; 0 if it carries no timestamp
	edge   reassembly.Seq  // the new right edge
	data   reassembly.Mark // the first captured behind it that ends beyond that edge; At is 0 if there was none
	sure   bool            // its sender did not know that edge
	kept   reassembly.Seq  // up to where the receiver took that
	proof  reassembly.Mark // the receiver's segment that says so; At is 0 if none does
	resent reassembly.Mark // the rest, sent again; At is 0 if it was not
}

// crosses are the events from which a crossing is known; of a connection that has none, they need not be read.
var crosses = fsm.On(fsm.DataSent, fsm.DataResent, fsm.Sent)

// watches begins to look for data that is on its way beyond the edge, which the side's segment has moved left.
func (c *crossing) watches(seg *reassembly.Segment, allows *reassembly.Mark, side reassembly.Side, v fsm.View) {
	if c.data.At != 0 && c.open() { // of that, the capture has not shown yet what became
		return
	}
	m := reassembly.MarkOf(seg)
	*c = crossing{shrunk: m, allows: *allows, edge: edgeOf(&m, side, v)}
	if own := v.Stream(side); seg.Opts.Has&reassembly.HasTimestamps != 0 && own.Covered(seg.Seq) {
		c.tsval = seg.Opts.TSVal
	}
}

// sent takes new payload of the sender, and reports whether the message changes.
func (c *crossing) sent(seg *reassembly.Segment, sender reassembly.Side, v fsm.View) bool {
	shift, _ := v.WindowScale(sender.Peer())
	if end := seg.Seq + reassembly.Seq(seg.Len); c.shrunk.At == 0 || c.data.At != 0 || !(c.edge + 1<<shift - 1).Before(end) {
		return false
	}
	sure, knew := c.before(seg, sender, v)
	if knew || !sure && v.Stream(sender).Edge.After(c.edge) { // another segment has allowed it again
		c.shrunk.At = 0
		return false
	}
	c.data, c.sure = reassembly.MarkOf(seg), sure
	return true
}

// before reports whether the sender sent the segment before it had the one that took the window back, or whether it knew that. Its timestamps
// tell, if nothing of its peer was missing (RFC 7323 4.3). Else what comes in less than half the time that its host takes to answer was on its
// way; after a retransmission timeout, nothing is.
func (c *crossing) before(seg *reassembly.Segment, sender reassembly.Side, v fsm.View) (sure, knew bool) {
	if c.tsval != 0 && seg.Opts.Has&reassembly.HasTimestamps != 0 && seg.Opts.TSEcr != 0 {
		older := int32(seg.Opts.TSEcr-c.tsval) < 0
		return older, !older
	}
	answer, after := v.HandshakeRTT(sender), seg.At-c.shrunk.At
	return answer >= nearby && 2*after < int64(answer), after >= int64(v.RTO(sender))
}

// acked takes a segment of the receiver, and reports whether the message changes: it shows how much of the data was taken.
func (c *crossing) acked(seg *reassembly.Segment) bool {
	if c.data.At == 0 || c.proof.At != 0 && c.kept == c.data.End() || seg.Flags&reassembly.ACK == 0 {
		return false
	}
	kept, end := c.data.Seq.Max(seg.Ack), c.data.End()
	for _, b := range seg.Opts.Blocks[:seg.Opts.NBlocks] {
		if b.From.AtOrBefore(c.data.Seq) {
			kept = kept.Max(b.To)
		}
	}
	if kept == c.data.Seq || kept.Before(c.edge) || c.proof.At != 0 && !kept.After(c.kept) || c.resent.At != 0 {
		return false
	}
	if kept.After(end) {
		kept = end
	}
	c.kept, c.proof = kept, reassembly.MarkOf(seg)
	return true
}

// again takes payload that the sender sends again, and reports whether that is what the receiver did not take.
func (c *crossing) again(seg *reassembly.Segment) bool {
	from := c.edge
	if c.proof.At != 0 {
		from = c.kept
	}
	if c.data.At == 0 || c.resent.At != 0 || c.kept == c.data.End() || seg.Seq.After(from) || !(seg.Seq + reassembly.Seq(seg.Len)).After(from) {
		return false
	}
	c.resent = reassembly.MarkOf(seg)
	return true
}

// cut is how many bytes the receiver did not take; 0 if it took all, or that is not shown.
func (c *crossing) cut() uint32 {
	if !c.sure || c.resent.At == 0 {
		return 0
	}
	from := c.edge
	if c.proof.At != 0 {
		from = c.kept
	}
	if from.Before(c.data.Seq) {
		from = c.data.Seq
	}
	return uint32(from.To(c.data.End()))
}

// open reports whether anything more can be learned.
func (c *crossing) open() bool {
	return c.shrunk.At != 0 && c.resent.At == 0 && (c.data.At == 0 || c.proof.At == 0 || c.kept != c.data.End())
}

// evidence adds the frames that show what was cut off.
func (c *crossing) evidence(to []detectors.Evidence, side reassembly.Side, r *detectors.Report) []detectors.Evidence {
	if c.shrunk.At == 0 {
		return to
	}
	to = append(to, r.Evidence("data on its way, beyond the new edge", side.Peer(), &c.data))
	if c.proof.At != 0 {
		to = append(to, r.Evidence("accepted in part", side, &c.proof))
	}
	return append(to, r.Evidence("the rest sent again", side.Peer(), &c.resent))
}

// cutOff says what was cut off, in a message about all that the receiver took back.
func (c *crossing) cutOff(peer, own, allowed string) string {
	took := ""
	if c.proof.At != 0 {
		took = fmt.Sprintf(" %s accepted a part (frame %d).", own, c.proof.Frame)
	}
	return fmt.Sprintf(" Data was on its way there (frame %d), which %s was allowed%s to send.%s %d bytes had to be sent again (frame %d).",
		c.data.Frame, peer, allowed, took, c.cut(), c.resent.Frame)
}

// harm says what is known of data on its way, where none was captured in flight as the window shrank.
func (c *crossing) harm(peer, own string) string {
	switch {
	case c.data.At == 0:
		return " Nothing was in flight there, so no harm was done."
	case c.proof.At != 0 && c.kept == c.data.End():
		return fmt.Sprintf(" Data was on its way there (frame %d); %s accepted it (frame %d), so no harm was done.", c.data.Frame, own, c.proof.Frame)
	case c.sure:
		return fmt.Sprintf(" Data was on its way there (frame %d): %s did not know that this was no longer allowed.", c.data.Frame, peer)
	}
	return fmt.Sprintf(" %s sent data there soon after (frame %d); it may not have known yet that this was no longer allowed.", peer, c.data.Frame)
}

// crosses processes what shows whether data was on its way as its receiver took back window.
func (w *windowShrunk) crosses(ev fsm.Event, r *detectors.Report) {
	own, peer := w.sides[ev.Side], w.sides[ev.Side.Peer()]
	changed, by := false, ev.Side.Peer()
	switch {
	case ev.Kind == fsm.DataSent && peer != nil:
		changed = peer.under.sent(ev.Seg, ev.Side, r.Conn)
	case ev.Kind == fsm.DataResent && peer != nil:
		if changed = peer.under.again(ev.Seg); changed {
			peer.cutsCrossing()
		}
	case ev.Kind == fsm.Sent && own != nil:
		changed, by = own.under.acked(ev.Seg), ev.Side
	}
	if changed {
		w.sides[by].report(by, r)
	}
}

// cutsCrossing notes that data was cut off which was on its way.
func (s *shrinks) cutsCrossing() {
	cut := s.under.cut()
	if cut == 0 {
		return
	}
	if s.cuts++; cut > s.cutOff {
		s.cut, s.cutOff, s.allowed, s.crossed = s.under.shrunk, cut, s.under.allows, s.under
	}
}
