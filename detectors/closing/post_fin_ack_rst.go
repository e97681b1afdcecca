package closing

import (
	"cmp"
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// PostFINAckRST reports an ACK, sent after both FINs, that is answered with RST by a
// side which no longer has the connection. RFC 9293 3.10.7.1; KB Q152474.
var PostFINAckRST = &detectors.Detector{
	Name:  "post-fin-ack-rst",
	Needs: fsm.SeqUnknown,
	Doc: detectors.Doc{
		Title: "an ACK after both FINs was answered with RST",
		What: "Both sides have sent FIN. One side, X, acknowledges the other's FIN, and then Y answers a pure ACK from X with RST, " +
			"because it no longer has the connection. X's application may see \"connection reset by peer\" " +
			"(WSAECONNRESET, ECONNRESET) and lose data that it had not read yet.",
		Cause: "redundant-ack: X acknowledged Y's FIN twice. Y was CLOSED after the first ACK, and RFC 9293 3.10.7.1 requires it " +
			"to answer anything later with RST (in Windows NT 3.51, a delayed-ACK timer sent the second ACK). forgotten: Y sent " +
			"FIN and did not wait for its ACK, as some servers and load balancers do, and hosts that crash.",
		Action: "Check X's application for connection-reset errors at this time and for truncated data (bytes_at_risk: what it received in the last second or two). " +
			"Update X's TCP (redundant-ack), or find out why Y, or the middlebox in front of it, drops connections early (forgotten).",
		NotThis: "A RST that answers data, a keep-alive or a retransmitted FIN. A RST from a side that has not closed. The second " +
			"RST after an earlier one. An ACK that a host in TIME_WAIT silently accepted. A half-close, however long, is normal.",
		Peers: "Wireshark marks a duplicate ACK and a RST, and gives no cause.",
		Refs:  []string{"KB Q152474", "RFC 9293 3.10.7.1"},
		Since: "0.1",
	},
	Outcomes:     []*detectors.Outcome{redundantACK, forgotten},
	StartsOn:     fsm.On(fsm.FinSent),
	SubscribesTo: fsm.On(fsm.FinSent, fsm.FinAcked, fsm.FinWithdrawn, fsm.ResetSent, fsm.Sent),
	SkipsClose:   true,
	Watch:        func(*detectors.Report) detectors.Watcher { return new(postFINAckRST) },
}

var (
	redundantACK = &detectors.Outcome{Name: "redundant-ack", Severity: detectors.Warning, Fault: detectors.FaultHost, Needs: fsm.Text, // an ACK from TIME_WAIT has no IP ID
		When: "X acknowledged a FIN that it had already acknowledged, and nothing required another ACK; undecided if both ACKs have the same IP ID, or Y had retransmitted anything"}
	forgotten = &detectors.Outcome{Name: "forgotten", Severity: detectors.Info, Fault: detectors.FaultHost, Needs: fsm.Text, // a TTL tells of a device that sent the RST
		When: "the RST answers the first ACK of Y's FIN: Y did not wait in LAST_ACK"}
)

// recentSent is how many of the last segments of each side are remembered, to find
// the one that a RST answers.
const recentSent = 4

// postFINAckRST runs on every connection that closes, so it stays one flat value.
type postFINAckRST struct {
	fin     [2]reassembly.Mark
	finAck  [2]reassembly.Mark // the first ACK of that side's FIN
	sent    [2][recentSent]reassembly.Mark
	n       [2]int
	needACK [2]bool // since its FIN, that side sent something else that must be acknowledged
	reset   bool
	refused [2]bool         // that side has sent a RST that ended nothing: it answers something earlier
	withACK reassembly.Mark // the RST of a finding, if it acknowledges something
}

func (w *postFINAckRST) Event(ev fsm.Event, r *detectors.Report) {
	if w.reset {
		w.afterReset(ev, r)
		return
	}
	side := ev.Side
	switch ev.Kind {
	case fsm.FinSent:
		w.fin[side] = reassembly.MarkOf(ev.Seg)
	case fsm.FinAcked:
		w.finAck[side] = reassembly.MarkOf(ev.Seg)
		if detectors.SameFrame(&w.finAck[side], &w.fin[side]) { // captured microseconds before the FIN
			w.finAck[side] = r.Conn.Last(side.Peer())
		}
	case fsm.FinWithdrawn:
		w.fin[side], w.finAck[side] = reassembly.Mark{}, reassembly.Mark{}
	case fsm.ResetSent:
		w.reset = true
		rst := reassembly.MarkOf(ev.Seg)
		if !w.refused[side] {
			w.firstReset(side, &rst, r)
		}
	case fsm.Sent:
		if ev.Class == fsm.Rst {
			w.refused[side] = true
			return
		}
		m := reassembly.MarkOf(ev.Seg)
		w.sent[side][w.n[side]%recentSent] = m
		w.n[side]++
		switch {
		case ev.Class == fsm.ChallengeAck: // the other side's SYN required it
			w.needACK[side.Peer()] = true
		case w.fin[side].At != 0 && w.needsACK(side, &m) && !detectors.SameFrame(&m, &w.fin[side]): // also before the first ACK: there may be one for each
			w.needACK[side] = true
		}
	}
}

// needsACK reports whether the segment, which is not its side's FIN, calls for an ACK after that: it begins below
// what comes after the FIN (RFC 9293 3.10.7.4). So do data, another FIN, a keep-alive, and what the side sent before
// its FIN and the capture, and so the peer perhaps, saw later.
func (w *postFINAckRST) needsACK(side reassembly.Side, m *reassembly.Mark) bool {
	return m.Seq.Before(w.fin[side].End())
}

// afterReset looks for a second RST. If the first had the ACK bit and a bare one
// follows, the first was Y's own abort, and only the second is an answer.
func (w *postFINAckRST) afterReset(ev fsm.Event, r *detectors.Report) {
	y, x := ev.Side, ev.Side.Peer()
	if ev.Kind != fsm.Sent || ev.Class != fsm.Rst || w.withACK.At == 0 || ev.Seg.Flags&reassembly.ACK != 0 {
		return
	}
	if ev.Seg.Seq == w.withACK.Seq && ev.Seg.At-w.withACK.At <= int64(r.Conn.RTO(y)) {
		r.Withdraw(w.fin[x].File, w.fin[x].Frame)
	}
	w.withACK = reassembly.Mark{}
}

// firstReset reports Y's RST if it answers a pure ACK that X sent after its FIN.
func (w *postFINAckRST) firstReset(y reassembly.Side, rst *reassembly.Mark, r *detectors.Report) {
	x := y.Peer()
	if w.fin[x].At == 0 || w.finAck[y].At == 0 {
		return
	}
	// While X's FIN is not acknowledged, a RST that fits it answers it.
	if r.Conn.Phase(x) != fsm.PhaseFinAcked && detectors.Answers(rst, &w.fin[x]) {
		return
	}
	ack := w.answered(x, rst, r)
	switch {
	case ack == nil:
	case detectors.SameFrame(ack, &w.finAck[y]):
		w.report(forgotten, y, x, ack, rst, r)
	case r.Before[y] == fsm.Closed && !w.needACK[y] && ack.Ack == w.finAck[y].Ack && !fromTimeWait(&w.fin[x], ack): // one that acknowledges less was overtaken
		w.report(redundantACK, x, x, ack, rst, r)
	}
}

// fromTimeWait reports whether Linux, whose FIN has an IP identification, sent the ACK without the socket, which numbers its
// packets: from TIME_WAIT, in answer to a segment outside the window (tcp_timewait_state_process()).
// The path may have delayed that past the FIN.
func fromTimeWait(fin, ack *reassembly.Mark) bool { return fin.IPID != 0 && ack.IPID == 0 }

// answered finds the pure ACK of X that the RST answers: the latest that fits, and nothing
// else that X sent later fits as well. A RST that comes sooner than Y can answer was
// already under way, for an earlier segment. If no earlier one fits that Y would have
// answered about then, Y is fast: within one machine, a handshake may take longer than a
// RST does. That holds for a RST without ACK, which answers something; one with ACK may be
// a socket's own, and is no answer if it comes too soon for one.
func (w *postFINAckRST) answered(x reassembly.Side, rst *reassembly.Mark, r *detectors.Report) *reassembly.Mark {
	y := x.Peer()
	usual := int64(r.Conn.HandshakeRTT(y))
	bare, soonest := !rst.Flags.Has(reassembly.ACK), usual/4
	if bare && usual >= int64(nearby) && w.finAck[x].At != 0 { // the handshake may have been slower than what came after it
		soonest = min(usual, w.finAck[x].At-w.fin[x].At) / 4
	}
	if srtt := int64(r.Conn.SRTT(x)); usual == 0 && !bare {
		soonest = srtt - srtt/16 // the smallest that paths vary by
		if rst.IPID == 0 && w.fin[y].IPID != 0 {
			soonest = srtt / 4 // a socket of its own would number it: it answers something
		}
	}
	var sooner *reassembly.Mark
	for i := range min(w.n[x], recentSent) {
		m := &w.sent[x][(w.n[x]-1-i)%recentSent]
		if !detectors.Answers(rst, m) {
			continue
		}
		wait := rst.At - m.At
		if wait < soonest {
			if sooner == nil && bare {
				sooner = m
			}
			continue
		}
		if sooner != nil && wait > 4*usual {
			m, wait = sooner, rst.At-sooner.At
		}
		if !isClosingACK(r.Conn, x, m) || wait > int64(r.Conn.RTO(y)) {
			return nil
		}
		return m
	}
	return nil
}

// nearby is how fast a host answers that is so near to the capture point that times do not show which of
// two ACKs its RST answers: a handshake may take longer than a RST does.
const nearby = time.Millisecond

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

// isClosingACK reports whether a segment that the side sent is a pure ACK in order
// after the side's FIN, which acknowledges no more than the peer's FIN. SND.NXT lies
// behind all that was sent, so a segment that begins there was empty.
func isClosingACK(v fsm.View, side reassembly.Side, m *reassembly.Mark) bool {
	_, closed := v.FIN(side)
	peerFIN, _ := v.FIN(side.Peer())
	return closed && m.Seq == v.Stream(side).Nxt && m.Ack.AtOrBefore(peerFIN.Seq+1)
}

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
	f.Measure("bytes_at_risk", int(r.Conn.RecentBytes(y, rst.At)))
	switch after := ack.At - w.finAck[y].At; outcome {
	case redundantACK:
		f.Measure("after_first_ack_s", detectors.Seconds(after))
		f.Message = fmt.Sprintf("%s was CLOSED once %s had acknowledged its FIN (frame %d). %s later %s sent an unnecessary duplicate "+
			"ACK (frame %d), and a RST came back %s after that (frame %d). An application on %s that was still reading may get a "+
			"connection reset instead of the last data.",
			r.Name(y), r.Name(x), w.finAck[y].Frame, detectors.Span(after), r.Name(x), ack.Frame, detectors.Span(rst.At-ack.At), rst.Frame, r.Name(x))
		switch {
		case f.Limits&fsm.Duplicates != 0 && after <= int64(fsm.DuplicateTime):
			f.Undecide("copies: the two ACKs are identical and may be one, captured twice; or the FIN arrived twice, and each had to be acknowledged")
		case ack.IPID == w.finAck[y].IPID && r.Conn.Endpoint(x).AddrPort().Addr().Is4(): // IPv6 has none
			f.Undecide("the two ACKs have the same IP ID, or none: they may be one that the network delivered twice; or the FIN arrived twice, and each had to be acknowledged")
		case r.Conn.Retransmissions(y) > 0:
			f.Undecide("the sender of the RST had retransmitted data before: if both copies arrived, the second called for an ACK of its own, and that ACK may be the one that is said to be redundant")
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
		if f.OnceOf = &x; r.Conn.ArrivedTwice(x) { // the first copy of the ACK was taken in LAST_ACK, the second met a closed socket
			f.ArrivedTwice()
		}
	}
	if made := w.madeFrom(x, rst, r); made != nil {
		f.Undecide(fmt.Sprintf("the RST has the IP ID of an ACK (frame %d): a device on the path made it from that, and the host need not have sent any", made.Frame))
	} else if fin := &w.fin[y]; (fsm.Habits{}).OtherTTL(fin, rst) {
		f.Undecide(fmt.Sprintf("the RST has TTL %d, the FIN (frame %d) %d: a load balancer or another device may have sent it, and the host need not have dropped anything", rst.TTL, fin.Frame, fin.TTL))
	}
	if rst.Flags&reassembly.ACK != 0 {
		w.withACK = *rst
	}
	r.Emit(f)
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
