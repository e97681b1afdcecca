package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// PPP protocol numbers (IANA registry).
const (
	pppIPv4            = 0x0021
	pppVJCompressed    = 0x002d // TCP with its header compressed against its predecessor (RFC 1144)
	pppVJUncompressed  = 0x002f
	pppIPv6            = 0x0057
	pppMultilink       = 0x003d
	pppEncrypted       = 0x0053
	pppCompressed      = 0x00fd // also MPPE (RFC 3078)
	pppMPLS            = 0x0281
	pppMPLSMulticast   = 0x0283
	hdlcAddressControl = 0xff03 // all stations, unnumbered information (RFC 1662 3.1)
)

// ppp reads a protocol number of two bytes or one (RFC 1661 6.5), with or without
// the address and control bytes of HDLC-like framing before it (RFC 1662).
func (d *Decoder) ppp(b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) >= 2 && binary.BigEndian.Uint16(b) == hdlcAddressControl {
		b, wire = b[2:], wire-2
	}
	if len(b) < 2 {
		return short(wire, 2, MalformedLink)
	}
	protocol, n := binary.BigEndian.Uint16(b), 2
	if b[0]&1 != 0 { // only the last byte of a number is odd
		protocol, n = uint16(b[0]), 1
	}
	b, wire = b[n:], wire-n
	switch protocol {
	case pppIPv4:
		return d.ipv4(b, wire, seg)
	case pppIPv6:
		return d.ipv6(b, wire, seg)
	case pppMPLS, pppMPLSMulticast:
		return d.mpls(b, wire, seg)
	case pppVJCompressed, pppVJUncompressed, pppMultilink:
		return Undecodable
	case pppEncrypted, pppCompressed:
		return Encrypted
	}
	return NotTCP
}

// pppHDLC reads LINKTYPE_PPP and LINKTYPE_PPP_HDLC. If the address byte is one of
// Cisco's, so is the framing: no protocol number begins with it.
func (d *Decoder) pppHDLC(b []byte, wire int, seg *reassembly.Segment) Reason {
	const unicast, multicast = 0x0f, 0x8f
	if len(b) > 0 && (b[0] == unicast || b[0] == multicast) {
		return d.ciscoHDLC(b, wire, seg)
	}
	return d.ppp(b, wire, seg)
}

// pppDirected reads PPP after n bytes with the direction of the packet: a byte of
// its own (LINKTYPE_PPP_WITH_DIR), or one that replaces the address byte before
// the control byte (LINKTYPE_PPP_PPPD).
func (d *Decoder) pppDirected(n int, b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) < n {
		return short(wire, n, MalformedLink)
	}
	return d.ppp(b[n:], wire-n, seg)
}

// ciscoHDLC reads an address byte, a control byte and an EtherType.
func (d *Decoder) ciscoHDLC(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 4
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	return d.etherType(binary.BigEndian.Uint16(b[2:]), b[header:], wire-header, seg)
}

// pppoe reads a PPP session over Ethernet (RFC 2516 4): version and type, code 0,
// session, length.
func (d *Decoder) pppoe(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		header         = 6
		versionAndType = 0x11
		sessionData    = 0
	)
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	if b[0] != versionAndType {
		return MalformedLink
	}
	if b[1] != sessionData {
		return NotTCP
	}
	seg.Tunnel = mix(seg.Tunnel, tagPPPoE, uint32(binary.BigEndian.Uint16(b[2:])))
	b, wire = d.within(int(binary.BigEndian.Uint16(b[4:])), b[header:], wire-header)
	return d.ppp(b, wire, seg)
}
