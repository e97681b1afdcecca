// Package decode turns a captured frame into a reassembly.Segment.
//
// A frame is decoded from the outside in. Each layer is a method that gets the
// captured bytes from its first byte on, and the number of bytes that the wire
// had there, which is never smaller. It strips its own header, stores what it
// knows in the Segment, and calls the next layer, so that the innermost IP header
// and the TCP header after it win.
//
//	link type > (VLAN, MPLS, PPPoE)* > IP > (GRE, IP-in-IP, VXLAN ... > IP)* > TCP
//
// Lengths come from IP headers, never from the buffer, which a snap length
// shortens and Ethernet padding lengthens. If the total length in an IP header
// exceeds the frame as it was on the wire, the frame counts, as in Wireshark, unless
// it seems that a tool cut it without recording the original length: see
// cutUnrecorded. The frame counts, too, if the total length is zero, as
// segmentation offload leaves it.
package decode

import "github.com/tcptrace-go/tcptrace/reassembly"

// maxDepth is how many headers that can be nested (IP, VLAN tags, Ethernet in a
// tunnel) a frame may have. Eight tags around a tunnel in a tunnel fit.
const maxDepth = 16

// maxPacket bounds lengths that have no 16-bit IP field. No segment can be larger
// than the largest window, 2^30 (RFC 7323 2.3).
const maxPacket = 1 << 30

// A Decoder turns frames into segments. It remembers IP fragments and, with
// VerifyChecksums, which senders have sent a correct checksum. So a trace needs
// one Decoder, and the frames in the order of the trace. It is not safe for
// concurrent use.
type Decoder struct {
	// VerifyChecksums makes Decode refuse segments whose TCP checksum is
	// provably wrong. Otherwise no checksum is computed. See checksums.
	VerifyChecksums bool

	// DNS, if it is not nil, is given what comes from port 53 over UDP, as much of it
	// as was captured. It must not keep it.
	DNS func(message []byte)

	// Overlong is how many packets said that they were longer than their frame, which
	// counted.
	Overlong uint64

	// Right and Wrong are how many packets had an IPv4 header with the right checksum, or none, and how
	// many one with a wrong checksum, as damage leaves it. Packets of IPv6 that are decoded in one pass count as right.
	Right, Wrong uint64

	at        int64 // of the frame being decoded
	frame     int   // its length on the wire
	longest   int   // that of the longest so far
	depth     int   // nested headers in it so far
	layers    bool  // decode by layers, also what is plain; for tests
	bounded   bool  // the link layer says how long the packet is: see within
	nested    bool  // an IP header came before: the packet may be in several of the outer ones
	sums      checksums
	errors    [16]uint16 // by which the checksums of the latest headers that count in Wrong are wrong
	next      int        // where in errors the next one goes, and beyond
	fragments *fragments // nil until the first one
	rest      subframes
}

// New returns a Decoder that does not verify checksums.
func New() *Decoder { return new(Decoder) }

// Decode fills seg from one captured frame. link is a LINKTYPE_ number of
// tcpdump.org, data are the captured bytes, wire is the length of the frame on the
// wire, at its time in nanoseconds since 1970. Decode keeps seg never, and data only for Next.
//
// If the Reason is OK, all fields of seg are set except At, Frame and File, which
// are the caller's. If it is ICMPError, seg is the segment that the error quotes.
// Otherwise seg holds nothing useful. Decode never panics, whatever data holds. It
// allocates only for checksum verification and the first IP fragment. If More, the frame has
// another packet.
func (d *Decoder) Decode(link uint32, data []byte, wire int, at int64, seg *reassembly.Segment) Reason {
	d.rest.wire = 0
	if link == linkEthernet && d.Plain(data, wire, seg) {
		return OK
	}
	wire = max(wire, len(data))
	d.longest = max(d.longest, wire)
	seg.Tunnel, seg.Link, seg.ICMP = 0, 0, reassembly.ICMP{}
	if link == linkEthernet && len(data) >= ethernetHeader {
		seg.Link = addressPair(data)
	}
	return d.layered(link, data, wire, at, seg)
}

// layered is Decode for what is not plain.
func (d *Decoder) layered(link uint32, data []byte, wire int, at int64, seg *reassembly.Segment) Reason {
	d.at, d.frame, d.depth, d.bounded, d.nested = at, wire, 0, false, false
	if link == linkEthernet {
		return d.ethernet(data, wire, seg)
	}
	return d.link(link, data, wire, seg)
}

// within cuts b, whose length on the wire is wire, to the n bytes that a link layer's header
// says are inside. The packet is no longer than that, whatever its own header says: what
// follows is padding. Where the header says nothing, or more than there is, nothing is cut.
func (d *Decoder) within(n int, b []byte, wire int) ([]byte, int) {
	if n <= 0 || n > wire {
		return b, wire
	}
	d.bounded = true
	return b[:min(len(b), n)], n
}

// plain reports whether a packet may be decoded in one pass.
func (d *Decoder) plain() bool {
	return d.depth < maxDepth && !d.bounded && !d.layers && !d.VerifyChecksums
}

// ethernetMTU is how long an IP packet is at most in most networks.
const ethernetMTU = 1500

// lengthOf is how long a packet is that says to have total bytes: no more than the wire bytes
// that its frame had, unless a tool seems to have cut that. b begins with its IP header, of n
// bytes.
func (d *Decoder) lengthOf(b []byte, n, wire, total int, protocol uint8) int {
	switch {
	case total <= wire || wire < n:
		return total
	case d.bounded:
		return wire
	case d.cutUnrecorded(b, n, wire, total, protocol):
		return total
	}
	d.Overlong++
	return wire
}

// cutUnrecorded reports whether a packet that says to be longer than its frame was cut by
// something that did not record how long it had been: to as many bytes as all others (no frame
// was longer yet), or to its IP and TCP headers.
func (d *Decoder) cutUnrecorded(b []byte, n, wire, total int, protocol uint8) bool {
	switch {
	case d.nested: // in fragments, or in what a switch mirrors of a packet
		return true
	case wire < ethernetMTU && d.frame == d.longest:
		return true
	}
	return protocol == protoTCP && total <= ethernetMTU && len(b) > n+dataOffset && wire == n+int(b[n+dataOffset]>>4)*4
}

// descend counts a nested header and reports whether it may be decoded.
func (d *Decoder) descend() bool {
	d.depth++
	return d.depth <= maxDepth
}
