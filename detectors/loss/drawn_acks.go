package loss

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// drawnACKs are the pure ACKs with which a receiver without SACK answers what it has already: one for each such segment
// (RFC 9293 3.10.7.4), so each proves that both the original and what was sent again arrived. One with another window may
// only say that the application has read; not if it never says so unless a segment was sent again.
type drawnACKs struct {
	ack     reassembly.Seq // of the receiver's last segment
	window  uint16
	known   bool             // there is such a segment
	newest  reassembly.Block // what the sender sent last that was new
	owed    uint8            // ACKs that are to come for what is known to have arrived twice, or for a keep-alive
	moved   uint8            // ACKs of something new, leastMoved at most
	updates bool             // the receiver sent such a window though nothing had been sent again
	perhaps uint32           // ACKs that may answer a second copy, in text without the sequence numbers of empty segments
	missing bool             // duplicate ACKs came before something was sent again that ends at or before hole
	hole    reassembly.Seq
	answers *reassembly.Answers // nil if they are not counted
}

// noteDrawn is what is known of such ACKs, to be written. Receivers with SACK send none.
func (a *resender) noteDrawn() *drawnACKs {
	if a.drawn == nil {
		a.drawn = new(drawnACKs)
	}
	return a.drawn
}

// leastMoved is how many ACKs of something new show whether the receiver sends the window again by itself.
const leastMoved = 8

// awaits reports whether something that was sent again and is acknowledged may yet draw another ACK. Where the capture does
// not have the SYNs, the receiver has no SACK unless it sends some.
func (a *resender) awaits(r *detectors.Report) bool {
	return (len(a.open) > 0 || a.drawn != nil && a.drawn.answers != nil) && (detectors.NoSACK(r.Conn) || !a.reports && r.Conn.Limits()&fsm.Midstream != 0)
}

// sends takes a segment of the sender's: each that brings the receiver nothing new draws an ACK.
func (d *drawnACKs) sends(ev fsm.Event) {
	switch ev.Class {
	case fsm.NewData:
		d.newest = reassembly.Block{From: ev.Seg.Seq, To: ev.Seg.End()}
	case fsm.Retransmission: // resends owes those that are not open
		if ev.Seg.Len == 0 {
			d.owe()
		}
	case fsm.PureAck, fsm.WindowUpdate, fsm.DupAck:
	default:
		d.owe()
	}
}

func (d *drawnACKs) owe() { d.owed = min(d.owed, 254) + 1 }

// receives takes a segment of the receiver's, and counts what it proves to have been sent again unnecessarily.
func (a *resender) receives(ev fsm.Event, r *detectors.Report) {
	d, seg, out := a.noteDrawn(), ev.Seg, r.Conn.Stream(ev.Side.Peer())
	if seg.Flags&reassembly.ACK == 0 || ev.Class == fsm.OutOfWindow {
		return
	}
	repeated, updated := d.known && seg.Ack == d.ack && seg.Ack == out.Una, seg.Window != d.window
	pure := seg.Flags == reassembly.ACK && seg.Len == 0 && seg.Seq == r.Conn.Stream(ev.Side).Nxt
	a.answers(seg, pure, updated || !d.known)
	if d.known && seg.Ack.After(d.ack) {
		d.moved = min(d.moved+1, leastMoved)
	}
	d.ack, d.window, d.known = seg.Ack, seg.Window, true
	// What lies beyond a hole draws such ACKs, too: there is nothing beyond one segment.
	if alone := out.InFlight() == 0 || d.newest.From == out.Una && d.newest.To == out.Nxt; !repeated || !pure || !alone {
		return
	}
	if updated {
		d.updates = d.updates || d.owed == 0 && !a.sentAlone(seg.Ack)
		if d.updates || d.moved < leastMoved {
			return
		}
	}
	if d.owed > 0 {
		d.owed--
		return
	}
	for i := range slices.Backward(a.open) {
		// Text without the sequence numbers of empty segments does not show what else draws one, such as a keep-alive.
		if o := &a.open[i]; o.To.AtOrBefore(seg.Ack) && r.Conn.Limits()&fsm.SeqUnknown != 0 {
			d.perhaps++
			return
		} else if o.To.AtOrBefore(seg.Ack) {
			a.needless(a.wasSpurious(i).at)
			if d.answers != nil {
				d.answers.Counted()
			}
			return
		}
	}
}

// sentAlone reports whether what ends there was sent again as the only segment in flight: no hole was filled then, which
// gives an application much to read.
func (a *resender) sentAlone(end reassembly.Seq) bool {
	return slices.ContainsFunc(a.open, func(o openResend) bool { return o.To == end && o.alone })
}

// subscribe asks for each segment only while one may prove something.
func (w *retransmissions) subscribe(r *detectors.Report) {
	kinds := Retransmissions.SubscribesTo &^ fsm.On(fsm.Sent)
	if r.Conn.Limits()&fsm.Holes == 0 {
		kinds &^= fsm.On(fsm.Advanced)
	}
	for _, a := range w.sides {
		if a != nil && a.awaits(r) {
			kinds |= fsm.On(fsm.Sent)
		}
	}
	r.Subscribe(kinds)
}

// sent takes a segment of any kind.
func (w *retransmissions) sent(ev fsm.Event, r *detectors.Report) {
	if a := w.sides[ev.Side]; a != nil {
		a.noteDrawn().sends(ev)
		a.passes(ev, r)
	}
	if a := w.sides[ev.Side.Peer()]; a != nil && a.awaits(r) {
		a.receives(ev, r)
	}
}
