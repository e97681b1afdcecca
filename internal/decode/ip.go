package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Protocol numbers (IANA registry), which IPv6 calls next header.
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIPv4     = 4
	protoTCP      = 6
	protoUDP      = 17
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoESP      = 50
	protoAH       = 51
	protoICMPv6   = 58
	protoDestOpts = 60
	protoEtherIP  = 97
	protoIPComp   = 108
	protoMobility = 135
	protoMPLS     = 137
	protoHIP      = 139
	protoShim6    = 140
)

// ip reads IPv4 or IPv6, as the version says.
func (d *Decoder) ip(b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) < 1 {
		return short(wire, 1, MalformedIP)
	}
	switch b[0] >> 4 {
	case 4:
		return d.ipv4(b, wire, seg)
	case 6:
		return d.ipv6(b, wire, seg)
	}
	return NotTCP
}

func (d *Decoder) ipv4(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		header       = 20
		moreOrOffset = 0x3fff // the rest are don't-fragment and a reserved bit
	)
	if d.plain() && plainPacket(typeIPv4, b, wire, seg) {
		d.Right++
		return OK
	}
	if len(b) < header {
		return short(wire, header, MalformedIP)
	}
	d.header((*[header4]byte)(b))
	if !d.descend() {
		return Undecodable
	}
	n := int(b[0]&0x0f) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		total = wire
	}
	if b[0]>>4 != 4 || n < header || total < n || total > maxPacket {
		return MalformedIP
	}
	if len(b) < n {
		return short(wire, n, MalformedIP)
	}
	total = d.lengthOf(b, n, wire, total, b[9])
	d.bounded, d.nested = false, true
	seg.IPID = binary.BigEndian.Uint16(b[4:])
	seg.TTL = b[8]
	mapIPv4(&seg.Src.Addr, b[12:])
	mapIPv4(&seg.Dst.Addr, b[16:])
	protocol, cut := b[9], binary.BigEndian.Uint16(b[6:])&moreOrOffset
	b, wire = b[n:min(len(b), total)], total-n
	switch {
	case cut != 0:
		return d.fragment(fragment{
			id:       uint32(seg.IPID),
			protocol: protocol,
			offset:   int(cut&0x1fff) * 8,
			more:     cut&0x2000 != 0,
			reason:   IPv4Fragment,
		}, b, wire, seg)
	case protocol == protoTCP:
		return d.tcp(b, wire, seg)
	}
	return d.payload(protocol, b, wire, seg)
}

// mapIPv4 stores the IPv4 address at the start of b as ::ffff:a.b.c.d (RFC 4291
// 2.5.5.2).
func mapIPv4(to *[16]byte, b []byte) {
	binary.LittleEndian.PutUint64(to[0:], 0)
	binary.LittleEndian.PutUint64(to[8:], uint64(binary.LittleEndian.Uint32(b))<<32+0xffff0000) // in one store, as hashing loads it
}

// payload reads the payload of an IP packet.
func (d *Decoder) payload(protocol uint8, b []byte, wire int, seg *reassembly.Segment) Reason {
	switch protocol {
	case protoTCP:
		return d.tcp(b, wire, seg)
	case protoUDP:
		return d.udp(b, wire, seg)
	case protoGRE:
		return d.gre(b, wire, seg)
	case protoIPv4:
		seg.Tunnel = mix(seg.Tunnel, tagIPIP, protoIPv4)
		return d.ipv4(b, wire, seg)
	case protoIPv6:
		seg.Tunnel = mix(seg.Tunnel, tagIPIP, protoIPv6)
		return d.ipv6(b, wire, seg)
	case protoMPLS:
		return d.mpls(b, wire, seg)
	case protoEtherIP:
		return d.etherIP(b, wire, seg)
	case protoICMP, protoICMPv6:
		return icmp(protocol, b, seg)
	case protoAH:
		return d.extensions(protoAH, b, wire, seg)
	case protoESP:
		return Encrypted
	case protoIPComp: // compressed (RFC 3173)
		return Undecodable
	}
	return NotTCP
}
