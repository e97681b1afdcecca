package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What bridges and switches put between the addresses and what an Ethernet frame
// carries, besides VLAN tags.

// portTag skips the n bytes of a tag that names ports of an extended bridge, and
// goes on with the EtherType behind it: IEEE 802.1BR 12.1, or Cisco's VN-Tag
// before it. Ports are those of sender and receiver, and identify no network.
func (d *Decoder) portTag(n int, b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) < n+2 {
		return short(wire, n+2, MalformedLink)
	}
	if !d.descend() {
		return Undecodable
	}
	return d.lengthOrType(binary.BigEndian.Uint16(b[n:]), b[n+2:], wire-n-2, seg)
}

// backbone reads a frame that a provider's backbone carries for a customer, behind
// the customer's service identifier (IEEE 802.1Q 9.7).
func (d *Decoder) backbone(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 4
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	seg.Tunnel = mix(seg.Tunnel, tagBackbone, binary.BigEndian.Uint32(b)&0xffffff)
	return d.ethernetInside(b[header:], wire-header, seg)
}

// fabricPath reads a frame that Cisco's FabricPath carries behind its forwarding
// tag, which names a tree and a time to live.
func (d *Decoder) fabricPath(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 2
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	return d.ethernetInside(b[header:], wire-header, seg)
}
