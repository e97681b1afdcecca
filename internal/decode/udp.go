package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

const portDNS = 53

// udp reads datagrams to the ports of tunnels, and from them: there are tunnels whose other end
// chooses its port, and answers that come from where the request went. A port is only a hint: a
// datagram that turns out to be malformed was not a tunnel.
func (d *Decoder) udp(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 8
	if len(b) < header {
		return short(wire, header, NotTCP)
	}
	from, to := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	b, wire = b[header:], wire-header
	if d.DNS != nil && from == portDNS {
		d.DNS(b)
	}
	tunnel, link, depth := seg.Tunnel, seg.Link, d.depth
	if r := d.inUDP(to, b, wire, seg); r != NotTCP || from == to {
		return r
	}
	seg.Tunnel, seg.Link, d.depth, d.bounded = tunnel, link, depth, false
	return d.inUDP(from, b, wire, seg)
}

// inUDP reads what the port of a tunnel announces.
func (d *Decoder) inUDP(port uint16, b []byte, wire int, seg *reassembly.Segment) Reason {
	r := NotTCP
	switch port {
	case 1701:
		r = d.l2tp(b, wire, seg)
	case 2152:
		r = d.gtp(b, wire, seg)
	case 3544:
		r = d.teredo(b, wire, seg)
	case 4754: // RFC 8086
		r = d.gre(b, wire, seg)
	case 4789, 8472: // the registered port, and the one that Linux used before
		r = d.vxlan(b, wire, seg)
	case 4790:
		r = d.vxlanGPE(b, wire, seg)
	case 5000, 5555: // as Cisco's and Aruba's access points send it
		if r = d.overheard(b, wire, seg); r == Undecodable { // it was something else
			r = NotTCP
		}
	case 5072:
		r = d.ayiya(b, wire, seg)
	case 5247:
		r = d.capwap(b, wire, seg)
	case 6081:
		r = d.geneve(b, wire, seg)
	case 6635: // RFC 7510
		r = d.mpls(b, wire, seg)
	case 37008: // as MikroTik's routers send it
		r = d.tzsp(b, wire, seg)
	}
	if r.malformed() {
		return NotTCP
	}
	return r
}

// l2tp reads a data message of L2TP version 2 (RFC 2661 3.1), which carries PPP. That of
// version 3 has a cookie of a length that only the two ends know (RFC 3931 4.1).
func (d *Decoder) l2tp(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		control  = 0x8000
		length   = 0x4000
		sequence = 0x0800
		offset   = 0x0200
		priority = 0x0100
		version  = 0x000f
		known    = control | length | sequence | offset | priority | version
		ids      = 4
	)
	if len(b) < 2 {
		return short(wire, 2, NotTCP)
	}
	flags := binary.BigEndian.Uint16(b)
	if flags&control != 0 || flags&^uint16(known) != 0 || flags&version != 2 {
		return NotTCP
	}
	n := 2 + ids
	if flags&length != 0 {
		n += 2
	}
	if flags&sequence != 0 {
		n += 4
	}
	if flags&offset != 0 {
		if n += 2; len(b) < n {
			return short(wire, n, NotTCP)
		}
		n += int(binary.BigEndian.Uint16(b[n-2:]))
	}
	if len(b) < n {
		return short(wire, n, NotTCP)
	}
	seg.Tunnel = mix(seg.Tunnel, tagL2TP, 0)
	size := 0
	if flags&length != 0 {
		size = int(binary.BigEndian.Uint16(b[2:])) - n
	}
	b, wire = d.within(size, b[n:], wire-n)
	return d.ppp(b, wire, seg)
}

// teredo reads IPv6 in UDP (RFC 4380 5.1.1), before which may be an authentication and an
// origin indication. The packet fills the datagram, or it is something else.
func (d *Decoder) teredo(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		authentication, authenticationHeader = 0x0001, 13 // and the identifier and value whose lengths it has
		origin, originHeader                 = 0x0000, 8
	)
	if len(b) >= 4 && binary.BigEndian.Uint16(b) == authentication {
		n := authenticationHeader + int(b[2]) + int(b[3])
		if len(b) < n {
			return short(wire, n, NotTCP)
		}
		b, wire = b[n:], wire-n
	}
	if len(b) >= 2 && binary.BigEndian.Uint16(b) == origin {
		if len(b) < originHeader {
			return short(wire, originHeader, NotTCP)
		}
		b, wire = b[originHeader:], wire-originHeader
	}
	seg.Tunnel = mix(seg.Tunnel, tagTeredo, 0)
	return d.filling(b, wire, seg)
}

// filling reads an IPv6 packet that fills its datagram. Otherwise, it is something else.
func (d *Decoder) filling(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 40
	switch {
	case len(b) >= 4 && b[0]>>4 != 6:
		return NotTCP
	case len(b) < header:
		return short(wire, header, NotTCP)
	case header+int(binary.BigEndian.Uint16(b[4:])) != wire:
		return NotTCP
	}
	return d.ipv6(b, wire, seg)
}

// ayiya reads Anything in Anything (draft-massar-v6ops-ayiya-02 4): the lengths of an identity and
// of a signature, what to do with the packet and what it is, the time, identity and signature.
func (d *Decoder) ayiya(b []byte, wire int, seg *reassembly.Segment) Reason {
	const fixed, low, forward = 8, 0x0f, 1
	if len(b) < fixed {
		return short(wire, fixed, NotTCP)
	}
	n := fixed + 1<<(b[0]>>4) + int(b[1]>>4)*4
	switch {
	case b[2]&low != forward || b[3] != protoIPv6:
		return NotTCP
	case len(b) < n:
		return short(wire, n, NotTCP)
	}
	seg.Tunnel = mix(seg.Tunnel, tagAYIYA, 0)
	return d.filling(b[n:], wire-n, seg)
}

// tzsp reads TaZmen Sniffer Protocol, in which routers and access points send what they
// capture (Wireshark, packet-tzsp.c): version, type, encapsulation, and fields up to an end mark.
func (d *Decoder) tzsp(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		header   = 4
		version  = 1
		transmit = 1 // largest type that carries a frame

		padding = 0 // fields without a length
		end     = 1

		ethernet, wifi = 1, 18
	)
	if len(b) < header {
		return short(wire, header, NotTCP)
	}
	if b[0] != version || b[1] > transmit {
		return NotTCP
	}
	n, encapsulation := header, binary.BigEndian.Uint16(b[2:])
	for n < len(b) {
		switch {
		case b[n] == end && encapsulation == ethernet:
			return d.inside(linkEthernet, b[n+1:], wire-n-1, seg)
		case b[n] == end && encapsulation == wifi:
			return d.wifi(b[n+1:], wire-n-1, wifiForm{}, seg)
		case b[n] == end:
			return NotTCP
		case b[n] == padding:
			n++
		case n+1 < len(b):
			n += 2 + int(b[n+1])
		default:
			n += 2
		}
	}
	return short(wire, n+1, NotTCP)
}
