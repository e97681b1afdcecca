package packet

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

const (
	protoICMP   = 1
	protoICMPv6 = 58

	icmpHeader = 8
	icmpTTL    = 64
)

// Payload is how many bytes the frame has on the wire beyond the headers that Append
// writes: none follow the quote of an ICMP error.
func Payload(seg *reassembly.Segment) int {
	if seg.IsQuote() {
		return 0
	}
	return int(seg.Len)
}

// appendICMP appends EtherType, IP and ICMP header of the error that quotes seg, and
// the quote: its IP header and eight bytes of TCP (RFC 792).
func appendICMP(dst []byte, seg *reassembly.Segment) []byte {
	about := *seg
	about.ICMP = reassembly.ICMP{}
	quote := appendIP(nil, &about, 20+seg.Len, protoTCP)[2:] // without EtherType
	quote = binary.BigEndian.AppendUint16(quote, seg.Src.Port)
	quote = binary.BigEndian.AppendUint16(quote, seg.Dst.Port)
	quote = binary.BigEndian.AppendUint32(quote, uint32(seg.Seq))

	outer := reassembly.Segment{Src: reassembly.Endpoint{Addr: seg.Reporter()}, Dst: seg.Src, TTL: icmpTTL}
	protocol, pseudo := byte(protoICMP), uint64(0)
	length := icmpHeader + len(quote)
	if IsIPv6(&about) {
		protocol = protoICMPv6
		pseudo = add(outer.Src.Addr[:]) + add(outer.Dst.Addr[:]) + uint64(length) + protoICMPv6
	}
	dst = appendIP(dst, &outer, uint32(length), protocol)
	start := len(dst)
	dst = append(dst, seg.ICMP.Type, seg.ICMP.Code, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, seg.MTU())
	dst = append(dst, quote...)
	binary.BigEndian.PutUint16(dst[start+2:], checksum(dst[start:], pseudo))
	return dst
}
