package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Headers other than VLAN tags that bridges and switches put between the addresses
// and the payload of an Ethernet frame.

// portTag skips a tag of n bytes that names ports of an extended bridge (IEEE
// 802.1BR 12.1, or its predecessor, Cisco's VN-Tag), and reads the EtherType
// after it. The ports are those of sender and receiver; they identify no network.
func (d *Decoder) portTag(n int, b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) < n+2 {
		return short(wire, n+2, MalformedLink)
	}
	if !d.descend() {
		return Undecodable
	}
	return d.lengthOrType(binary.BigEndian.Uint16(b[n:]), b[n+2:], wire-n-2, seg)
}

// backbone reads a frame that a provider's backbone carries for a customer, after
// the customer's service identifier (IEEE 802.1Q 9.7).
func (d *Decoder) backbone(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 4
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	seg.Tunnel = mix(seg.Tunnel, tagBackbone, binary.BigEndian.Uint32(b)&0xffffff)
	return d.ethernetInside(b[header:], wire-header, seg)
}

// fabricPath reads a frame of Cisco's FabricPath, after its forwarding tag, which
// has a tree and a time to live.
func (d *Decoder) fabricPath(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 2
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	return d.ethernetInside(b[header:], wire-header, seg)
}
