package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// pktap reads the header that macOS puts before frames of its pktap interfaces
// (bsd/net/pktap.h): its own length, a record type, and the link type of what
// follows, in the byte order of the host.
func (d *Decoder) pktap(b []byte, wire int, seg *reassembly.Segment) Reason {
	const least, packet = 12, 1
	if len(b) < least {
		return short(wire, least, MalformedLink)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if binary.LittleEndian.Uint32(b) > 0xffff { // a length fits into two bytes, which reveals the order
		order = binary.BigEndian
	}
	n := int(order.Uint32(b))
	switch {
	case n < least || n > 0xffff:
		return MalformedLink
	case len(b) < n:
		return short(wire, n, MalformedLink)
	case order.Uint32(b[4:]) != packet:
		return NotTCP
	}
	return d.inside(order.Uint32(b[8:]), b[n:], wire-n, seg)
}

// ppi reads the per-packet information header of CACE: version, flags, length and the
// link type of what follows, little-endian.
func (d *Decoder) ppi(b []byte, wire int, seg *reassembly.Segment) Reason {
	const least = 8
	if len(b) < least {
		return short(wire, least, MalformedLink)
	}
	n := int(binary.LittleEndian.Uint16(b[2:]))
	if n < least {
		return MalformedLink
	}
	if len(b) < n {
		return short(wire, n, MalformedLink)
	}
	return d.inside(binary.LittleEndian.Uint32(b[4:]), b[n:], wire-n, seg)
}

// avs reads the header of 802.11 with AVS: a magic number with the version, and the
// length of the header, big-endian.
func (d *Decoder) avs(b []byte, wire int, seg *reassembly.Segment) Reason {
	const least = 8
	if len(b) < least {
		return short(wire, least, MalformedLink)
	}
	n := int(binary.BigEndian.Uint32(b[4:]))
	if n < least || n > 0xffff {
		return MalformedLink
	}
	if len(b) < n {
		return short(wire, n, MalformedLink)
	}
	return d.wifi(b[n:], wire-n, wifiForm{}, seg)
}

// inside reads a frame of a link type that a header before it names.
func (d *Decoder) inside(link uint32, b []byte, wire int, seg *reassembly.Segment) Reason {
	if !d.descend() {
		return Undecodable
	}
	if link == linkEthernet {
		if len(b) >= ethernetHeader {
			seg.Link = addressPair(b)
		}
		return d.ethernet(b, wire, seg)
	}
	return d.link(link, b, wire, seg)
}
