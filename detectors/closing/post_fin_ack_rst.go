package closing

import (
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
		When: "X acknowledged a FIN that it had already acknowledged, and nothing that reached it can have required another ACK; undecided if the FIN may have arrived twice or out of order (X is not beside the capture point and sent the second ACK within 50 ms, copies, a D-SACK, a retransmission), the capture misses segments, both ACKs have the same IP ID, or the first has that of X's FIN"}
	forgotten = &detectors.Outcome{Name: "forgotten", Severity: detectors.Info, Fault: detectors.FaultHost, Needs: fsm.Text, // a TTL tells of a device that sent the RST
		When: "the RST answers the first ACK of Y's FIN: Y did not wait in LAST_ACK; undecided if the RST's TTL or source MAC address shows another device, or if it has ACK and follows Y's FIN within 1 ms"}
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
	other   bool            // the RST came from another device of the link than all that its side had sent before
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
		w.reset, w.other = true, r.Conn.IPHabits(side).OtherDevice(ev.Seg)
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
	if made := w.madeFrom(x, rst, r); made != nil && detectors.Answers(rst, made) {
		if !isClosingACK(r.Conn, x, made) {
			return nil
		}
		return made
	}
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

// isClosingACK reports whether a segment that the side sent is a pure ACK in order
// after the side's FIN, which acknowledges no more than the peer's FIN. SND.NXT lies
// behind all that was sent, so a segment that begins there was empty.
func isClosingACK(v fsm.View, side reassembly.Side, m *reassembly.Mark) bool {
	_, closed := v.FIN(side)
	peerFIN, _ := v.FIN(side.Peer())
	return closed && m.Seq == v.Stream(side).Nxt && m.Ack.AtOrBefore(peerFIN.Seq+1)
}
