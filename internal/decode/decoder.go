// Package decode turns a captured frame into a reassembly.Segment.
//
// A frame is peeled from the outside in. Each layer is a method that takes the
// captured bytes from its first byte on and the number of bytes that the wire
// had there; the first never outnumber the second. It strips its own header,
// puts what it knows into the Segment, and calls the next layer; the innermost
// IP header and the TCP header behind it win.
//
//	link type > (VLAN, MPLS, PPPoE)* > IP > (GRE, IP-in-IP, VXLAN ... > IP)* > TCP
//
// Lengths come from IP headers, never from the buffer: a snap length shortens
// the one and Ethernet padding lengthens the other. Where the total length of
// an IP header exceeds the frame, the header is believed: tools that cut frames
// and forget what they cut are common, and a receiver never sees a frame that
// is too short. (Wireshark believes the frame.) Where it is zero, the frame is
// all there is to go by: segmentation offload leaves it so.
package decode

import "github.com/tcptrace-go/tcptrace/reassembly"

// maxDepth is how many headers that nest at will (IP, VLAN tags, Ethernet in a
// tunnel) a frame may have. Eight tags around a tunnel in a tunnel fit.
const maxDepth = 16

// maxPacket bounds a length that no 16-bit IP field bounds. A segment larger
// than the largest window, 2^30 (RFC 7323 2.3), cannot exist.
const maxPacket = 1 << 30

// A Decoder turns frames into segments. It remembers IP fragments, and with
// VerifyChecksums which senders have sent a correct one, so a trace needs one
// Decoder and the frames in the order of the trace. It is not safe for
// concurrent use.
type Decoder struct {
	// VerifyChecksums lets Decode refuse segments whose TCP checksum is
	// provably wrong; without it no checksum is looked at. See checksums.
	VerifyChecksums bool

	at        int64 // of the frame being decoded
	depth     int   // nesting headers seen in it
	sums      checksums
	fragments *fragments // nil until the first one
}

// New returns a Decoder that does not verify checksums.
func New() *Decoder { return new(Decoder) }

// Decode fills seg from one captured frame. link is a number of the tcpdump.org
// link-layer header types list, data what was captured, wire the length of the
// frame on the wire, at its time in nanoseconds since 1970. Neither data nor
// seg is kept.
//
// If the Reason is OK, every field of seg is set but At, Frame and File, which
// are the caller's; otherwise seg holds nothing of use. Decode never panics,
// whatever data holds, and does not allocate for what is common: everything but
// 802.11 headers, checksum verification and the first IP fragment.
func (d *Decoder) Decode(link uint32, data []byte, wire int, at int64, seg *reassembly.Segment) Reason {
	wire = max(wire, len(data))
	d.at, d.depth = at, 0
	seg.Tunnel, seg.Link = 0, 0
	if link == linkEthernet {
		if len(data) >= ethernetHeader {
			seg.Link = addressPair(data)
		}
		return d.ethernet(data, wire, seg)
	}
	return d.link(link, data, wire, seg)
}

// descend counts a nesting header and reports whether it may be entered.
func (d *Decoder) descend() bool {
	d.depth++
	return d.depth <= maxDepth
}
