package path

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// stuck reports a segment that has not arrived.
func (w *mtuBlackhole) stuck(side reassembly.Side, o detectors.Overdue, r *detectors.Report) {
	a := w.sides[side]
	if !a.enough(r) {
		return
	}
	v := a.retryRun
	if a.beyond.At != 0 && detectors.SameFrame(&v.heard, &a.beyond) {
		v.heard.At = 0
	}
	evidence := v.evidence(side, r)
	if a.beyond.At != 0 {
		evidence = append([]detectors.Evidence{evidence[0], r.Evidence("a smaller segment behind it has arrived", side.Peer(), &a.beyond)}, evidence[1:]...)
	}
	outcome, subject := mtuStuck, side.Peer()
	switch {
	case a.obeyed.At != 0:
		outcome = mtuStillTooLarge
	case a.defiant(r):
		outcome, subject = mtuNotObeyed, side
	}
	f := a.finding(outcome, side, o.Now, append(evidence, a.told.Evidence()...), r)
	f.Subject = subject
	f.Message = a.message(outcome, side, r)
	if outcome == mtuStuck && a.told == nil && a.asks(side, r) {
		f.Cause, f.Message = causeAsked, f.Message+saidAsked
	}
	f.Measure("ending", a.ending(o.Now, r.Conn.Last(side).At))
	switch {
	case o.Short > 0 && !a.replaced:
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer would be overdue", detectors.Span(o.Short)))
	case outcome == mtuStuck && a.foreign(side, r):
		f.Undecide(fmt.Sprintf("one segment alone says that something behind it arrived (frame %d), and its TTL or IP ID (%d, %d) fits nothing else from that host: a device may answer in its name, and the path may drop everything",
			a.beyond.Frame, a.beyond.TTL, a.beyond.IPID))
	default:
		r.Absence(&f, a.first.At)
	}
	w.due[side].Emit(f, r)
}

// asks reports whether the segment holds the first that the client says.
func (a *oversizeLoss) asks(side reassembly.Side, r *detectors.Report) bool {
	out := r.Conn.Stream(side)
	client, known := r.Conn.Opener()
	return known && client == side && out.Knows(reassembly.KnowISS) && a.first.Seq == out.ISS+1
}

// What is said then: no other segment of that size shows whether it is the size that matters.
const (
	saidAsked  = " Or a filter dropped this segment for what it holds: it is the first of the client's data, where a filter looks for a name (TLS, HTTP)."
	causeAsked = "Somewhere on the path the MTU is smaller (a tunnel, VPN, PPPoE), and no ICMP message tells the sender. " +
		"Or a filter reads the first segment of the client and drops it (a forbidden name in a TLS ClientHello), and lets pass what follows. Other connections to other names tell which: do large segments arrive there?"
)

// fellBack reports smaller pieces that arrived.
func (a *oversizeLoss) fellBack(side reassembly.Side, ack *reassembly.Segment, r *detectors.Report) {
	a.fell, a.anchor, a.failed, a.acknowledged = true, a.first, a.size, 0
	evidence := append(a.evidence(side, r), r.Evidence("sent again in smaller pieces", side, &a.piece), detectors.Evidence{Role: "acknowledged at once", Seg: *ack})
	f := a.finding(mtuFellBack, side, ack.At, append(evidence, a.told.Evidence()...), r)
	f.Measure("piece", int(a.piece.Len))
	f.Message = fmt.Sprintf("%s retransmitted %s %d times in %s (frames %d to %d), and it never arrived. Then it tried %d bytes "+
		"(frame %d), and these were acknowledged (frame %d). %s Each new connection will lose the same time.", r.Name(side), a.what(), a.resends,
		detectors.Span(a.last().At-a.first.At), a.first.Frame, a.last().Frame, a.piece.Len, a.piece.Frame, ack.Frame, a.whoTold(side, r))
	if a.beyond.At == 0 && a.spoke.At == 0 {
		a.doubted = a.size
		f.Undecide("the peer sent nothing in the meantime: an outage that ended at that moment would look the same")
	}
	r.Emit(f)
}

func (a *oversizeLoss) finding(o *detectors.Outcome, side reassembly.Side, at int64, evidence []detectors.Evidence, r *detectors.Report) detectors.Finding {
	f := r.Find(o, side.Peer(), at, evidence...)
	f.End = at
	f.Roles = detectors.Roles("sender", side, "receiver")
	f.Measure("size", int(a.size))
	f.Measure("arrived", int(a.longer))
	f.Measure("resends", a.resends)
	f.Measure("lost_s", detectors.Seconds(at-a.first.At))
	if a.told != nil {
		if o == mtuStuck || o == mtuFellBack {
			f.Cause = toldInVain
		}
		a.told.Measure(&f)
		f.Measure("mtu", int(a.told.Last.MTU()))
		f.Measure("ignored", a.ignored)
	}
	return f
}
