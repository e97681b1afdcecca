package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

const ethernetHeader = 14

// EtherTypes (IEEE registry). Switches used 0x9100 for outer tags before 802.1ad.
const (
	typeIPv4          = 0x0800
	typeCentrino      = 0x2452 // 802.11 as Intel's drivers for Windows hand on what they overhear
	typeTEB           = 0x6558 // transparent Ethernet bridging: Ethernet in a tunnel (RFC 7637 3.2)
	typeVLAN          = 0x8100
	typeIPv6          = 0x86dd
	typeMPLS          = 0x8847
	typeMPLSMulticast = 0x8848 // upstream-assigned labels (RFC 5332 5)
	typePPP           = 0x880b
	typePPPoE         = 0x8864
	typeProvider      = 0x88a8
	typeQinQ          = 0x9100
	typeMACsec        = 0x88e5
	typeBackbone      = 0x88e7 // IEEE 802.1ah
	typeFabricPath    = 0x8903
	typeMetadata      = 0x8909 // Cisco's, with the security group of TrustSec
	typeNSH           = 0x894f // RFC 8300
	typeVNTag         = 0x8926
	typeETag          = 0x893f // IEEE 802.1BR
)

// minEtherType is the smallest EtherType. A smaller number is a length, and LLC
// follows (IEEE 802.3 3.2.6).
const minEtherType = 0x0600

func (d *Decoder) ethernet(b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) < ethernetHeader {
		return short(wire, ethernetHeader, MalformedLink)
	}
	t := binary.BigEndian.Uint16(b[12:])
	if t == typeIPv4 {
		return d.ipv4(b[ethernetHeader:], wire-ethernetHeader, seg)
	}
	return d.lengthOrType(t, b[ethernetHeader:], wire-ethernetHeader, seg)
}

// ethernetInside reads an Ethernet frame that a tunnel carries.
func (d *Decoder) ethernetInside(b []byte, wire int, seg *reassembly.Segment) Reason {
	if !d.descend() {
		return Undecodable
	}
	return d.ethernet(b, wire, seg)
}

func (d *Decoder) lengthOrType(t uint16, b []byte, wire int, seg *reassembly.Segment) Reason {
	if t < minEtherType {
		b, wire = d.within(int(t), b, wire)
		return d.llc(b, wire, seg)
	}
	return d.etherType(t, b, wire, seg)
}

// etherType reads the payload of EtherType t.
func (d *Decoder) etherType(t uint16, b []byte, wire int, seg *reassembly.Segment) Reason {
	switch t {
	case typeIPv4:
		return d.ipv4(b, wire, seg)
	case typeIPv6:
		return d.ipv6(b, wire, seg)
	case typeVLAN, typeProvider, typeQinQ:
		return d.vlan(b, wire, seg)
	case typeMPLS, typeMPLSMulticast:
		return d.mpls(b, wire, seg)
	case typePPPoE:
		return d.pppoe(b, wire, seg)
	case typePPP:
		return d.ppp(b, wire, seg)
	case typeTEB:
		return d.ethernetInside(b, wire, seg)
	case typeBackbone:
		return d.backbone(b, wire, seg)
	case typeFabricPath:
		return d.fabricPath(b, wire, seg)
	case typeVNTag:
		return d.portTag(4, b, wire, seg)
	case typeETag, typeMetadata:
		return d.portTag(6, b, wire, seg)
	case typeNSH:
		return d.nsh(b, wire, seg)
	case typeCentrino:
		if !d.descend() {
			return Undecodable
		}
		return d.wifi(b, wire, wifiForm{decrypted: true}, seg)
	case typeMACsec:
		return Encrypted
	}
	return NotTCP
}

// vlan reads one tag: three bits of priority, one of drop eligibility, twelve of
// VLAN identifier, and the next EtherType (IEEE 802.1Q 9.6).
func (d *Decoder) vlan(b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) < 4 {
		return short(wire, 4, MalformedLink)
	}
	if !d.descend() {
		return Undecodable
	}
	seg.Tunnel = mix(seg.Tunnel, tagVLAN, uint32(binary.BigEndian.Uint16(b)&0x0fff))
	return d.lengthOrType(binary.BigEndian.Uint16(b[2:]), b[4:], wire-4, seg)
}

// llc reads an IEEE 802.2 header, and SNAP after it (RFC 1042).
func (d *Decoder) llc(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		header = 3
		snap   = header + 5

		ui      = 0x03 // unnumbered information
		sapIP   = 0x06
		sapSNAP = 0xaa

		ouiEthernet = 0x000000 // an EtherType follows
		ouiBridge   = 0x0000f8 // the same, through a bridge (IEEE 802.1H)
	)
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	switch {
	case b[0] == sapIP && b[1] == sapIP && b[2] == ui:
		return d.ipv4(b[header:], wire-header, seg)
	case b[0] != sapSNAP || b[1] != sapSNAP || b[2] != ui:
		return NotTCP
	case len(b) < snap:
		return short(wire, snap, MalformedLink)
	}
	switch oui := uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5]); oui {
	case ouiEthernet, ouiBridge:
		return d.etherType(binary.BigEndian.Uint16(b[6:]), b[snap:], wire-snap, seg)
	}
	return NotTCP
}
