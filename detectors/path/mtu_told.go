package path

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What ICMP told the sender of segments that are too large, and what it made of that.

// tooBig reports whether an ICMP error says that the quoted packet is too large, and can
// be right: the MTU is smaller than the packet (RFC 5927 7.2), and not smaller than what
// every link carries (RFC 791 3.2, RFC 8200 5).
func tooBig(quote *reassembly.Segment, v fsm.View) bool {
	least := uint32(68)
	if quote.Src.AddrPort().Addr().Is6() {
		least = 1280
	}
	mtu := uint32(quote.MTU())
	return quote.TooBig() && (mtu == 0 || least <= mtu && mtu < quotedLen(quote, v))
}

// tell takes such an error.
func (a *oversizeLoss) tell(quote *reassembly.Segment) {
	if a.told == nil {
		a.told = new(detectors.ICMPErrors)
	}
	if a.told.N > 0 && a.told.Last.MTU() != quote.MTU() { // a second link that is narrower
		a.ignored, a.obeyed = 0, reassembly.Mark{}
	}
	a.told.Add(quote)
}

// fits reports whether the segment's packet is no larger than the MTU that was told. An
// error without an MTU, of a router older than RFC 1191, asks for less than before.
func (a *oversizeLoss) fits(seg *reassembly.Segment, v fsm.View) bool {
	if mtu := uint32(a.told.Last.MTU()); mtu != 0 {
		return seg.PacketLen() <= mtu
	}
	return seg.PacketLen() < quotedLen(&a.told.Last, v)
}

// onePacket reports whether the segment left its host as it was captured, not cut by segmentation
// offload: it is no larger than the MSS, which may not have been captured, or than what the router quotes.
func (a *oversizeLoss) onePacket(seg *reassembly.Segment, v fsm.View) bool {
	return seg.Len <= v.EffSndMSS() || seg.PacketLen() <= quotedLen(&a.told.Last, v)
}

// toldInVain is the cause where an ICMP message about the MTU was captured.
const toldInVain = "Somewhere on the path the MTU is smaller (a tunnel, VPN, PPPoE, an overlay network). A router said so by ICMP, and the capture does not show " +
	"whether that message reached the sender's TCP: a firewall on its host, or in front of it, may drop it (RFC 2923)."

// defiant reports whether the sender was told, and did not obey.
func (a *oversizeLoss) defiant(r *detectors.Report) bool {
	return a.told != nil && a.ignored >= int(r.Value("min-resends"))
}

// obey takes the first retransmission that obeys: from here on, the question is whether
// segments of that size arrive. One that obeys late is a smaller piece like any other.
func (w *mtuBlackhole) obey(ev fsm.Event, r *detectors.Report) {
	a := w.sides[ev.Side]
	if a == nil || a.told == nil || a.obeyed.At != 0 || a.over() || a.defiant(r) || !a.fits(ev.Seg, r.Conn) {
		return
	}
	a.obeyed = reassembly.MarkOf(ev.Seg)
	if a.n > 0 {
		w.due[ev.Side].Disarm()
		r.Withdraw(a.first.File, a.first.Frame)
		a.retryRun = retryRun{}
	}
	a.size, a.longer, a.beyond, a.spoke, a.piece = 0, 0, reassembly.Mark{}, reassembly.Mark{}, reassembly.Mark{}
}

// what is the segment that does not arrive, in words.
func (a *oversizeLoss) what() string {
	if a.whole > a.size {
		return fmt.Sprintf("a segment of %d bytes, which was captured before it was cut into packets of %d bytes at most,", a.whole, a.size)
	}
	return fmt.Sprintf("a segment of %d bytes", a.size)
}

// message is what is reported of a segment that has not arrived.
func (a *oversizeLoss) message(outcome *detectors.Outcome, side reassembly.Side, r *detectors.Report) string {
	m := fmt.Sprintf("%s retransmitted %s %d times in %s (frames %d to %d), and it never arrived", r.Name(side), a.what(), a.resends,
		detectors.Span(a.last().At-a.first.At), a.first.Frame, a.last().Frame)
	switch {
	case a.beyond.At != 0 && a.longer == 0:
		m += fmt.Sprintf("; the FIN behind it did (SACK, frame %d)", a.beyond.Frame)
	case a.beyond.At != 0:
		m += fmt.Sprintf("; %s behind it did (SACK, frame %d)", detectors.Counted(a.longer, "byte", "bytes"), a.beyond.Frame)
	}
	m += ". "
	switch outcome {
	case mtuNotObeyed:
		return m + a.told.Sentence(r.Name(side)) + fmt.Sprintf(" It did not obey: after that, it sent the segment again %s in packets larger than told. "+
			"Its TCP ignores these messages, or a firewall between the capture point and it drops them.", detectors.Times(a.ignored))
	case mtuStillTooLarge:
		return m + a.told.Sentence(r.Name(side)) + fmt.Sprintf(" It obeyed (frame %d), and that was still too large: the path from %s to %s has a smaller MTU than was told.",
			a.obeyed.Frame, r.Name(side), r.Name(side.Peer()))
	}
	return m + a.whoTold(side, r)
}

// whoTold is a sentence on who told the sender that its segments are too large.
func (a *oversizeLoss) whoTold(side reassembly.Side, r *detectors.Report) string {
	own, peer := r.Name(side), r.Name(side.Peer())
	if a.told == nil {
		return fmt.Sprintf("The path from %s to %s drops large packets, and nobody told the sender: the capture has no ICMP message about it.", own, peer)
	}
	return fmt.Sprintf("The path from %s to %s drops large packets. ", own, peer) + a.told.Sentence(own)
}
