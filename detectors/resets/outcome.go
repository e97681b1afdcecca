package resets

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/middlebox"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// segmentOrigin is what it takes to say that a RST is the host's own and what it
// answers: the IP identification and TTL that tell it from a forged one, and the
// sequence numbers of all segments before it.
const segmentOrigin = fsm.Text | fsm.SeqUnknown

// An outcome is one thing that a RST may mean: what is declared about it, and what
// depends on the case.
type outcome struct {
	detectors.Outcome
	exceptions  []exception                             // to its severity; the first that holds
	doubts      []doubt                                 // the first that holds makes it undecided
	peerAtFault func(*resetCase) bool                   // whether the peer has to be looked at, not the sender
	fault       func(*resetCase) detectors.Fault        // whose it is; nil is as declared
	advice      func(*resetCase) (cause, action string) // in place of what is declared, if not empty
	sentence    func(*resetCase) string                 // for the ticket
	lost        func(*resetCase) uint32                 // the payload that it cost, in bytes; nil is what was in flight
	measure     func(*resetCase, *detectors.Finding)
	absence     func(*resetCase, *detectors.Finding, *detectors.Report) // marks what did not come, if it rests on that
}

type exception struct {
	severity detectors.Severity
	holds    func(*resetCase) bool
}

type doubt struct {
	reason string
	holds  func(*resetCase) bool
}

// doubts go before an outcome's own.
var doubts = []doubt{
	{"one-sided: nothing from the peer was captured before the RST, so it is not known what the RST answers", func(c *resetCase) bool {
		return c.peer.packets == 0
	}},
	{"the RST lies inside the window, but not at the next sequence number: what came before it was not captured, or it is forged, and nothing after it shows whether the connection ended",
		func(c *resetCase) bool { return c.inWindow }},
}

// The sender may have closed with a FIN that was not captured, or have sent no RST.
var (
	onlyAcks       = doubt{"midstream: only ACKs from the sender of the RST were captured before, so it may have closed", (*resetCase).onlyAcks}
	overrunUnknown = doubt{"scale-unknown: the data before the RST may lie beyond the window, and then a firewall that follows windows may have sent the RST", (*resetCase).mayOverrun}
	finUnseen      = doubt{"holes: the last segment from the sender of the RST was acknowledged but not captured, and may have been its FIN", (*resetCase).finMissed}
)

// keepaliveFault accuses nobody where a side had closed: the sender, whose peer sent keep-alives instead of a FIN, or that peer.
func (c *resetCase) keepaliveFault() detectors.Fault {
	if c.closedOnly() {
		return detectors.FaultUnknown
	}
	return detectors.FaultSuspected
}

// staleFault accuses the peer only of what the RST answers, and only if the sender's own
// host says so. Nobody is at fault where the peer may have had to send that: a FIN again, whose ACK
// has not arrived, or an ACK, which what the sender sent again asks for. The network may have held up
// an old duplicate.
func (c *resetCase) staleFault() detectors.Fault {
	switch {
	case c.finOnSYN():
		return detectors.FaultHost
	case c.otherTTL(): // a device, or another member of the service; nothing is lost
		return detectors.FaultUnknown
	case c.replies() && c.overtaken():
		return detectors.FaultPath
	case !c.replies(), !c.closed(), c.peer.last.Flags.Has(reassembly.FIN), c.peer.last.SeqLen() == 0 && !c.peer.probe:
		return detectors.FaultUnknown
	}
	return detectors.FaultHost
}

// overtaken reports whether the peer's last segment is an ACK that acknowledges less than the peer
// had acknowledged before.
func (c *resetCase) overtaken() bool {
	return c.closed() && c.peer.last.SeqLen() == 0 && c.peer.last.Ack.Before(c.sender.stream.Una)
}

// fromTimeWait reports whether the peer's last segment is an ACK that Linux sent from TIME_WAIT, without
// the IP ID of a socket. It does so only if asked (tcp_timewait_state_process()), though what asked
// may have come before something else.
func (c *resetCase) fromTimeWait() bool {
	last := &c.peer.last
	return c.states[c.side.Peer()] == fsm.TimeWait && last.SeqLen() == 0 && last.IPID == 0 && c.peer.habits.Numbered
}

// staleAdvice says what to think of a RST in SYN_RECEIVED, and of one that answers nothing and has another
// TTL than what its sender had sent before.
func (c *resetCase) staleAdvice() (cause, action string) {
	switch {
	case c.finOnSYN():
		return "The application closed its socket, or was killed, while the handshake was under way, and its TCP put the FIN in the place of the SYN.", ""
	case c.tooLate():
		return "The client was away, or the path held up the SYN-ACK or what answers it, for longer than the server repeats its SYN-ACK.",
			"Look for what held up the client or the path at that time; the client has to connect again."
	case c.misacks():
		return "An ACK of an older connection of these ports arrived late, a device on the path sends on here what is for another address, or something on the path, such as a firewall that randomises sequence numbers, changes them in one direction only.",
			"Capture on the side that sent the ACK: if it sends the right number there, look for what rewrites it on the way."
	case !c.closed():
		return "", ""
	case c.unlikeLast() && !c.replies(), !c.bare() && c.madeFromLast():
		return "A device on the path (a load balancer, a NAT, a firewall) or another member of the service sent it, in answer to a late segment or of its own accord.",
			"No action needed: both sides had closed."
	case !c.bare() && c.inPlace() && !c.replies():
		cause = "The application aborted what it had closed before (SO_LINGER 0, or it left data unread), or a timer of its host expired."
		if !c.unasked() {
			cause += " Or a small TCP answered an ACK so, as it had forgotten the connection."
		}
		return cause, "No action needed: both sides had closed."
	}
	return "", ""
}

// secondFIN is by how much the number of the peer's last segment, another FIN, differs from
// that of its first; 0 if it has the same.
func (c *resetCase) secondFIN() int32 {
	last := &c.peer.last
	if !last.Flags.Has(reassembly.FIN) || !c.peer.finSent() {
		return 0
	}
	return c.peer.fin.Seq.To(last.End() - 1)
}

func (c *resetCase) measureIdle(f *detectors.Finding) {
	if s := middlebox.OnTheDot(c.idle()); s > 0 && c.brokeSilence() {
		f.Measure("idle_default_s", float64(s))
	}
}

func (c *resetCase) measureTTL(f *detectors.Finding) {
	f.Measure("ttl", int(c.rst.TTL))
	if c.sender.last.At != 0 {
		f.Measure("ttl_before", int(c.sender.last.TTL))
	}
}

// lostBytes is how much payload the RST cost, as the sentence says it.
func (o *outcome) lostBytes(c *resetCase) uint32 {
	if o.lost != nil {
		return o.lost(c)
	}
	return c.inFlight()
}

// measures adds what is measured of this outcome only.
func (o *outcome) measures(c *resetCase, f *detectors.Finding) {
	if o.measure != nil {
		o.measure(c, f)
	}
}

// apply gives the finding what depends on the case: severity, doubts.
func (o *outcome) apply(c *resetCase, f *detectors.Finding, r *detectors.Report) {
	for i := range o.exceptions {
		if x := &o.exceptions[i]; x.holds(c) {
			f.Severity = x.severity
			break
		}
	}
	if o.fault != nil {
		f.Fault = o.fault(c)
	}
	if o.advice != nil {
		f.Cause, f.Action = o.advice(c)
	}
	for _, list := range [...][]doubt{doubts, o.doubts} {
		for i := range list {
			if d := &list[i]; d.holds(c) {
				f.Undecide(d.reason)
				return
			}
		}
	}
	if o.absence != nil {
		o.absence(c, f, r)
	}
}
