package resets

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/middlebox"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// otherSender says that a device on the path sent the RST, if its TTL shows that.
func (c *resetCase) otherSender() string {
	if !c.otherTTL() {
		return ""
	}
	who := "a middlebox, or another host, sent it"
	switch d := int(c.rst.TTL) - int(c.sender.last.TTL); {
	case d >= -routeChange && d <= routeChange:
		who = "a middlebox sent it, or it took another route"
	case !fsm.Unrouted(c.rst.TTL) && fsm.SameHops(c.rst.TTL, c.sender.last.TTL):
		who = "a middlebox sent it, or a host as far away that begins with another TTL, such as another server behind the same load balancer"
	}
	return fmt.Sprintf(" The RST has TTL %d, everything from %s before it has %d: %s.", c.rst.TTL, c.sender.name, c.sender.last.TTL, who)
}

func (c *resetCase) idleDropSentence() string {
	m := fmt.Sprintf("Nothing of the connection was captured for %s", detectors.Span(c.idle()))
	if words := middlebox.Words(c.idle()); words != "" && c.brokeSilence() { // else whoever sent the next segment chose the time
		m += ", " + words
	}
	if c.brokeSilence() {
		m += fmt.Sprintf(". Then a RST with the source address %s came (frame %d).", c.sender.name, c.rst.Frame)
	} else {
		m += fmt.Sprintf(". Then a RST (frame %d) answered %s", c.rst.Frame, c.answered())
		if c.bare() { // RFC 9293 3.10.7.1
			m += ", as from a host that does not know the connection"
		}
		m += "."
	}
	if c.otherTTL() {
		return m + c.otherSender()
	}
	if c.otherDevice() {
		return m + fmt.Sprintf(" The RST has TTL %d, the segment from %s before it %d: a load balancer or another middlebox sent it.", c.rst.TTL, c.sender.name, c.sender.last.TTL)
	}
	if c.itsOwn() && c.brokeSilence() {
		return m + fmt.Sprintf(" Its IP ID, %d, follows those of %s (%d before it): that host itself, or what accepts connections in its place, ended the connection, perhaps when an idle timer expired.",
			c.rst.IPID, c.sender.name, c.sender.last.IPID)
	}
	if c.itsOwn() {
		return m + fmt.Sprintf(" Its IP ID, %d, follows those of %s (%d before it): that host itself had forgotten the connection, or what accepts connections in its place.", c.rst.IPID, c.sender.name, c.sender.last.IPID)
	}
	return m + fmt.Sprintf(" A middlebox, or %s itself, had forgotten the connection.", c.sender.name)
}

// outOfWindowSentence names nobody's host: the RST comes from a device that follows windows.
func (c *resetCase) outOfWindowSentence() string {
	m := fmt.Sprintf("%s from %s (frame %d) end %s beyond the window that %s had offered. A RST without ACK with the source address %[5]s answered them (frame %[6]d), as a stateful firewall does "+
		"(Linux conntrack) for a segment that it calls invalid. %[5]s itself had not closed, and would only have acknowledged such data (RFC 9293 3.10.7.4).",
		inBytes(c.peer.last.Len), c.peer.name, c.peer.last.Frame, inBytes(c.excess()), c.sender.name, c.rst.Frame)
	if c.madeOf {
		m += fmt.Sprintf(" The RST has the IP ID of frame %d, %d: it was made from that packet.", c.peer.last.Frame, c.rst.IPID)
	}
	return m
}

func (c *resetCase) lateAckSentence() string {
	return fmt.Sprintf("Something in front of %s did not recognise %s and answered it with a RST (frame %d); %s itself continued (frame %d).",
		c.sender.name, c.answered(), c.rst.Frame, c.sender.name, c.continued.Frame)
}

// tooSoon says that the RST came much sooner than the sender has answered so far, in the handshake and later, and there is only one segment
// that the RST can answer. A handshake may take half as long again as the quickest answer.
func (c *resetCase) tooSoon() string {
	took, usual := c.rst.At-c.peer.last.At, int64(c.handshakeRTT)
	if srtt := int64(c.peer.srtt); srtt > 0 {
		usual = min(usual, srtt)
	}
	if !c.sole() || took >= usual/2 {
		return ""
	}
	return fmt.Sprintf(", %s after it, though %s takes about %s to answer", detectors.Span(took), c.sender.name, detectors.Span(usual))
}

func (c *resetCase) suspectedInjectionSentence() string {
	m := fmt.Sprintf("A RST with the source address %s (frame %d)", c.sender.name, c.rst.Frame)
	switch {
	case c.continued.At != 0:
		m = fmt.Sprintf("A RST with the source address %s came (frame %d), but %[1]s continued after it (frame %[3]d).", c.sender.name, c.rst.Frame, c.continued.Frame)
	case c.replies():
		m += fmt.Sprintf(" answers %s", c.answered()) + c.tooSoon() + "."
		if c.amongOthers() && c.early() {
			m += fmt.Sprintf(" It came %s after the last, though a round trip to %s takes %s: it answers an earlier one, or something nearer sent it.",
				detectors.Span(c.rst.At-c.peer.last.At), c.sender.name, detectors.Span(int64(c.handshakeRTT)))
		}
	case c.madeFromLast():
		m += fmt.Sprintf(" answers %s, %s after it.", c.answered(), detectors.Span(c.rst.At-c.peer.last.At))
	case c.bare() && c.lost() > 0 && detectors.Answers(&c.rst, &c.peer.last): // any of them, if they were longer in flight
		m += fmt.Sprintf(" crossed %s in flight from %s.", inBytes(c.lost()), c.peer.name)
	case c.peer.last.SeqLen() > 0 && c.peer.stream.Una.Before(c.peer.last.End()) && detectors.Answers(&c.rst, &c.peer.last):
		m += " acknowledges " + c.answered()
		if soon := c.tooSoon(); soon != "" {
			m += soon + "."
		} else {
			m += fmt.Sprintf(", %s after it.", detectors.Span(c.rst.At-c.peer.last.At))
		}
	case c.peer.last.At != 0: // what it answers, if anything, may have been held up, or not captured
		m += fmt.Sprintf(" came %s after the last segment from %s (frame %d).", detectors.Span(c.rst.At-c.peer.last.At), c.peer.name, c.peer.last.Frame)
	default:
		m += fmt.Sprintf(" came to %s.", c.peer.name)
	}
	switch {
	case c.challenging && c.deviceWindow(): // what the peer challenged may have had another TTL than everything else
		m += fmt.Sprintf(" It has TTL %d, frame %d from %s has %d. Its window is %d: a host without the connection sends 0.",
			c.rst.TTL, c.sender.last.Frame, c.sender.name, c.sender.last.TTL, c.rst.Window)
	case c.otherTTL() && c.sender.packets == 2 && c.continued.At == 0:
		m += fmt.Sprintf(" It has TTL %d, the only other segment from %s (frame %d) has %d.", c.rst.TTL, c.sender.name, c.sender.last.Frame, c.sender.last.TTL)
	case c.otherTTL():
		m += fmt.Sprintf(" It has TTL %d, everything from %s before it has %d.", c.rst.TTL, c.sender.name, c.sender.last.TTL)
	case c.continued.TTL != 0 && c.rst.TTL != c.continued.TTL: // what came right before it may be the same injector's
		m += fmt.Sprintf(" It has TTL %d, frame %d has %d.", c.rst.TTL, c.continued.Frame, c.continued.TTL)
	}
	if c.copiesID() {
		return m + fmt.Sprintf(" It has the IP ID of frame %d, %d, as the SYN-ACK from %s has that of the SYN: both were made from packets of %s. A device on the path (a SYN proxy, a filter) answers for %[3]s.",
			c.peer.last.Frame, c.rst.IPID, c.sender.name, c.peer.name)
	}
	if c.twinned() {
		m += fmt.Sprintf(" The RST behind it (frame %d) has the same TTL.", c.twin.Frame)
	}
	if c.guess.At != 0 {
		m += fmt.Sprintf(" Another (frame %d) lies %s beyond all that was captured of %s: a host that has sent a RST does not go on, but injectors guess so, and some devices turn each of its segments into a RST.", c.guess.Frame, inBytes(uint32(c.guess.Seq-c.sender.stream.Nxt)), c.sender.name)
	}
	if c.peersPacket() {
		return m + fmt.Sprintf(" It has the window of frame %d, %d, and its IP ID, %d, is close to the %d of that frame, while %s gave its packets none: it was made from a packet of %s.",
			c.peer.last.Frame, c.rst.Window, c.rst.IPID, c.peer.last.IPID, c.sender.name, c.peer.name)
	}
	if c.peersID() {
		return m + fmt.Sprintf(" Its IP ID, %d, does not follow those of %s (%d before it), but is close to those of %s (%d in frame %d): it was made from a packet of %s.",
			c.rst.IPID, c.sender.name, c.sender.last.IPID, c.peer.name, c.peer.last.IPID, c.peer.last.Frame, c.peer.name)
	}
	if c.otherID() {
		m += fmt.Sprintf(" Its IP ID, %d, is out of sequence: %s counts them, and had used %d before it.", c.rst.IPID, c.sender.name, c.sender.last.IPID)
	}
	if c.noID() && !c.replies() {
		m += fmt.Sprintf(" It has no IP ID, although %s numbers its packets: no socket on that host sent it.", c.sender.name)
	}
	if c.sharedAddress() {
		last := &c.sender.last
		if c.twoMACs {
			last = &c.continued
		}
		return m + fmt.Sprintf(" It came from another source MAC address than frame %d, and no router has forwarded either (TTL %d, %d): two devices on this link use the address.", last.Frame, c.rst.TTL, last.TTL)
	}
	return m + " Another device may have sent it."
}

func (c *resetCase) unexplainedSentence() string {
	if c.inWindow {
		return fmt.Sprintf("A RST with the source address %s came to %s (frame %d), and nothing after it. It is not at the next sequence number.", c.sender.name, c.peer.name, c.rst.Frame)
	}
	m := fmt.Sprintf("A RST with the source address %s ended the connection with %s (frame %d).", c.sender.name, c.peer.name, c.rst.Frame)
	switch {
	case c.beyondSYN.At != 0:
		return m + fmt.Sprintf(" Another (frame %d) followed, without ACK and %s beyond the SYN. A host without the connection gives a RST the number that the segment before it acknowledges (RFC 9293 3.10.7.1).",
			c.beyondSYN.Frame, inBytes(uint32(c.beyondSYN.Seq-c.rst.Seq)))
	case c.halfCaptured():
		return m + " What led to it was not captured."
	}
	return m + " It answers nothing that was captured, and no socket would send it in this form."
}

// standIn says who may have spoken for the sender, if not its host: a NAT or a proxy that ends
// the connections of hosts behind it, or whoever has the TTL of the RST. It is "" if nothing shows that.
func (c *resetCase) standIn() string {
	took := c.rst.At - c.peer.last.At
	switch {
	case c.sender.habits.CopiesID && c.peer.habits.CountsIDs && c.noID() && !c.sender.finSent():
		return fmt.Sprintf(" The SYN-ACK from %s has the IP ID of the SYN: a device on the path (a SYN proxy, a filter) made it from that, and may have sent the RST.", c.sender.name)
	case c.sender.relayed:
		return " " + detectors.RelayedBy(int64(c.handshakeRTT), c.sender.name.String()) + ". Such a device may have sent the RST."
	case c.otherMAC:
		return detectors.OtherDevice("The RST", &c.rst, c.sender.name)
	case c.twoMACs:
		return detectors.TwoDevices("The RST", &c.rst, &c.continued)
	case c.unlikeLast() && c.states[c.side] == fsm.SynSent: // nmap, and whoever else has a raw socket
		return fmt.Sprintf(" The RST has TTL %d, the SYN %d: a program that writes SYNs itself, such as a port scanner, leaves RSTs to its kernel; or a device on the path sent one of them.",
			c.rst.TTL, c.sender.last.TTL)
	case c.states[c.side] == fsm.SynSent && c.rst.TTL != c.sender.last.TTL:
		return fmt.Sprintf(" The RST has TTL %d, the SYN %d: they came on different paths. A device that translates addresses may have forwarded the SYN, and the answer must pass it, too.",
			c.rst.TTL, c.sender.last.TTL)
	case c.unlikeLast(), c.otherHop():
		route := ""
		switch {
		case c.nearer():
			route = "no router has forwarded it, and a NAT that has forgotten the connection, "
		case !c.unlikeLast():
			route = "it took another route, or "
		}
		return fmt.Sprintf(" The RST has TTL %d, the segment from %s before it %d (frame %d): %sa load balancer or another device may have sent it.",
			c.rst.TTL, c.sender.name, c.sender.last.TTL, c.sender.last.Frame, route)
	case c.takesBack():
		return fmt.Sprintf(" The RST advertises a window of %d, less than what %s had offered (%d in frame %d), and no socket takes that back: another device may have sent it.",
			c.rst.Window, c.sender.name, c.sender.last.Window, c.sender.last.Frame)
	case c.refusal() && c.sender.last.At == 0 && took >= slowAnswer:
		return fmt.Sprintf(" It came %s after that, though a closed port answers at once: unless the path was slow, a NAT, a proxy or a firewall whose own attempt failed sent it in the name of that host.", detectors.Span(took))
	case c.refusal() && c.sender.last.At == 0 && c.rst.At-c.first >= ownAttempt:
		return fmt.Sprintf(" Nothing had answered the first SYN, %s before, though a closed port answers at once: unless the SYNs until then were lost or the host was not up, a NAT, a proxy or a firewall whose own attempt had failed sent the RST in its name.",
			detectors.Span(c.rst.At-c.first))
	}
	return ""
}
