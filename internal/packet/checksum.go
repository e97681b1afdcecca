package packet

import (
	"encoding/binary"
	"math/bits"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Sum is the state of a TCP checksum.
type Sum uint8

// The states of checksums in captures.
const (
	Right     Sum = iota
	Offloaded     // only the pseudo-header's, for the network card to complete
	Wrong
)

// SumOf verifies the checksum of a whole TCP segment, header and payload, between
// the endpoints of seg (RFC 9293 3.1).
func SumOf(segment []byte, seg *reassembly.Segment) Sum {
	pseudo := pseudoSum(seg, uint64(len(segment)))
	switch field := binary.BigEndian.Uint16(segment[16:]); {
	case checksum(segment, pseudo) == 0:
		return Right
	case offloaded(field, pseudo, uint64(len(segment))):
		return Offloaded
	}
	return Wrong
}

// field is the checksum field of the segment that begins with header. The payload
// is all zeroes and adds nothing.
func (s Sum) field(header []byte, pseudo, length uint64) uint16 {
	right := checksum(header, pseudo)
	switch s {
	case Offloaded:
		return ^checksum(nil, pseudo)
	case Wrong:
		wrong := right ^ 1 // sums that differ in one bit are different
		for bit := uint16(2); offloaded(wrong, pseudo, length); bit <<= 1 {
			wrong = right ^ bit
		}
		return wrong
	}
	return right
}

// offloaded reports whether field is the sum of the pseudo-header alone: with the
// segment's length or, if the card is to split a large segment, without it.
func offloaded(field uint16, pseudo, length uint64) bool {
	sum := ^checksum(nil, pseudo)
	return field == sum || ^checksum(nil, uint64(field)+length) == sum
}

// pseudoSum adds up the pseudo-header of the TCP checksum (RFC 9293 3.1, RFC 8200
// 8.1). The 0xffff before an IPv4 address is zero in one's complement.
func pseudoSum(seg *reassembly.Segment, length uint64) uint64 {
	return add(seg.Src.Addr[:]) + add(seg.Dst.Addr[:]) + length + protoTCP
}

// checksum is the Internet checksum (RFC 1071) of b, added to sum.
func checksum(b []byte, sum uint64) uint16 {
	sum += add(b)
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// add adds b as 16-bit words in network order, padded with zeroes, in one's
// complement. The result is not folded yet, and leaves room for some additions.
func add(b []byte) uint64 {
	var s, carry uint64
	for ; len(b) >= 8; b = b[8:] {
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b), carry)
	}
	var tail [8]byte
	copy(tail[:], b)
	s, carry = bits.Add64(s, binary.BigEndian.Uint64(tail[:]), carry)
	return s>>32 + s&0xffffffff + carry
}
