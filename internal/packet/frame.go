// Package packet builds Ethernet frames from TCP segments, for scenarios and
// anonymised captures, and computes TCP checksums.
package packet

import (
	"encoding/binary"
	"math"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Form has the parts of a frame that are not in its segment. The zero value is
// a frame without tags, with zero addresses and a correct checksum.
type Form struct {
	Dst, Src  [6]byte  // link-layer addresses
	Tags      []uint16 // VLAN identifiers, outermost first
	Options   []byte   // of TCP, in place of the segment's
	TCPHeader int      // minimum length of the TCP header in bytes, up to 60
	Sum       Sum
}

// maxHeader is the longest TCP header (RFC 9293 3.1: the data offset has four
// bits).
const maxHeader = 60

const (
	typeVLAN = 0x8100
	typeIPv4 = 0x0800
	typeIPv6 = 0x86dd

	protoTCP = 6
)

// Append appends the segment's Ethernet frame without its payload, cut inside the
// TCP options if the segment has OptionsCut. It also returns the length of the
// headers on the wire. The segment's options must fit (see OptionBytes). Of a quote it
// appends the ICMP error.
func Append(dst []byte, seg *reassembly.Segment, form Form) (frame []byte, headers int) {
	start := len(dst)
	dst = append(append(dst, form.Dst[:]...), form.Src[:]...)
	for _, tag := range form.Tags {
		dst = binary.BigEndian.AppendUint16(dst, typeVLAN)
		dst = binary.BigEndian.AppendUint16(dst, tag)
	}
	if seg.IsQuote() {
		dst = appendICMP(dst, seg)
		return dst, len(dst) - start
	}
	var buf [maxHeader]byte
	tcp, captured := appendTCP(buf[:0], seg, &form)
	length := uint32(len(tcp)) + seg.Len
	dst = appendIP(dst, seg, length, protoTCP)
	binary.BigEndian.PutUint16(tcp[16:], form.Sum.field(tcp, pseudoSum(seg, uint64(length)), uint64(length)))
	headers = len(dst) - start + len(tcp)
	return append(dst, tcp[:captured]...), headers
}

// IsIPv6 reports whether the segment needs an IPv6 header.
func IsIPv6(seg *reassembly.Segment) bool {
	return seg.Src.AddrPort().Addr().Is6() || seg.Dst.AddrPort().Addr().Is6()
}

// appendIP writes the EtherType and the header of a packet with a payload of length
// bytes. A length that is too large for the header becomes 0, as with segmentation
// offload.
func appendIP(dst []byte, seg *reassembly.Segment, length uint32, protocol byte) []byte {
	if IsIPv6(seg) {
		if length > math.MaxUint16 {
			length = 0
		}
		dst = binary.BigEndian.AppendUint16(dst, typeIPv6)
		dst = append(dst, 0x60, 0, 0, 0)
		dst = binary.BigEndian.AppendUint16(dst, uint16(length))
		dst = append(dst, protocol, seg.TTL)
		return append(append(dst, seg.Src.Addr[:]...), seg.Dst.Addr[:]...)
	}
	if length += 20; length > math.MaxUint16 {
		length = 0
	}
	dst = binary.BigEndian.AppendUint16(dst, typeIPv4)
	start := len(dst)
	dst = append(dst, 0x45, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(length))
	dst = binary.BigEndian.AppendUint16(dst, seg.IPID)
	dst = append(dst, 0x40, 0, seg.TTL, protocol, 0, 0) // don't fragment
	dst = append(append(dst, seg.Src.Addr[12:]...), seg.Dst.Addr[12:]...)
	binary.BigEndian.PutUint16(dst[start+10:], checksum(dst[start:], 0))
	return dst
}
