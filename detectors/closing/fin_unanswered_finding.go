package closing

import (
	"fmt"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is reported of a FIN that nothing acknowledges.

// leastRetries is how often a host retransmits a FIN at least before it gives up: Windows five times
// (TcpMaxDataRetransmissions), Linux eight (net.ipv4.tcp_orphan_retries), unless an ICMP error says that it is no use.
const leastRetries = 3

// report reports the FIN as things stand at trace time now.
func (w *finUnanswered) report(side reassembly.Side, outcome *detectors.Outcome, now int64, r *detectors.Report, more ...detectors.Evidence) {
	s := w.of(side)
	evidence := []detectors.Evidence{r.Evidence("FIN", side, &s.first)}
	if !detectors.SameFrame(&s.last, &s.first) {
		evidence = append(evidence, r.Evidence("last FIN", side, &s.last))
	}
	icmp := s.icmp.Since(s.first.At)
	f := r.Find(outcome, side.Peer(), now, slices.Concat(evidence, icmp.Evidence(), more)...)
	open := outcome != unansweredLate && outcome != unansweredReset && s.reset.At == 0
	if open {
		f.States = r.StatesNow(now)
		f.At = min(now, max(w.patient(side, r), s.since(outcome)))
	}
	f.End = now
	f.Roles = detectors.Roles("closer", side, "peer")
	f.Measure("sends", s.sends)
	f.Measure("first_interval_s", detectors.Seconds(s.gaps[0]))
	f.Measure("last_interval_s", detectors.Seconds(s.gaps[1]))
	f.Measure("backoff", detectors.Backoff(s.gaps[0], s.gaps[1], s.sends))
	f.Measure("duration_s", detectors.Seconds(now-s.first.At))
	f.Measure("silence_s", detectors.Seconds(now-s.last.At))
	if r.Conn.Packets(side.Peer()) > 0 {
		f.Measure("peer_silence_s", detectors.Seconds(now-max(r.Conn.Last(side.Peer()).At, r.Conn.First())))
	}
	icmp.Measure(&f)
	if last := r.Conn.Last(side.Peer()); (outcome == unansweredExhausted || outcome == unansweredTrying) && last.At > s.first.At {
		f.Cause = causeHeard
	}
	if last := reassembly.MarkOf(&f.Evidence[len(f.Evidence)-1].Seg); s.deaf.At != 0 && (outcome == unansweredExhausted || outcome == unansweredTrying ||
		outcome == unansweredReset && !detectors.Answers(&last, &s.last)) {
		f.Cause = causeDeaf
		if open && f.States[side.Peer()] == fsm.FinWait2 { // the ACK of its FIN did not arrive either
			f.States[side.Peer()] = fsm.FinWait1
		}
	}
	switch {
	case (open || outcome == unansweredReset && s.reset.At != 0) && detectors.OnlyMade(r.Conn, side.Peer()):
		f.Cause = detectors.CauseProxy
	case s.copied:
		f.Cause = causeCopied
	case outcome == unansweredReset && s.reset.At != 0 && r.Conn.Packets(side.Peer()) == 0:
		f.Cause = causeUnseen
		if fin, _ := r.Conn.FIN(side); s.reset.Flags&reassembly.ACK == 0 && s.reset.Seq.AtOrBefore(fin.Seq) {
			f.Cause = causeAnswers
		}
	case outcome == unansweredReset && s.reset.At == 0 && f.Cause == "":
		f.Cause = causeForgotten
		if rst := &f.Evidence[len(f.Evidence)-1].Seg; acksOnlyBefore(rst, side, r.Conn) {
			f.Cause = causeEarlier
		} else if s.ttl != 0 {
			f.Cause += inItsPlace
		}
	case outcome == unansweredReset && s.reset.At != 0 && f.Cause != causeDeaf && f.Evidence[len(f.Evidence)-1].Seg.Flags&reassembly.ACK != 0 && s.gaveUp:
		f.Cause = causeGaveUp
	case outcome == unansweredUnaware && s.reset.At > s.unaware.At: // which may have reached it
		f.Severity = detectors.Warning
	case open && f.Cause == "" && w.mayBeClosed(side, r):
		f.Cause = causeForged
	}
	if outcome == unansweredUnaware {
		w.peerGoesOn(side, &f, r)
	}
	switch {
	case outcome == unansweredLate:
		f.Outage = &detectors.Outage{From: r.Conn.Endpoint(side), To: r.Conn.Endpoint(side.Peer()), Start: s.first.At, End: now, Frame: f.Evidence[len(f.Evidence)-1].Seg.Frame}
	case outcome == unansweredUnaware && s.reset.At == 0 && s.heard > s.last.At: // one FIN may have been lost before
		f.Outage = &detectors.Outage{From: r.Conn.Endpoint(side), To: r.Conn.Endpoint(side.Peer()), Start: s.second, End: s.last.At}
	}
	f.Message = w.message(side, outcome, now, &f, icmp, r)
	f.Unanswered = f.Quiet != nil // nor was anything else
	if early := w.patient(side, r) - now; open && s.sends == 2 && s.last.At-s.first.At <= int64(fsm.DuplicateTime) {
		f.Undecide("copies: the two FINs may be one that was captured twice; then it was never retransmitted")
	} else if open && early > 0 {
		f.Undecide(fmt.Sprintf("the capture ends %s too soon to call the FIN unanswered", detectors.Span(early)))
	} else if outcome == unansweredExhausted && s.sends <= leastRetries && icmp == nil {
		f.Undecide(fmt.Sprintf("the closer retransmitted the FIN only %s, and hosts seldom give up so early: an ACK, or more retransmissions, may be missing from the capture", detectors.Times(s.sends-1)))
	} else if s.unseen && outcome != unansweredLate {
		f.Undecide("the closer acknowledges what the capture does not have of its peer: that may have acknowledged the FIN, too")
	} else if open {
		r.Absence(&f, s.first.At)
	}
	switch {
	case outcome == unansweredExhausted: // the capture must go on with these hosts, and not miss the last ACK
		f.Silence = detectors.NewSilence(r.Conn, s.last.At+s.gaps[1], s.overdue())
		f.Silence.Stopped = true
		fallthrough
	case outcome == unansweredTrying && s.sends <= leastRetries:
		f.Lossless = detectors.NewLossless(r.Conn, false, s.last.At, s.last.At+int64(r.Conn.RTO(side)))
	}
	if outcome == unansweredTrying && f.Cause == "" && s.sends < fewSends && icmp == nil { // the message asks whether it has one
		f.Cause = causeFew
	}
	w.due[side].Emit(f, r)
}

func (w *finUnanswered) message(side reassembly.Side, outcome *detectors.Outcome, now int64, f *detectors.Finding, icmp *detectors.ICMPErrors, r *detectors.Report) string {
	s := w.of(side)
	own, peer := r.Name(side), r.Name(side.Peer())
	least := "" // the capture may begin after the first FIN
	if f.Limits&fsm.Midstream != 0 && s.first.At == r.Conn.First() {
		least = "at least "
	}
	m := fmt.Sprintf("%s sent FIN %s%d times in %s (frames %d to %d), at intervals of %s to %s.",
		own, least, s.sends, detectors.Span(s.last.At-s.first.At), s.first.Frame, s.last.Frame, detectors.Span(s.spread[0]), detectors.Span(s.spread[1]))
	if s.sends == 2 {
		m = fmt.Sprintf("%s sent FIN %stwice, %s apart (frames %d and %d).", own, least, detectors.Span(s.gaps[0]), s.first.Frame, s.last.Frame)
	}
	end, spoke := &f.Evidence[len(f.Evidence)-1].Seg, r.Conn.Bytes(side.Peer()) > 0 || r.Conn.Phase(side.Peer()) >= fsm.PhaseFinSent
	switch {
	case outcome == unansweredLate:
		m += fmt.Sprintf(" %s acknowledged it only after %s%s (frame %d)", peer, least, detectors.Span(now-s.first.At), end.Frame)
		if s.echoed {
			return m + fmt.Sprintf(". That ACK echoes the timestamp of the first FIN (frame %d), which arrived: it was held up, or its ACK was held up or lost.", s.first.Frame)
		}
		return m + ": the FINs before, or their ACKs, were lost or held up."
	case outcome == unansweredReset:
		who := peer
		if end.Src == r.Conn.Endpoint(side) {
			who = own
		}
		if last := r.Conn.Last(side.Peer()); who == own && last.Len > 0 && last.At > s.last.At && end.Seq == last.Ack && end.Flags&reassembly.ACK == 0 {
			return m + fmt.Sprintf(" It was never acknowledged. After %s%s, data came from %s (frame %d), and the closed socket answered with RST (frame %d).",
				least, detectors.Span(now-s.first.At), peer, last.Frame, end.Frame)
		}
		if s.copied {
			return m + fmt.Sprintf(" %s never acknowledged it. After %s%s, a RST with its address (frame %d) ended the connection: it has the IP ID of the segment from %s that it answers, so a device on the path made it from that.",
				peer, least, detectors.Span(now-s.first.At), end.Frame, own)
		}
		never := "It was never acknowledged"
		switch f.Cause {
		case causeUnseen:
			never = "No ACK of it arrived"
		case causeForgotten, causeForgotten + inItsPlace:
			never = "No ACK of it was captured"
		case causeAnswers:
			return m + fmt.Sprintf(" After %s%s, %s answered a segment from %s that is not in the capture with RST (frame %d): without ACK, that has the number which the segment acknowledged, %s. "+
				"So %[4]s was alive, and had not received the FIN when it sent that.", least, detectors.Span(now-s.first.At), own, peer, end.Frame, before(end.Seq, side, r))
		}
		ended := fmt.Sprintf(", and after %s%s, %s ended the connection with RST (frame %d).", least, detectors.Span(now-s.first.At), who, end.Frame)
		if (f.Cause == causeUnseen || f.Cause == causeGaveUp) && r.Conn.Last(side.Peer()).At <= s.first.At {
			f.Quiet, f.Asker = &detectors.Quiet{Since: s.first.At, First: "FIN", Guess: " " + never + ended, Up: " The FIN was never acknowledged" + ended, Spoke: spoke}, r.Asker(side)
		}
		m += " " + never + ended
		if f.Cause == causeForgotten+inItsPlace {
			m += fmt.Sprintf(" Its TTL is %d, that of what %s had sent before %d.", end.TTL, peer, s.ttl)
		}
		if f.Cause == causeEarlier {
			m += " That acknowledges only what came before the FIN."
		}
		if f.Cause == detectors.CauseProxy {
			m += madeBy(peer)
		}
		if f.Cause == causeDeaf {
			m += fmt.Sprintf(" %s had retransmitted what %s had acknowledged before its FIN (last in frame %d): nothing from %[2]s reached it any more.", peer, own, s.deaf.Frame)
		}
		return m
	case f.Cause == causeRefused:
		m += fmt.Sprintf(" %s answered %d of them with an ACK of only what came before (the last in frame %d): they arrive there, and are not accepted.", peer, s.refused, s.refusal.Frame)
	case outcome == unansweredUnaware:
		m += fmt.Sprintf(" %s received none of them, or ignores them: %s after the FIN, it still sends segments that acknowledge only what came before (frame %d).",
			peer, detectors.Span(s.unaware.At-s.first.At), s.unaware.Frame)
		if fsm.Unrouted(s.unaware.TTL) {
			m += fmt.Sprintf(" These have passed no router (TTL %d): little more than its own link lies between it and the capture point.", s.unaware.TTL)
		}
		switch {
		case s.reset.At > s.unaware.At:
			return m + fmt.Sprintf(" Then %s ended the connection with RST (frame %d).", own, s.reset.Frame)
		case s.reset.At != 0 && s.gaveUp:
			return m + fmt.Sprintf(" Nor did the RST with which %s gave up (frame %d%s) end it: %s is left in %s.", own, s.reset.Frame, s.laterRSTs(), peer, f.States[side.Peer()])
		case s.reset.At != 0:
			return m + fmt.Sprintf(" Nor did the RST of %s (frame %d%s) end it: %s is left in %s.", own, s.reset.Frame, s.laterRSTs(), peer, f.States[side.Peer()])
		}
	default:
		m += fmt.Sprintf(" %s has not acknowledged it", peer)
		if last := r.Conn.Last(side.Peer()); last.At <= s.first.At {
			m += ", nor sent anything else on this connection since"
			if w.cut {
				m += ", until the capture was interrupted"
			}
			m += "."
		} else {
			m += fmt.Sprintf(": what it sent since then, the last of it %s after the first FIN (frame %d), acknowledges only what came before.",
				detectors.Span(last.At-s.first.At), last.Frame)
		}
		if f.Cause == causeDeaf {
			m += fmt.Sprintf(" %s retransmits what %s had acknowledged before its FIN (last in frame %d): nothing from %[2]s reaches it any more.", peer, own, s.deaf.Frame)
		}
	}
	if icmp != nil {
		m += " " + icmp.Sentence(own) + " " + icmp.Meaning(own, peer)
	}
	left := "is left"
	if w.cut {
		left = "was"
	}
	if now >= s.overdue() {
		left = "was"
		m += fmt.Sprintf(" %s has not sent the FIN again for %s, though it was due: it gave up, or its host was cut off.", own, detectors.Span(now-s.last.At))
	}
	if f.Cause == detectors.CauseProxy {
		return m + fmt.Sprintf(" %s %s in %s.", own, left, f.States[side]) + madeBy(peer)
	}
	if f.Cause == causeForged {
		return m + fmt.Sprintf(" Before, a RST with its address (frame %d) had come to %s, which has sent nothing since. %[3]s %[4]s in %[5]s; %[2]s closed the connection if it accepted that.",
			w.rst[side].Frame, peer, own, left, f.States[side])
	}
	silent, gone := r.Conn.Last(side.Peer()).At <= s.first.At, ""
	switch {
	case silent && left == "was":
		gone = ", if it still had the connection"
	case silent:
		gone = ", if it still has the connection"
	}
	states := fmt.Sprintf(" %s %s in %s, %s in %s%s.", own, left, f.States[side], peer, peerState(side.Peer(), f, r), gone)
	if f.Cause == "" && icmp == nil && silent {
		f.Quiet, f.Asker = &detectors.Quiet{Since: s.first.At, First: "FIN", Guess: states, Up: states, Spoke: spoke}, r.Asker(side)
	}
	return m + states
}

// acksOnlyBefore reports whether the peer's RST acknowledges what had been acknowledged, or more, and not the FIN of the side: who sends one by itself
// gives the number that is due next (RFC 9293 3.10.5); one that answers a FIN has no ACK (3.10.7.1).
func acksOnlyBefore(rst *reassembly.Segment, side reassembly.Side, v fsm.View) bool {
	fin, _ := v.FIN(side)
	out := v.Stream(side)
	known := out.Knows(reassembly.KnowUna) && out.Una.AtOrBefore(rst.Ack) && rst.Ack.Before(fin.Seq)
	return rst.Flags&reassembly.ACK != 0 && (known || rst.Ack == fin.Seq)
}

// before says how a number lies to the side's FIN.
func before(seq reassembly.Seq, side reassembly.Side, r *detectors.Report) string {
	if fin, _ := r.Conn.FIN(side); seq != fin.Seq {
		return detectors.Counted(uint32(fin.Seq-seq), "byte", "bytes") + " before the FIN"
	}
	return "that of the FIN"
}

// madeBy says that only a device has answered for the peer.
func madeBy(peer string) string {
	return fmt.Sprintf(" Whether %s has the connection is not known: its SYN-ACK has the IP ID of the SYN, so a device on the path made it.", peer)
}

// peerGoesOn says what follows from what a peer sends that never received the FIN: it is in a state from before that, whatever RSTs of
// the closer it should have received since. One that has closed, too, gives up in the end, and its application waits for nothing.
func (w *finUnanswered) peerGoesOn(side reassembly.Side, f *detectors.Finding, r *detectors.Report) {
	s, peer := w.of(side), side.Peer()
	closed := r.Conn.Phase(peer) >= fsm.PhaseFinSent
	if closed {
		f.Severity, f.Cause, f.Action = detectors.Warning, causeBoth, actionBoth
	}
	if fsm.Unrouted(s.unaware.TTL) {
		f.Fault, f.Cause = detectors.FaultUnknown, causeOnLink
	}
	switch {
	case s.reset.At > s.unaware.At:
	case s.reset.At != 0 && closed && (s.unaware.SeqLen() > 0 || r.Conn.Phase(peer) == fsm.PhaseFinSent):
		f.States[peer] = fsm.FinWait1
	case s.reset.At != 0 && closed:
		f.States[peer] = fsm.FinWait2
	case s.reset.At != 0:
		f.States[peer] = fsm.Established
	case s.isRefused():
		f.Cause, f.Action, f.Fault = causeRefused, "", detectors.FaultUnknown
	}
}

// mayBeClosed reports whether the peer has sent nothing since a RST in the name of the side, which went on: what the side
// did not send itself closes a connection, too, if the number is right (RFC 9293 3.10.7.4).
func (w *finUnanswered) mayBeClosed(side reassembly.Side, r *detectors.Report) bool {
	rst := &w.rst[side]
	return rst.At != 0 && rst.At < w.of(side).first.At && r.Conn.Last(side.Peer()).At <= rst.At
}

// peerState is the state of the peer. It is in FIN_WAIT_2 only if the ACK of its own FIN arrived,
// which nothing shows as long as it does not acknowledge the FIN.
func peerState(peer reassembly.Side, f *detectors.Finding, r *detectors.Report) string {
	state := f.States[peer]
	if _, bounded := r.Conn.State(peer, f.End, r.Settings.TimeWait); state != fsm.FinWait2 || !bounded {
		return state.String()
	}
	return fmt.Sprintf("%s or %s", fsm.FinWait1, fsm.FinWait2)
}
