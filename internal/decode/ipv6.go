package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

func (d *Decoder) ipv6(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 40
	if d.plain() && plainPacket(typeIPv6, b, wire, seg) {
		return OK
	}
	if len(b) < header {
		return short(wire, header, MalformedIP)
	}
	if !d.descend() {
		return Undecodable
	}
	if b[0]>>4 != 6 {
		return MalformedIP
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	next := b[6]
	seg.IPID = 0
	seg.TTL = b[7]
	seg.Src.Addr = [16]byte(b[8:24])
	seg.Dst.Addr = [16]byte(b[24:40])
	packet := b
	b, wire = b[header:], wire-header
	if length == 0 {
		length = wire
		if next == protoHopByHop {
			length = jumbo(b, wire)
		}
	}
	length = d.lengthOf(packet, header, wire+header, length+header, next) - header
	d.bounded, d.nested = false, true
	if length > maxPacket {
		return MalformedIP
	}
	b, wire = b[:min(len(b), length)], length
	if next == protoTCP {
		return d.tcp(b, wire, seg)
	}
	return d.extensions(next, b, wire, seg)
}

// extensions follows the chain of extension headers (RFC 8200 4), each of at
// least eight bytes, to the payload of the packet. The authentication header (RFC
// 4302) is one of them, and the only one that IPv4 has as well.
func (d *Decoder) extensions(next uint8, b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 8
	for isExtension(next) {
		if len(b) < header {
			return short(wire, header, MalformedIP)
		}
		n := (int(b[1]) + 1) * 8
		switch next {
		case protoAH:
			n = (int(b[1]) + 2) * 4
		case protoFragment:
			n = header // its second byte is reserved
		}
		if n < header || wire < n {
			return MalformedIP
		}
		if len(b) < n {
			return Truncated
		}
		switch next {
		case protoRouting:
			finalDestination(b[:n], seg)
		case protoFragment:
			// An atomic fragment, the whole packet at offset 0, is not a
			// fragment (RFC 6946).
			if cut := binary.BigEndian.Uint16(b[2:]); cut&^0x0006 != 0 {
				return d.fragment(fragment{
					id:       binary.BigEndian.Uint32(b[4:]),
					protocol: b[0],
					offset:   int(cut &^ 7),
					more:     cut&1 != 0,
					reason:   IPv6Fragment,
				}, b[n:], wire-n, seg)
			}
		}
		next, b, wire = b[0], b[n:], wire-n
	}
	return d.payload(next, b, wire, seg)
}

func isExtension(next uint8) bool {
	switch next {
	case protoHopByHop, protoRouting, protoFragment, protoAH, protoDestOpts,
		protoMobility, protoHIP, protoShim6:
		return true
	}
	return false
}

// finalDestination makes the last stop of a routing header the receiver, if there
// are stops left: the TCP checksum covers that address, and it is the one that
// answers (RFC 8200 8.1). Types 0 and 2 list the stops in order, type 4 (segment
// routing) in reverse (RFC 8754 2). Other types are ignored.
func finalDestination(b []byte, seg *reassembly.Segment) {
	const header, address = 8, 16
	kind, left := b[2], b[3]
	if left == 0 || len(b) < header+address {
		return
	}
	switch kind {
	case 0, 2:
		last := (len(b) - header) / address * address
		seg.Dst.Addr = [16]byte(b[header+last-address:])
	case 4:
		seg.Dst.Addr = [16]byte(b[header:])
	}
}

// jumbo returns the payload length of a packet whose header says 0: that of the
// jumbo payload option (RFC 2675 2) if its hop-by-hop header has one, otherwise
// wire, the rest of the frame.
func jumbo(b []byte, wire int) int {
	const pad1, jumboPayload = 0, 0xc2
	if len(b) < 2 {
		return wire
	}
	for o := b[2:min(len(b), (int(b[1])+1)*8)]; len(o) >= 2; {
		if o[0] == pad1 {
			o = o[1:]
			continue
		}
		n := 2 + int(o[1])
		if n > len(o) {
			break
		}
		if o[0] == jumboPayload && n == 6 {
			return int(min(binary.BigEndian.Uint32(o[2:]), maxPacket+1))
		}
		o = o[n:]
	}
	return wire
}
