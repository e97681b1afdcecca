package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// plainIPv4 decodes in one pass what nearly every IPv4 packet is: whole, without IP
// options, a TCP segment with timestamps or no option at all. It reports false, and leaves
// the packet to the layers, if it is anything else.
func plainIPv4(b []byte, seg *reassembly.Segment) bool {
	const (
		ip   = 20
		data = ip + 12 // the data offset, in the high half of the byte
	)
	if len(b) < ip+tcpHeader {
		return false
	}
	total, n := int(binary.BigEndian.Uint16(b[2:])), int(b[data]>>4)*4
	if b[0] != 4<<4|ip/4 || b[9] != protoTCP || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 || total < ip+n {
		return false
	}
	switch {
	case n == tcpHeader:
		seg.Opts = reassembly.Options{}
	case n == tcpHeader+12 && len(b) >= ip+tcpHeader+12 && binary.BigEndian.Uint32(b[ip+tcpHeader:]) == timestampsOnly:
		seg.Opts = reassembly.Options{Has: reassembly.HasTimestamps,
			TSVal: binary.BigEndian.Uint32(b[ip+tcpHeader+4:]), TSEcr: binary.BigEndian.Uint32(b[ip+tcpHeader+8:])}
	default:
		return false
	}
	b = b[:ip+tcpHeader]
	seg.IPID = binary.BigEndian.Uint16(b[4:])
	seg.TTL = b[8]
	mapIPv4(&seg.Src.Addr, b[12:])
	mapIPv4(&seg.Dst.Addr, b[16:])
	seg.Src.Port = binary.BigEndian.Uint16(b[ip:])
	seg.Dst.Port = binary.BigEndian.Uint16(b[ip+2:])
	seg.Seq = reassembly.Seq(binary.BigEndian.Uint32(b[ip+4:]))
	seg.Ack = reassembly.Seq(binary.BigEndian.Uint32(b[ip+8:]))
	seg.Flags = reassembly.Flags(b[ip+13])
	seg.Window = binary.BigEndian.Uint16(b[ip+14:])
	seg.Len = uint32(total - ip - n)
	return true
}
