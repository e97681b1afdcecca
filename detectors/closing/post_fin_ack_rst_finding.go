package closing

import (
	"cmp"
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is reported of a RST that answers an ACK after both FINs.

func (w *postFINAckRST) report(outcome *detectors.Outcome, culprit, x reassembly.Side, ack, rst *reassembly.Mark, r *detectors.Report) {
	y := x.Peer()
	evidence := []detectors.Evidence{
		r.Evidence("FIN from "+r.Name(x), x, &w.fin[x]),
		r.Evidence("FIN from "+r.Name(y), y, &w.fin[y]),
		r.Evidence("first ACK of that FIN", x, &w.finAck[y]),
	}
	if outcome == redundantACK {
		evidence = append(evidence, r.Evidence("redundant ACK", x, ack))
	}
	f := r.Find(outcome, culprit, rst.At, append(evidence, r.Evidence("RST", y, rst))...)
	f.Roles = detectors.Roles("acker", x, "resetter")
	f.Measure("ack_to_rst_s", detectors.Seconds(rst.At-ack.At))
	f.Measure("bytes_at_risk", int(r.Conn.Recent(y, rst.At).Bytes))
	switch after := ack.At - w.finAck[y].At; outcome {
	case redundantACK:
		f.Measure("after_first_ack_s", detectors.Seconds(after))
		f.Message = fmt.Sprintf("%s was CLOSED once %s had acknowledged its FIN (frame %d). %s later %s sent an unnecessary duplicate "+
			"ACK (frame %d), and a RST came back %s after that (frame %d). An application on %s that was still reading may get a "+
			"connection reset instead of the last data.",
			r.Name(y), r.Name(x), w.finAck[y].Frame, detectors.Span(after), r.Name(x), ack.Frame, detectors.Span(rst.At-ack.At), rst.Frame, r.Name(x))
		if why := w.calledFor(x, ack, f.Limits, r); why != "" {
			f.Undecide(why)
		}
	case forgotten:
		f.Message = fmt.Sprintf("%s sent FIN (frame %d) and answered its first ACK (frame %d) with RST (frame %d): "+
			"it had dropped the connection instead of waiting in %s.",
			r.Name(y), w.fin[y].Frame, ack.Frame, rst.Frame, w.waitsIn(x, r))
		if took := cmp.Or(r.Conn.HandshakeRTT(y), r.Conn.SRTT(x)); rst.Flags&reassembly.ACK != 0 && took >= nearby && rst.At-ack.At < int64(took) { // its own, perhaps
			f.Message = fmt.Sprintf("%s sent FIN (frame %d) and then RST (frame %d), %s after its first ACK (frame %d), which is less than a round trip (%s): "+
				"it did not wait for that ACK in %s.", r.Name(y), w.fin[y].Frame, rst.Frame, detectors.Span(rst.At-ack.At), ack.Frame, detectors.Span(int64(took)), w.waitsIn(x, r))
		}
		if second := w.another(x, ack, rst); second != nil && r.Conn.HandshakeRTT(y) < nearby {
			f.Undecide(fmt.Sprintf("another ACK of the FIN (frame %d) came %s before the RST: the first may have ended LAST_ACK, and the second have met no socket", second.Frame, detectors.Span(rst.At-second.At)))
		}
		if fin, _ := r.Conn.FIN(x); r.Conn.Stream(x).Una.Before(fin.Seq) {
			f.Undecide(fmt.Sprintf("the sender of the RST had not acknowledged the last %d bytes from its peer: a socket that its application has closed aborts when data arrives (RFC 9293 3.10.7.4), and the path may have lost the RST that answered them",
				fin.Seq-r.Conn.Stream(x).Una))
		}
		if w.mayAbort(y, rst) {
			f.Undecide(fmt.Sprintf("the RST has ACK, as that of an application that aborts has, and followed the FIN in %s: it need not answer anything", detectors.Span(rst.At-w.fin[y].At)))
		}
		if f.OnceOf = &x; r.Conn.ArrivedTwice(x) { // the first copy of the ACK was taken in LAST_ACK, the second met a closed socket
			f.ArrivedTwice()
		}
	}
	switch made, fin := w.madeFrom(x, rst, r), &w.fin[y]; {
	case made != nil:
		f.Undecide(fmt.Sprintf("the RST has the IP ID of an ACK (frame %d): a device on the path made it from that, and the host need not have sent any", made.Frame))
	case w.other:
		f.Undecide(fmt.Sprintf("the RST came from another device than the FIN (frame %d), by its source MAC address: the host need not have dropped anything", fin.Frame))
	case detectors.OtherTTL(fin, rst):
		f.Undecide(fmt.Sprintf("the RST has TTL %d, the FIN (frame %d) %d: a load balancer or another device may have sent it, and the host need not have dropped anything", rst.TTL, fin.Frame, fin.TTL))
	case r.Conn.IPHabits(y).VariesTTL:
		f.Undecide("segments with the address of the sender of the RST come with more than one TTL: several devices send in its name, and which of them has dropped the connection is not known")
	}
	if rst.Flags&reassembly.ACK != 0 {
		w.withACK = *rst
	}
	r.Emit(f)
}

// overtaking is by how much a path may change the order of two segments. A delayed ACK comes later (KB Q152474: 150 ms and more).
const overtaking = 50 * time.Millisecond

// calledFor says what may have called for X's second ACK of Y's FIN; "" if the capture shows that nothing can have. RFC 9293 3.10.7.4
// requires an ACK of everything that lies below the FIN and comes after it, and of the FIN itself if it comes again.
func (w *postFINAckRST) calledFor(x reassembly.Side, ack *reassembly.Mark, limits fsm.Limits, r *detectors.Report) string {
	y, first := x.Peer(), &w.finAck[x.Peer()]
	after := ack.At - first.At
	switch own, peer := r.Conn.IPHabits(x), r.Conn.IPHabits(y); {
	case limits&fsm.Duplicates != 0 && after <= int64(fsm.DuplicateTime):
		return "copies: the two ACKs are identical and may be one, captured twice; or the FIN arrived twice, and each had to be acknowledged"
	case peer.Copied && !own.Copied:
		return fmt.Sprintf("copies: the capture holds the FIN (frame %d), or what came after it, more than once, and the ACKs once each: the FIN may have arrived more than once, and each had to be acknowledged", w.fin[y].Frame)
	case ack.IPID == first.IPID && r.Conn.Endpoint(x).AddrPort().Addr().Is4(): // IPv6 has none
		return "the two ACKs have the same IP ID, or none: they may be one that the network delivered twice; or the FIN arrived twice, and each had to be acknowledged"
	case first.IPID != 0 && first.IPID == w.fin[x].IPID:
		return fmt.Sprintf("the first ACK has the IP ID of the FIN before it (frame %d): a device on the path made it from that, and the second is the first that the side itself sent", w.fin[x].Frame)
	case detectors.Multipath(r.Conn):
		return "Multipath TCP: one of the two ACKs may acknowledge the end of the data of all its connections (DATA_FIN, RFC 8684 3.3.3)"
	case r.Conn.Retransmissions(y) > 0:
		return "the sender of the RST had retransmitted data before: if both copies arrived, the second called for an ACK of its own, and that ACK may be the one that is said to be redundant"
	case r.Conn.ArrivedTwice(y):
		return "segments of the sender of the RST arrive twice, as a D-SACK shows: if its FIN did, each had to be acknowledged"
	case limits&(fsm.KernelDrops|fsm.OneSided) != 0:
		return "the capture misses segments: one of them may have called for the second ACK"
	case r.Conn.HoleSince(w.fin[y].At - int64(overtaking)):
		return "holes: the capture misses segments of this connection: one of them may have called for the second ACK"
	case after < int64(overtaking) && !w.capturedInOrder(x, r):
		return fmt.Sprintf("the second ACK (frame %d) came only %s after the first, and its sender is not beside the capture point: the FIN may have arrived twice there, or before an ACK that was sent earlier, and either calls for another ACK",
			ack.Frame, detectors.Span(after))
	}
	return ""
}

// capturedInOrder reports whether X is so near to the capture point that what it received is captured, in that order: it answers at once.
func (w *postFINAckRST) capturedInOrder(x reassembly.Side, r *detectors.Report) bool {
	took := r.Conn.HandshakeRTT(x)
	return took != 0 && took < nearby || w.finAck[x.Peer()].At-w.fin[x.Peer()].At < int64(nearby)
}

// mayAbort reports whether the RST may be Y's own, which it sent right after its FIN: it acknowledges something (RFC 9293 3.10.5), as no
// answer to an ACK does (3.10.7.1), though some stacks', and has the IP ID of a socket.
func (w *postFINAckRST) mayAbort(y reassembly.Side, rst *reassembly.Mark) bool {
	fin := &w.fin[y]
	return rst.Flags.Has(reassembly.ACK) && rst.At-fin.At < int64(nearby) && (rst.IPID != 0 || fin.IPID == 0)
}

// waitsIn is the state in which the peer of the side had to wait for the ACK of its FIN.
func (w *postFINAckRST) waitsIn(x reassembly.Side, r *detectors.Report) fsm.State {
	fin, _ := r.Conn.FIN(x)
	switch y := x.Peer(); {
	case w.finAck[x].At == 0: // it never got that side's
		return fsm.FinWait1
	case w.fin[y].Ack.AtOrBefore(fin.Seq):
		return fsm.Closing
	}
	return fsm.LastAck
}

// another finds a later segment of the side than the given ACK that the RST may answer; nil if there is none.
func (w *postFINAckRST) another(x reassembly.Side, ack, rst *reassembly.Mark) *reassembly.Mark {
	for i := range min(w.n[x], recentSent) {
		m := &w.sent[x][(w.n[x]-1-i)%recentSent]
		if detectors.SameFrame(m, ack) {
			return nil
		}
		if detectors.Answers(rst, m) {
			return m
		}
	}
	return nil
}

// madeFrom finds the segment of X whose IP ID the RST has, where X counts its packets and Y's FIN has another ID: a host
// has a count of its own.
func (w *postFINAckRST) madeFrom(x reassembly.Side, rst *reassembly.Mark, r *detectors.Report) *reassembly.Mark {
	if fin := &w.fin[x.Peer()]; rst.IPID == 0 || !r.Conn.IPHabits(x).CountsIDs || rst.IPID-fin.IPID <= recentSent {
		return nil
	}
	for i := range min(w.n[x], recentSent) {
		if m := &w.sent[x][i]; m.IPID == rst.IPID {
			return m
		}
	}
	return nil
}
