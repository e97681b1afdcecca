package resets

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Whose the RST is, by the marks that it bears: TTL, IP ID, window.

// withoutSocket reports whether a RST with ACK is what lwIP and other small stacks send
// for a connection that they do not have (lwIP tcp_input: tcp_rst without a PCB): at
// exactly SEG.ACK, for exactly SEG.SEQ+SEG.LEN of data or FIN that nothing else acknowledged.
// Of several segments, it answers each. A socket that closes with unread data sends the same
// numbers; but it does not take back window that it had offered, nor begin to count its IP IDs anew.
func (c *resetCase) withoutSocket() bool {
	last := &c.peer.last
	return !c.bare() && last.SeqLen() > 0 && last.Flags.Has(reassembly.ACK) && c.rst.Seq == last.Ack && (c.rst.Ack == last.End() || c.rst.Ack == last.Seq) &&
		c.peer.stream.Knows(reassembly.KnowUna) && c.peer.stream.Una.Before(c.rst.Ack) && !c.sender.finSent() &&
		(c.otherWindow() || c.restartedIDs())
}

// otherWindow reports whether the RST advertises a window, and one that takes back what
// its sender had offered. A RST of a socket advertises none, or what is left of it. The window of a SYN-ACK is
// not scaled, as those after it are (RFC 7323 2.2): a socket may offer less than that right after it.
func (c *resetCase) otherWindow() bool {
	if c.sender.last.Flags.Has(reassembly.SYN) && c.sender.scale > 0 {
		return false
	}
	in := &c.peer.stream
	edge := c.rst.Ack + reassembly.Seq(uint32(c.rst.Window)<<c.sender.scale)
	return !c.bare() && c.rst.Window > 0 && c.sender.windowsCompare() && !c.sender.window.Shrunk && in.Knows(reassembly.KnowEdge) && edge.To(in.Edge) >= int32(1)<<c.sender.scale
}

// takesBack reports whether the RST advertises a window that ends before that of the sender's last segment did, whatever the
// scale: no socket takes window back (RFC 9293 3.8.6).
func (c *resetCase) takesBack() bool {
	own := &c.sender.last
	fall := int64(own.Window) - int64(c.rst.Window)
	return !c.bare() && c.rst.Window != 0 && own.At != 0 && !own.Flags.Has(reassembly.SYN) && fall >= 2 && int64(c.rst.Ack-own.Ack) < fall-1
}

// strangeWindow reports whether the RST advertises a window that is not the one that the sender had last: no socket of its sent it, and
// another host may have.
func (c *resetCase) strangeWindow() bool {
	own := &c.sender.last
	return c.otherWindow() || !c.bare() && c.rst.Window != 0 && own.At != 0 && !own.Flags.Has(reassembly.SYN) && c.rst.Window != own.Window
}

// otherTTL reports whether the RST has another TTL than everything else of the sender.
func (c *resetCase) otherTTL() bool {
	return c.sender.habits.OtherTTL(&c.sender.last, &c.rst) && !c.kernelsTTL() && !c.otherRoute()
}

// routeChange is by how much a TTL may differ because packets now take another route.
const routeChange = 2

// otherRoute reports whether the RST has nearly the TTL of the sender's last segment, and the very next IP ID: one host sent
// both, and its route has changed.
func (c *resetCase) otherRoute() bool {
	d := int(c.rst.TTL) - int(c.sender.last.TTL)
	return d >= -routeChange && d <= routeChange && c.sender.habits.CountsIDs && c.sender.last.IPID != 0 && c.rst.IPID == c.sender.last.IPID+1
}

// kernelsTTL reports whether the RST has another TTL only because its host writes those without a socket with another
// (Linux 2.2: 255): it answers a segment, has passed as many routers as the sender's last, and its IP ID goes on from that.
func (c *resetCase) kernelsTTL() bool {
	last := &c.peer.last
	return c.bare() && c.rst.TTL > 128 && c.countsOn() && detectors.Answers(&c.rst, last) && c.prompt(last, &c.rst) &&
		fsm.SameHops(c.sender.last.TTL, c.rst.TTL)
}

// unlikeLast reports whether the RST comes from another device than the sender's last segment,
// by its TTL, though not all before may have had one: a load balancer that answers SYNs
// itself speaks in its name, too.
func (c *resetCase) unlikeLast() bool {
	return fsm.Habits{}.OtherTTL(&c.sender.last, &c.rst) && !c.kernelsTTL() && !c.otherRoute()
}

// otherHop reports whether the RST comes from a side that had long been silent, with another TTL, be it by one,
// than all that the side had sent before: it need not come from the same host, nor by the same route. If no router has forwarded the
// RST, but all before, it need not have been silent: a router does so in its own name or, with NAT, in the host's.
func (c *resetCase) otherHop() bool {
	last := &c.sender.last
	return last.At != 0 && c.rst.TTL != last.TTL && !c.sender.habits.VariesTTL && (c.rst.At-last.At >= minQuiet || c.nearer()) && !c.kernelsTTL() && !c.itsOwn()
}

// nearer reports whether the RST has the TTL with which hosts begin, and the sender's last segment one or two less.
func (c *resetCase) nearer() bool {
	return fsm.Unrouted(c.rst.TTL) && c.rst.TTL > c.sender.last.TTL && c.rst.TTL-c.sender.last.TTL <= routeChange
}

// deviceWindow reports whether the RST without ACK has another TTL than all that the sender has sent, and a window: a host without
// the connection advertises none (Linux tcp_v4_send_reset(), BSD tcp_respond()), so that a device on the path sent it, whatever it answers.
func (c *resetCase) deviceWindow() bool { return c.bare() && c.rst.Window != 0 && c.otherTTL() }

// goesOnElsewhere reports whether the sender continues with the TTL of its SYN, and the RST has one that no host at
// that distance sends: whatever the two begin with, they have not passed as many routers. A program that writes SYNs
// itself and its kernel have.
func (c *resetCase) goesOnElsewhere() bool {
	return c.continued.At != 0 && c.continued.TTL == c.sender.last.TTL && c.unlikeLast() && !fsm.SameHops(c.sender.last.TTL, c.rst.TTL)
}

// otherDevice reports whether such a RST ends a silence. It advertises a window, and not the
// socket's.
func (c *resetCase) otherDevice() bool {
	return c.brokeSilence() && c.rst.Window != 0 && c.rst.Window != c.sender.last.Window && c.unlikeLast()
}

// otherID reports whether the sender counts its IP IDs, and that of the RST is not next. A little less than the last is a
// packet that came late.
func (c *resetCase) otherID() bool {
	return c.sender.habits.OtherID(&c.sender.last, &c.rst) && c.sender.last.IPID-c.rst.IPID-1 >= idNear
}

// onlyID reports whether nothing but its IP ID speaks against a RST without ACK that has the number of the peer's last
// segment: a host without the connection may number it by another count (Linux before 4.4: one for each destination).
func (c *resetCase) onlyID() bool {
	return c.bare() && c.otherID() && !c.otherTTL() && !c.copiesID() && !c.peersID() && c.guess.At == 0 && c.continued.At == 0 &&
		detectors.Answers(&c.rst, &c.peer.last) && !(c.early() && c.peer.last.SeqLen() > 0)
}

// ownWindow reports whether the RST has all that a socket would give it: besides SEQ and
// ACK, the window that the sender had offered. Who forges a RST has no use for that, and
// leaves it 0; a load balancer that ends an idle connection has it.
func (c *resetCase) ownWindow() bool {
	last := &c.sender.last
	return !c.bare() && c.atNxt() && c.rst.Ack == last.Ack && c.rst.Window == last.Window && c.rst.Window != 0
}

// sharedAddress reports whether the RST and the sender's own segments came from two devices of the capture's link, by their link-layer
// addresses, and no router has forwarded either: both use the address.
func (c *resetCase) sharedAddress() bool {
	own := &c.sender.last
	if c.twoMACs {
		own = &c.continued
	}
	return (c.otherMAC || c.twoMACs) && fsm.Unrouted(c.rst.TTL) && fsm.Unrouted(own.TTL)
}

// minQuiet is the least silence after which a RST that has all of a socket may be a load
// balancer's, in nanoseconds. None of note is set to less.
const minQuiet = int64(10 * time.Second)

// foreign reports whether the RST is not marked as the sender marks its packets, and
// nothing else speaks for the sender.
func (c *resetCase) foreign() bool {
	switch {
	case c.copiesID(), c.copiesLast(), c.peersPacket():
		return true
	case c.otherTTL():
		return !c.refusesFIN() && (!c.ownWindow() || !c.brokeSilence() || c.idle() < minQuiet)
	case c.otherID():
		return !c.ownWindow() && !c.answers() && !c.countedApart()
	}
	return false
}

// countedApart reports whether Linux may have given the RST an IP ID from another count than the connection's, as it does to what
// no socket sends: its sender had closed, and the RST goes on from there; or the ID is right behind that of another RST, with which
// the sender, which had closed, answers an earlier segment.
func (c *resetCase) countedApart() bool {
	if c.bare() && c.sender.finSent() && c.atNxt() && !c.peersID() {
		return true
	}
	return c.before.n > 0 && c.before.first.IPID != 0 && c.rst.IPID-c.before.first.IPID-1 < idNear && !c.peersID()
}

// noID reports whether the sender counts its IP IDs, and the RST has none. Linux
// answers so for sockets that are gone; but no socket sends such a RST.
func (c *resetCase) noID() bool {
	return c.sender.last.At != 0 && c.sender.habits.CountsIDs && c.rst.IPID == 0
}

// smallStep is by how much the IP ID of a host that counts for all its connections goes up from one packet of a connection
// to the next; drawn at random, one in 64 does.
const smallStep = 1024

// countsOn reports whether the sender's IP IDs counted up, and that of the RST goes on from there: it seems that the same
// host sent it, and has not been restarted.
func (c *resetCase) countsOn() bool {
	last := &c.sender.last
	return c.sender.habits.Numbered && last.IPID != 0 && c.rst.IPID != 0 && c.rst.IPID-last.IPID-1 < smallStep
}

// goesOn reports whether the RST goes on from what its sender sent, in its number, IP ID and TTL: that host had the connection.
func (c *resetCase) goesOn() bool { return c.atNxt() && c.countsOn() && !c.unlikeLast() }

// itsOwn reports whether the RST seems to be its host's own, by its IP ID and its TTL: nothing between has made it.
func (c *resetCase) itsOwn() bool {
	return c.countsOn() && c.rst.TTL == c.sender.last.TTL || c.otherRoute()
}

// answersUnseen reports whether the RST has no IP ID, and lies where an ACK of the sender's data in flight would put the answer of a
// host without the connection; that ACK is not in the capture.
func (c *resetCase) answersUnseen() bool {
	return c.bare() && c.noID() && c.atNxt() && c.sender.unacked(nil) > 0 && !c.otherTTL() && !c.copiesID() && c.guess.At == 0 && c.continued.At == 0
}

// firstIDs is how many packets a host that was restarted may have sent before the RST,
// and maxStep how far the IP ID of one that was not restarted moves on.
const (
	firstIDs = 64
	maxStep  = 4096
)

// restartedIDs reports whether the sender counts its IP IDs, and has begun anew.
func (c *resetCase) restartedIDs() bool {
	return c.sender.habits.CountsIDs && c.rst.IPID < firstIDs && c.rst.IPID-c.sender.last.IPID > maxStep
}

// idNear is how far the IP ID of a RST may lie behind that of the peer's last packet if
// it was made of one of the peer's.
const idNear = 64

// peersID reports whether the RST has the IP ID of one of the peer's last packets, which
// the peer counts: it was made of that packet.
func (c *resetCase) peersID() bool {
	return (c.otherID() || c.copiesLast()) && c.peer.habits.CountsIDs && c.peer.last.IPID-c.rst.IPID <= idNear
}

// copiesLast reports whether the RST has the IP ID and the window of the peer's last packet, which counts its IDs, and
// another TTL than what the sender sent before: however long ago that was, it was made from that packet.
func (c *resetCase) copiesLast() bool {
	last := &c.peer.last
	return c.rst.IPID != 0 && c.rst.IPID == last.IPID && c.peer.habits.CountsIDs && c.rst.Window != 0 && c.rst.Window == last.Window && c.unlikeLast()
}

// peersPacket reports whether the RST has the window, and about the IP ID, of the peer's last packet, which the peer counts, where
// the sender has given its packets none: it was made of one of the peer's.
func (c *resetCase) peersPacket() bool {
	own, last := &c.sender.last, &c.peer.last
	return own.At != 0 && own.IPID == 0 && c.rst.IPID != 0 && c.peer.habits.CountsIDs && last.IPID-c.rst.IPID <= idNear &&
		c.rst.Window == last.Window && last.Window != 0 && own.Window != last.Window
}

// madeFromLast reports whether the RST has the numbers and the IP ID of the peer's last packet, which it answers so, however soon or
// late the path delivered either. Once both have closed, it need not be known how the sender counts, only that it has not come there.
func (c *resetCase) madeFromLast() bool {
	last := &c.peer.last
	copied := c.peersID() || c.closed() && c.rst.IPID != 0 && c.peer.habits.CountsIDs && !c.countsOn()
	return last.At != 0 && c.rst.IPID == last.IPID && copied && c.rst.Seq == last.Ack && (c.bare() || c.rst.Ack == last.End())
}

// copiesID reports whether the RST has the IP ID of the packet that it answers, which the peer
// counts, as the SYN-ACK has that of the SYN: both were made from packets of the peer. A host has a
// count of its own.
func (c *resetCase) copiesID() bool {
	last := &c.peer.last
	return c.sender.habits.CopiesID && c.peer.habits.CountsIDs && c.rst.IPID == last.IPID && c.rst.IPID != 0 && !last.Flags.Has(reassembly.SYN)
}

// twinned reports whether another RST came right behind it that has the same TTL, which is not the
// sender's, and nothing else to be said of it.
func (c *resetCase) twinned() bool {
	return c.twin.At != 0 && c.otherTTL() && !detectors.SameFrame(&c.twin, &c.guess)
}

// slowAnswer is how late an answer to a SYN is that the sender of the SYN no longer expects: the initial timeout (RFC 6298 2.1).
const slowAnswer = int64(time.Second)

// ownAttempt is how long what connects to the host first tries that before it refuses: Linux asks three times for the link-layer
// address of a host (mcast_solicit of the neighbour times retrans_time_ms).
const ownAttempt = 3 * slowAnswer
