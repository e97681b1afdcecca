package fsm

import (
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Limits are the reasons to trust a capture of one connection less. Each is
// one bit; each finding carries those of its connection.
type Limits uint32

// What a capture can hide.
const (
	Midstream     Limits = 1 << iota // the connection was already running when the capture began
	OneSided                         // only one direction was captured
	Holes                            // bytes were acknowledged that the capture never saw
	AcksFiltered                     // pure ACKs are missing throughout
	WindowUnknown                    // the receive window that mattered was never seen
	ScaleUnknown                     // a SYN was not captured: nonzero windows are lower bounds (RFC 7323 2.2)
	CutOptions                       // the snap length cut TCP options
	Duplicates                       // identical frames that may be duplicates were counted as sent
	ClockStepped                     // the capture's clock was set
	LossBeforeTap                    // the sender's IP IDs skip where something was due
	KernelDrops                      // the capturing kernel dropped packets
	Evicted                          // the connection was dropped to stay within --max-flows
	ClockSkew                        // two captures disagree about the time
	Overflow                         // more holes were open at a time than are remembered
	Text                             // read from text that has no IP identification and TTL
	SeqUnknown                       // read from text that lacks sequence numbers of empty segments, or all of them are 0
	TimeUnknown                      // read from text without times
	LossInvisible                    // a pause may have been loss before the tap: the sender's IP IDs do not count, so that they would not show it
	Incomplete                       // read from text that shows something else instead of some segments
	PathProbes                       // a side sent segments whose TTLs count up: traceroute, within the connection
	SharedID                         // segments of a side have one IP identification and other content: forged, or rewritten on the way
)

// FromText are the limits of text, mostly. A finding that text leaves undecided may well be
// what happened.
const FromText = Text | SeqUnknown | TimeUnknown | Incomplete

var limitNames = [...]string{
	"midstream", "one-sided", "holes", "acks-filtered", "window-unknown", "scale-unknown",
	"options-cut", "copies", "clock-stepped", "loss-before-tap", "kernel-drops", "evicted", "clock-skew", "overflow",
	"text", "seq-unknown", "time-unknown", "loss-invisible", "text-incomplete", "path-probes", "shared-id",
}

// Names lists the limits by their names in reports, in a fixed order.
func (l Limits) Names() []string {
	names := []string{}
	for i, n := range limitNames {
		if l&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

// String joins the names with ", ".
func (l Limits) String() string { return strings.Join(l.Names(), ", ") }

// Limits are the reasons to trust what was captured of this connection less.
// Those that concern the whole capture are not among them.
func (c *Conn) Limits() Limits {
	var l Limits
	a, b := &c.ends[0], &c.ends[1]
	if c.bits&midstream != 0 && (a.dir.Phase != PhaseIdle || b.dir.Phase != PhaseIdle) {
		l |= Midstream
	}
	if c.bits&optionsCut != 0 {
		l |= CutOptions
	}
	if c.bits&duplicates != 0 {
		l |= Duplicates
	}
	switch c.bits & textMask {
	case textNoIP:
		l |= Text
	case textNoWindow:
		l |= Text | WindowUnknown
	case textPartly:
		l |= Incomplete
	}
	if c.bits&seqUnknown != 0 {
		l |= SeqUnknown
	}
	if c.bits&timeUnknown != 0 {
		l |= TimeUnknown
	}
	if c.bits&skippedIDs != 0 {
		l |= LossBeforeTap
	}
	if a.packets == 0 && b.dir.is(spoke) || b.packets == 0 && a.dir.is(spoke) {
		l |= OneSided
	}
	if a.out.Holes() || b.out.Holes() || c.bits&unobserved != 0 {
		l |= Holes
	}
	if a.out.Overflowed() || b.out.Overflowed() {
		l |= Overflow
	}
	if a.dir.probesPath() || b.dir.probesPath() {
		l |= PathProbes
	}
	if a.dir.sharesID() || b.dir.sharesID() {
		l |= SharedID
	}
	if c.AcksFiltered() {
		l |= AcksFiltered
	}
	if (a.dir.is(spoke) || b.dir.is(spoke)) && a.packets > 0 && b.packets > 0 && a.dir.bits&b.dir.bits&synSeen == 0 {
		l |= ScaleUnknown
	}
	return l
}

// noteMissing notes what the text that the segment comes from does not have.
func (c *Conn) noteMissing(m reassembly.Missing) {
	switch {
	case m&reassembly.MissingSegments != 0 || c.bits&textMask == textPartly:
		c.bits = c.bits&^textMask | textPartly
	case m&reassembly.MissingWindow != 0:
		c.bits |= textNoWindow
	case m&reassembly.MissingIP != 0:
		c.bits |= textNoIP
	}
	if m&reassembly.MissingSeq != 0 {
		c.bits |= seqUnknown
	}
	if m&reassembly.MissingTime != 0 {
		c.bits |= timeUnknown
	}
}

// neverCounts reports whether whoever made the segment up, with sequence and acknowledgment
// number 0, set no numbers: a SYN counts as one (RFC 9293 3.4), and this comes after one with
// number 0, and acknowledges less than any SYN of the peer.
func (e *end) neverCounts(seg *reassembly.Segment, peer *end) bool {
	return seg.Flags&(reassembly.SYN|reassembly.RST|reassembly.ACK) == reassembly.ACK && e.dir.is(synSeen) && e.out.ISS == 0 &&
		(peer.out.ISS == 0 || !peer.out.Knows(reassembly.KnowISS))
}

// AcksFiltered reports whether both sides sent payload or FIN, more than a handshake's
// worth, and there is no pure ACK at all: a filter took them out.
func (c *Conn) AcksFiltered() bool {
	a, b := &c.ends[0], &c.ends[1]
	return a.acks == 0 && b.acks == 0 && a.dir.is(spoke) && b.dir.is(spoke) && a.packets+b.packets >= 5
}

// PureAcks is how many pure ACKs the side sent, 255 at most.
func (c *Conn) PureAcks(side reassembly.Side) uint64 { return uint64(c.ends[side].acks) }

// Oversize reports whether the side sent a segment larger than its peer's MSS
// option allows (RFC 9293 3.7.1): the wire never had it. A network card splits
// such segments after, or joins them before, they are captured (TSO, GRO).
func (c *Conn) Oversize(side reassembly.Side) bool { return c.ends[side].dir.is(oversize) }

// IsOversize reports whether the side sends more payload in the segment than its peer's MSS
// allows, or Ethernet where that is not known: see Oversize.
func (c *Conn) IsOversize(seg *reassembly.Segment, side reassembly.Side) bool {
	_, peer := c.both(side)
	mss := uint32(peer.mss)
	if mss == 0 {
		mss = ethernetMSS
	}
	return seg.Len > mss
}

// LeastFull is the least payload, in bytes, of a full segment with options. Where no MSS is
// known, it is that of the smallest link of IPv6 (RFC 8200 5).
func (c *Conn) LeastFull() uint32 {
	size := c.segmentSize()
	if c.ends[0].mss|c.ends[1].mss == 0 {
		size = 1280 - 60
	}
	return max(size, maxOptions+1) - maxOptions
}

// Repeats reports whether the side sent payload with the segment, and all of it, or what
// followed it, had been captured before.
func (c *Conn) Repeats(seg *reassembly.Segment, side reassembly.Side) bool {
	out := &c.ends[side].out
	return seg.Len > 0 && seg.Seq != out.Nxt && out.Knows(reassembly.KnowNxt) && seg.End().AtOrBefore(out.Nxt)
}

// Replays reports whether the segment is a SYN with the ISN that its side had, after both FINs were
// acknowledged: no host sends it then, but a recording that is replayed does.
func (c *Conn) Replays(seg *reassembly.Segment, side reassembly.Side) bool {
	own, peer := c.both(side)
	return seg.Flags&reassembly.SYN != 0 && own.out.ISS == seg.Seq && own.dir.Phase == PhaseFinAcked && peer.dir.Phase == PhaseFinAcked
}

// Sent reports whether the side had sent all that the segment carries before.
func (c *Conn) Sent(seg *reassembly.Segment, side reassembly.Side) bool {
	return seg.End().AtOrBefore(c.ends[side].out.Nxt)
}

// MayRepeat reports whether the segment Repeats, or IsOversize; or else has payload that the side
// is not known to send next.
func (c *Conn) MayRepeat(seg *reassembly.Segment, side reassembly.Side) bool {
	return seg.Len > 0 && (seg.Seq != c.ends[side].out.Nxt || c.IsOversize(seg, side))
}

// NumberedBefore reports whether the side sent the segment before the latest that was captured
// of it, by their IPv4 identifications.
func (c *Conn) NumberedBefore(seg *reassembly.Segment, side reassembly.Side) bool {
	return seg.IPID != 0 && int16(seg.IPID-c.ends[side].greatestID()) < 0 && c.CountsIDs(side)
}

// CountsIDs reports whether the side counts the IPv4 identifications of its packets up, as
// far as it was captured.
func (c *Conn) CountsIDs(side reassembly.Side) bool { return c.ends[side].dir.counted() }

// holeSince reports whether bytes that the tap never saw, or may not have seen, were
// acknowledged at or after the given time, to the second.
func (c *Conn) holeSince(at int64) bool {
	return c.hole > c.secondOf(at) && c.Limits()&(Holes|Overflow) != 0
}

// File is the file that the last segment came from.
func (c *Conn) File() uint16 { return c.file }

// From notes the file of a segment, and returns that of the one before.
func (c *Conn) From(file uint16) (before uint16) {
	before, c.file = c.file, file
	return before
}

// Unobserved notes that nobody captured the connection until just before the given time:
// whatever is missing until then may have been sent.
func (c *Conn) Unobserved(at int64) {
	c.bits |= unobserved
	c.hole = c.secondOf(at) + 1
}

// MayBeDuplicates notes that frames of the connection may be duplicates but count as
// sent.
func (c *Conn) MayBeDuplicates() { c.bits |= duplicates }
