package decode

import (
	"encoding/binary"
	"math"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

const (
	icmpHeader = 8

	// quoted is how much of the segment an error quotes at least (RFC 792): ports and
	// sequence number.
	quoted = 8
	// dataOffset is where the byte lies that has the length of the header in its high bits.
	dataOffset = 12
)

// icmp reads an ICMP or ICMPv6 error: seg becomes the segment that it quotes.
//
// The error's receiver takes the place of the quoted sender's address. They differ
// where a NAT translated the error and not its quote (RFC 5508 4.2 requires both); the
// connection that the tap sees is the receiver's.
func icmp(protocol uint8, b []byte, seg *reassembly.Segment) Reason {
	if len(b) < icmpHeader {
		return NotTCP
	}
	e, mtu := reassembly.ICMP{Type: b[0], Code: b[1]}, uint16(0)
	switch {
	case protocol == protoICMP && e.Type == 3: // destination unreachable; code 4 tells the MTU (RFC 1191 4)
		if e.Code == 4 {
			mtu = binary.BigEndian.Uint16(b[6:])
		}
	case protocol == protoICMP && (e.Type == 11 || e.Type == 12): // time exceeded, parameter problem
	case protocol == protoICMPv6 && e.Type == 2: // packet too big
		mtu = uint16(min(binary.BigEndian.Uint32(b[4:]), math.MaxUint16))
	case protocol == protoICMPv6 && (e.Type == 1 || e.Type == 3 || e.Type == 4):
	default:
		return NotTCP
	}
	reporter, receiver := seg.Src.Addr, seg.Dst.Addr
	tunnel, link := seg.Tunnel, seg.Link
	*seg = reassembly.Segment{Tunnel: tunnel, Link: link, ICMP: e}
	if protocol == protoICMP && !quoteIPv4(b[icmpHeader:], seg) || protocol == protoICMPv6 && !quoteIPv6(b[icmpHeader:], seg) {
		return NotTCP
	}
	seg.Src.Addr = receiver
	seg.SetMTU(mtu)
	seg.SetReporter(reporter)
	return ICMPError
}

// quoteIPv4 reads a quoted IPv4 packet and reports whether it is, or begins, a TCP
// segment. One inside a tunnel does not count: the error went to the tunnel's end.
func quoteIPv4(b []byte, seg *reassembly.Segment) bool {
	const header = 20
	if len(b) < header || b[0]>>4 != 4 || b[9] != protoTCP || binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
		return false
	}
	n, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if n < header || len(b) < n {
		return false
	}
	seg.IPID, seg.TTL = binary.BigEndian.Uint16(b[4:]), b[8]
	mapIPv4(&seg.Src.Addr, b[12:])
	mapIPv4(&seg.Dst.Addr, b[16:])
	return quoteTCP(b[n:], total-n, seg)
}

// quoteIPv6 reads a quoted IPv6 packet.
func quoteIPv6(b []byte, seg *reassembly.Segment) bool {
	const header = 40
	if len(b) < header || b[0]>>4 != 6 {
		return false
	}
	length, next := int(binary.BigEndian.Uint16(b[4:])), b[6]
	seg.TTL = b[7]
	seg.Src.Addr, seg.Dst.Addr = [16]byte(b[8:24]), [16]byte(b[24:40])
	for b = b[header:]; next != protoTCP; {
		if !isExtension(next) || next == protoAH || len(b) < 8 {
			return false
		}
		n := (int(b[1]) + 1) * 8
		if next == protoFragment {
			if n = 8; binary.BigEndian.Uint16(b[2:])&^7 != 0 { // not the first
				return false
			}
		}
		if len(b) < n {
			return false
		}
		next, b, length = b[0], b[n:], length-n
	}
	return quoteTCP(b, length, seg)
}

// quoteTCP reads what is quoted of a segment of length bytes. Where the quote ends
// before the data offset, the header counts as one without options.
func quoteTCP(b []byte, length int, seg *reassembly.Segment) bool {
	if len(b) < quoted || length < tcpHeader {
		return false
	}
	seg.Src.Port, seg.Dst.Port = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	seg.Seq = reassembly.Seq(binary.BigEndian.Uint32(b[4:]))
	header := tcpHeader
	if len(b) > dataOffset {
		header = min(max(int(b[dataOffset]>>4)*4, tcpHeader), length)
	}
	seg.Len = uint32(length - header)
	return true
}
