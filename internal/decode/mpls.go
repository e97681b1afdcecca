package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// mpls reads a label stack (RFC 3032 2.1). Only the router that assigned the label
// knows what follows it, so this looks at the first nibble, as routers do for load
// balancing (RFC 8469 1): 4 and 6 are IP, 0 is the control word of a pseudowire
// (RFC 4448 4.6), and others are Ethernet without one, if they look like it.
func (d *Decoder) mpls(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		entry  = 4
		bottom = 1 << 8
	)
	for last := false; !last; {
		if len(b) < entry {
			return short(wire, entry, MalformedLink)
		}
		label := binary.BigEndian.Uint32(b)
		seg.Tunnel = mix(seg.Tunnel, tagMPLS, label>>12)
		last = label&bottom != 0
		b, wire = b[entry:], wire-entry
	}
	if len(b) < 1 {
		return short(wire, 1, MalformedLink)
	}
	switch nibble := b[0] >> 4; {
	case nibble == 4 || nibble == 6:
		return d.ip(b, wire, seg)
	case nibble == 0 && len(b) >= 4 && looksEthernet(b[4:]):
		return d.ethernetInside(b[4:], wire-4, seg)
	case looksEthernet(b):
		return d.ethernetInside(b, wire, seg)
	}
	return NotTCP
}

// looksEthernet reports whether b has an EtherType that can lead to TCP where an
// Ethernet header has it.
func looksEthernet(b []byte) bool {
	if len(b) < ethernetHeader {
		return false
	}
	switch binary.BigEndian.Uint16(b[12:]) {
	case typeIPv4, typeIPv6, typeVLAN, typeProvider, typeQinQ, typeMPLS, typePPPoE:
		return true
	}
	return false
}
