package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The bytes of IP headers without options.
const header4, header6 = 20, 40

// Plain decodes an Ethernet frame as Decode does, if it is what nearly every frame is. It reports
// false if it is anything else, and leaves it to Decode.
func (d *Decoder) Plain(data []byte, wire int, seg *reassembly.Segment) bool {
	if len(data) < ethernetHeader+header4+tcpHeader || d.layers || d.VerifyChecksums {
		return false
	}
	wire = max(wire, len(data))
	d.longest = max(d.longest, wire)
	seg.Tunnel, seg.Link, seg.ICMP = 0, addressPair(data), reassembly.ICMP{}
	if !plainPacket(binary.BigEndian.Uint16(data[ethernetHeader-2:]), data[ethernetHeader:], wire-ethernetHeader, seg) {
		return false
	}
	d.Right++
	return true
}

// plainPacket decodes in one pass what nearly every packet is: whole, without IP options or
// extension headers, a TCP segment. It reports false, and leaves the packet to the layers, if it
// is anything else. wire is how much of it the frame had.
func plainPacket(etherType uint16, b []byte, wire int, seg *reassembly.Segment) bool {
	var length int // of the segment, header included
	switch {
	case etherType == typeIPv4 && len(b) >= header4+tcpHeader:
		ip := (*[header4]byte)(b)
		if ip[0] != 4<<4|header4/4 || ip[9] != protoTCP || binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 || !headerRight(ip) {
			return false
		}
		length = int(binary.BigEndian.Uint16(ip[2:])) - header4
		seg.IPID = binary.BigEndian.Uint16(ip[4:])
		seg.TTL = ip[8]
		mapIPv4(&seg.Src.Addr, ip[12:])
		mapIPv4(&seg.Dst.Addr, ip[16:])
		b, wire = b[header4:], wire-header4
	case etherType == typeIPv6 && len(b) >= header6+tcpHeader:
		ip := (*[header6]byte)(b)
		if ip[0]>>4 != 6 || ip[6] != protoTCP {
			return false
		}
		length = int(binary.BigEndian.Uint16(ip[4:]))
		seg.IPID = 0
		seg.TTL = ip[7]
		seg.Src.Addr = [16]byte(ip[8:])
		seg.Dst.Addr = [16]byte(ip[24:])
		b, wire = b[header6:], wire-header6
	default:
		return false
	}
	tcp := (*[tcpHeader]byte)(b)
	n := int(tcp[12]>>4) * 4
	seg.Opts = reassembly.Options{}
	switch {
	case n == tcpHeader+12 && len(b) >= tcpHeader+12 && binary.BigEndian.Uint32(b[tcpHeader:]) == timestampsOnly:
		setTimestamps(b[tcpHeader+4:tcpHeader+12], &seg.Opts)
	case n > tcpHeader:
		readOptions(b[tcpHeader:min(len(b), n)], n-tcpHeader, &seg.Opts)
	case n < tcpHeader:
		return false
	}
	seg.Src.Port = binary.BigEndian.Uint16(tcp[0:])
	seg.Dst.Port = binary.BigEndian.Uint16(tcp[2:])
	seg.Seq = reassembly.Seq(binary.BigEndian.Uint32(tcp[4:]))
	seg.Ack = reassembly.Seq(binary.BigEndian.Uint32(tcp[8:]))
	seg.Flags = reassembly.Flags(tcp[13])
	seg.Window = binary.BigEndian.Uint16(tcp[14:])
	seg.Len = uint32(length - n)
	return length >= n && length <= wire
}
