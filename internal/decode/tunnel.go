package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// gre reads generic routing encapsulation (RFC 2784, with key and sequence
// number: RFC 2890), and its version 1, which carries PPP for PPTP (RFC 2637 4.1).
func (d *Decoder) gre(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		checksum = 0x8000
		routing  = 0x4000
		key      = 0x2000
		sequence = 0x1000
		ack      = 0x0080 // version 1
		version  = 0x0007
	)
	if len(b) < 4 {
		return short(wire, 4, MalformedLink)
	}
	flags, protocol := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if flags&version > 1 || flags&routing != 0 {
		return Undecodable
	}
	n := 4
	if flags&checksum != 0 {
		n += 4
	}
	id := n
	for _, field := range [...]uint16{key, sequence, ack} {
		if flags&field != 0 && (field != ack || flags&version == 1) {
			n += 4
		}
	}
	if len(b) < n {
		return short(wire, n, MalformedLink)
	}
	var k uint32
	if flags&key != 0 && flags&version == 0 {
		k = binary.BigEndian.Uint32(b[id:])
	}
	seg.Tunnel = mix(seg.Tunnel, tagGRE, k)
	b, wire = b[n:], wire-n
	const erspan, erspan3, wccp, eoip = 0x88be, 0x22eb, 0x883e, 0x6400
	switch {
	case protocol == eoip && flags == key|1: // MikroTik's Ethernet over IP: version 1, and its own numbers in the key
		return d.ethernetInside(b, wire, seg)
	case protocol == wccp: // web cache redirection: version 2 has a header before the packet
		if len(b) > 0 && b[0]>>4 != 4 {
			b, wire = b[min(4, len(b)):], wire-4
		}
		return d.ipv4(b, wire, seg)
	case protocol == erspan && flags&sequence == 0: // type I has no header of its own
		return d.ethernetInside(b, wire, seg)
	case protocol == erspan:
		return d.mirrored(8, b, wire, seg)
	case protocol == erspan3 && len(b) >= 12 && b[11]&1 != 0: // a platform-specific part follows
		return d.mirrored(20, b, wire, seg)
	case protocol == erspan3:
		return d.mirrored(12, b, wire, seg)
	case isAruba(protocol):
		return d.wifi(b, wire, wifiForm{}, seg)
	}
	return d.etherType(protocol, b, wire, seg)
}

// mirrored reads the frame after an ERSPAN header of n bytes (draft-foschiano-
// erspan 4). The header's session identifies the mirror, not the traffic.
func (d *Decoder) mirrored(n int, b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) < n {
		return short(wire, n, MalformedLink)
	}
	return d.ethernetInside(b[n:], wire-n, seg)
}

// etherIP reads Ethernet in IP (RFC 3378).
func (d *Decoder) etherIP(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 2
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	seg.Tunnel = mix(seg.Tunnel, tagEtherIP, 0)
	return d.ethernetInside(b[header:], wire-header, seg)
}

const (
	vxlanHeader = 8
	vxlanValid  = 0x08 // the I flag: there is a network identifier
)

// vxlan reads RFC 7348 5.
func (d *Decoder) vxlan(b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) < vxlanHeader {
		return short(wire, vxlanHeader, NotTCP)
	}
	if b[0]&vxlanValid == 0 {
		return NotTCP
	}
	seg.Tunnel = mix(seg.Tunnel, tagVXLAN, binary.BigEndian.Uint32(b[4:])>>8)
	return d.ethernetInside(b[vxlanHeader:], wire-vxlanHeader, seg)
}

// vxlanGPE reads the variant that also carries other protocols than Ethernet
// (draft-ietf-nvo3-vxlan-gpe 3).
func (d *Decoder) vxlanGPE(b []byte, wire int, seg *reassembly.Segment) Reason {
	const next = 0x04 // the P flag: byte 3 says what is inside
	if len(b) < vxlanHeader {
		return short(wire, vxlanHeader, NotTCP)
	}
	if b[0]&next == 0 {
		return d.vxlan(b, wire, seg)
	}
	if b[0]&vxlanValid != 0 {
		seg.Tunnel = mix(seg.Tunnel, tagVXLAN, binary.BigEndian.Uint32(b[4:])>>8)
	} else {
		seg.Tunnel = mix(seg.Tunnel, tagVXLAN, 0)
	}
	return d.nextProtocol(b[3], b[vxlanHeader:], wire-vxlanHeader, seg)
}

// nextProtocol reads what follows a header of VXLAN-GPE or NSH, which number it alike
// (draft-ietf-nvo3-vxlan-gpe 3.2, RFC 8300 2.2).
func (d *Decoder) nextProtocol(protocol byte, b []byte, wire int, seg *reassembly.Segment) Reason {
	switch protocol {
	case 1:
		return d.ipv4(b, wire, seg)
	case 2:
		return d.ipv6(b, wire, seg)
	case 3:
		return d.ethernetInside(b, wire, seg)
	case 4: // also in NSH
		if !d.descend() {
			return Undecodable
		}
		return d.nsh(b, wire, seg)
	case 5:
		return d.mpls(b, wire, seg)
	}
	return NotTCP
}

// nsh reads a network service header (RFC 8300 2): version, length in words, type and
// next protocol.
func (d *Decoder) nsh(b []byte, wire int, seg *reassembly.Segment) Reason {
	const fixed, version, words = 8, 0xc0, 0x3f
	if len(b) < fixed {
		return short(wire, fixed, MalformedLink)
	}
	n := int(b[1]&words) * 4
	switch {
	case b[0]&version != 0:
		return NotTCP
	case n < fixed:
		return MalformedLink
	case len(b) < n:
		return short(wire, n, MalformedLink)
	}
	return d.nextProtocol(b[3], b[n:], wire-n, seg)
}

// geneve reads RFC 8926 3.4.
func (d *Decoder) geneve(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 8
	if len(b) < header {
		return short(wire, header, NotTCP)
	}
	n := header + int(b[0]&0x3f)*4
	if b[0]>>6 != 0 { // version
		return NotTCP
	}
	if len(b) < n {
		return short(wire, n, NotTCP)
	}
	seg.Tunnel = mix(seg.Tunnel, tagGeneve, binary.BigEndian.Uint32(b[4:])>>8)
	return d.etherType(binary.BigEndian.Uint16(b[2:]), b[n:], wire-n, seg)
}

// gtp reads a user packet of a mobile network (3GPP TS 29.281 5.1).
func (d *Decoder) gtp(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		header     = 8
		optional   = header + 4 // sequence number, N-PDU number, next extension
		version1   = 0x30       // with protocol type GTP
		extension  = 0x04
		anyOption  = 0x07
		userPacket = 255
	)
	if len(b) < header {
		return short(wire, header, NotTCP)
	}
	if b[0]&0xf0 != version1 || b[1] != userPacket {
		return NotTCP
	}
	n := header
	if b[0]&anyOption != 0 {
		n = optional
	}
	for more := b[0]&extension != 0; more; {
		// The last byte of one part names the next; 0 ends the list.
		if len(b) < n+1 {
			return short(wire, n+1, NotTCP)
		}
		if b[n-1] == 0 {
			break
		}
		size := int(b[n]) * 4
		if size == 0 {
			return NotTCP
		}
		n += size
	}
	if len(b) < n {
		return short(wire, n, NotTCP)
	}
	seg.Tunnel = mix(seg.Tunnel, tagGTP, 0)
	return d.ip(b[n:], wire-n, seg)
}
