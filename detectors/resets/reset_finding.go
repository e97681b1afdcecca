package resets

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is reported of a RST that ended a connection.

// report reports the RST as things stand.
func (w *resetCause) report(r *detectors.Report) {
	f := findings.Take()
	w.write(f, r)
	r.Emit(*f)
	findings.Give(f)
}

// culprit is whom the finding is about.
func (c *resetCase) culprit(o *outcome) reassembly.Side {
	if o.peerAtFault != nil && o.peerAtFault(c) {
		return c.side.Peer()
	}
	return c.side
}

// write writes the finding.
func (w *resetCause) write(f *detectors.Finding, r *detectors.Report) {
	c, side, peer := w.last, w.last.side, w.last.side.Peer()
	o := c.cause()
	*f = r.Find(&o.Outcome, c.culprit(o), c.rst.At, c.evidence(r)...)
	f.End = max(c.rst.At, c.continued.At)
	f.At = f.End
	f.States = c.states
	f.Roles = detectors.Roles("resetter", side, "peer")
	f.Measure("resets", max(c.resets[0]+c.resets[1], 1)+c.before.n)
	if c.answers() && !c.oneOf() && !c.oneForSeveral() && !c.oneOfEqual() {
		f.Measure("answer_s", detectors.Seconds(c.rst.At-c.peer.last.At))
	}
	f.Measure("idle_s", detectors.Seconds(c.idle()))
	f.Measure("lost_bytes", int(o.lostBytes(c)))
	f.Message = o.sentence(c)
	if c.continued.At != 0 && !c.survived && !c.peerSent && c.resets[peer] > 0 {
		f.Message += fmt.Sprintf(" %s accepted the RST: it answered with a RST.", c.peer.name)
	}
	switch open := &c.stayedOpen; {
	case open.At == 0 || c.continued.At != 0:
	case c.passedBy(open): // it need not have received the RST
	case c.refusal() && open.Flags.Has(reassembly.SYN): // as Windows does
		f.Message += fmt.Sprintf(" %s tried again, as in frame %d, %s after the RST.", c.peer.name, open.Frame, detectors.Span(open.At-c.rst.At))
	case c.peer.finSent(), c.closesToo:
		f.Message += fmt.Sprintf(" %s still has the connection: it sent frame %d, %s after the RST.", c.peer.name, c.stayedOpen.Frame, detectors.Span(c.stayedOpen.At-c.rst.At))
	default:
		f.Message += fmt.Sprintf(" %s has not closed: it sent frame %d, %s after the RST.", c.peer.name, c.stayedOpen.Frame, detectors.Span(c.stayedOpen.At-c.rst.At))
	}
	if o == handshakeReset && c.sender.stream.Knows(reassembly.KnowISS) && !c.unlikeLast() { // else a scanner wrote the SYN, and sends the same to several
		f.SYN, f.Unasked = &detectors.SYNKey{Client: r.Conn.Endpoint(side), ISN: c.sender.stream.ISS}, !c.sender.synSeen
	}
	if o == idleDrop {
		f.During = c.idleFrom()
	}
	f.Refusal = o == refused && c.refusal()
	o.measures(c, f)
	o.apply(c, f, r)
	w.qualify(o, f, r)
}

// qualify takes the blame from a host that need not have sent the RST.
func (w *resetCause) qualify(o *outcome, f *detectors.Finding, r *detectors.Report) {
	c, side := w.last, w.last.side
	if words := c.standIn(); words != "" && f.Subject == side && f.Fault.NamesHost() {
		f.Fault, f.Message = detectors.FaultUnknown, f.Message+words
	}
	if o == aborted && c.tookAfterFIN() && c.prompt(&c.peer.last, &c.rst) && f.Fault.NamesHost() && r.SpokenFor(side) != "" {
		f.Undecide("what answers for the sender of the RST on this link may have acknowledged the data after the FIN, and the host itself may have answered that data with the RST: its socket was gone")
	}
	if told := c.toldMeanwhile(); told != nil && o == halfOpen {
		f.Evidence = append(f.Evidence, told.Evidence()...)
		f.Fault, f.Message = detectors.FaultUnknown, f.Message+" "+told.Sentence(r.Name(side.Peer()))+" The path had failed by then, and that device may have sent the RST."
	}
	if (o == refused || o == handshakeReset) && c.continued.At != 0 && r.Conn.Limits()&segmentOrigin != 0 {
		f.Undecide("text: something continues after the RST, and the text does not show which of the two is its side's own")
	}
}

func (c *resetCase) evidence(r *detectors.Report) []detectors.Evidence {
	side, peer := c.side, c.side.Peer()
	evidence := append(make([]detectors.Evidence, 0, 3), r.Evidence("RST", side, &c.rst)) // mostly with one segment of each side
	switch last := &c.peer.last; {
	case c.unsent:
		evidence = append(evidence, r.Evidence("SYN-ACK", peer, last))
	case c.behindFIN():
		evidence = append(evidence, r.Evidence("ACK that its own FIN has overtaken", peer, last))
	case c.before.n > 0:
		evidence = append(evidence, r.Evidence("last segment from "+r.Name(peer)+" before it", peer, last))
	case c.amongOthers() && c.early():
		evidence = append(evidence, r.Evidence("last of the data in flight, of which the RST answers a segment", peer, last))
	case c.oneOf():
		evidence = append(evidence, r.Evidence("last of the segments that the RSTs answer", peer, last))
	case c.dataBeforeFIN():
		evidence = append(evidence, r.Evidence("FIN right behind the data that the RST answers", peer, last))
	case c.oneForSeveral(), c.oneOfEqual():
		evidence = append(evidence, r.Evidence("segment that the RST answers, unless that is one just before", peer, last))
	case c.answers(), c.overran(), c.answersLate(), c.madeFromLast(), c.replies() && c.sole():
		evidence = append(evidence, r.Evidence("segment that the RST answers", peer, last))
	case c.replies():
		evidence = append(evidence, r.Evidence("segment that the RST answers, unless it came too late", peer, last))
	case c.silentSince(), c.states[side] == fsm.SynSent && last.Flags.Has(reassembly.SYN|reassembly.ACK):
		evidence = append(evidence, r.Evidence("SYN-ACK", peer, last))
	case last.Len > 0 && c.peer.probe:
		evidence = append(evidence, r.Evidence("last keep-alive before it", peer, last))
	case last.Len > 0 && !c.onlyProbed():
		evidence = append(evidence, r.Evidence("last data before it", peer, last))
	}
	switch last := &c.sender.last; {
	case c.confirms.At != 0:
		evidence = append(evidence, r.Evidence("first RST, challenged", side, &c.confirms))
	case c.ended.At != 0 && c.cause() == aborted:
		evidence = append(evidence, r.Evidence("first RST, out of place", side, &c.ended))
	case c.unsent:
		evidence = append(evidence, r.Evidence("acknowledges what was never sent", side, last))
	case last.Flags.Has(reassembly.FIN) && c.retries > 0:
		evidence = append(evidence, r.Evidence("FIN from "+r.Name(side)+", sent again", side, last))
	case last.Flags.Has(reassembly.FIN):
		evidence = append(evidence, r.Evidence("FIN from "+r.Name(side), side, last))
	case last.At != 0:
		evidence = append(evidence, r.Evidence("last segment from "+r.Name(side)+" before it", side, last))
	}
	if c.before.n > 0 {
		evidence = append(evidence, r.Evidence("first of several RSTs: it answers an earlier segment", side, &c.before.first))
	}
	if c.met.At != 0 && c.crossedData() {
		evidence = append(evidence, r.Evidence("another RST, which answers the data", side, &c.met))
	}
	if c.arrived.At != 0 {
		evidence = append(evidence, r.Evidence("acknowledges data sent before it", peer, &c.arrived))
	}
	if c.twinned() && c.cause() == suspectedInjection {
		evidence = append(evidence, r.Evidence("another RST with its TTL", side, &c.twin))
	}
	if c.guess.At != 0 && c.cause() == suspectedInjection {
		evidence = append(evidence, r.Evidence("another RST, beyond all that was captured", side, &c.guess))
	}
	if c.beyondSYN.At != 0 {
		evidence = append(evidence, r.Evidence("another RST, beyond the SYN", side, &c.beyondSYN))
	}
	if c.synAckAgain.At != 0 && c.cause() == halfOpen {
		evidence = append(evidence, r.Evidence("SYN-ACK, sent again after it", side, &c.synAckAgain))
	}
	if c.continued.At != 0 {
		evidence = append(evidence, r.Evidence("continues after it", side, &c.continued))
	}
	return evidence
}
