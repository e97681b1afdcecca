package packet

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Sum says what a TCP checksum is worth.
type Sum uint8

// The checksums that captures hold.
const (
	Right     Sum = iota
	Offloaded     // the pseudo header's alone: the network card was to complete it
	Wrong
)

// SumOf judges the checksum of a whole TCP segment, header and payload, between
// the endpoints of seg.
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

// field is the checksum field of the segment that begins with header. The
// payload is zeroes and adds nothing.
func (s Sum) field(header []byte, pseudo, length uint64) uint16 {
	right := checksum(header, pseudo)
	switch s {
	case Offloaded:
		return ^checksum(nil, pseudo)
	case Wrong:
		wrong := right ^ 1 // sums that differ in one bit differ
		for bit := uint16(2); offloaded(wrong, pseudo, length); bit <<= 1 {
			wrong = right ^ bit
		}
		return wrong
	}
	return right
}

// offloaded reports whether the field is the pseudo header's sum: with the
// segment's length or, to cut a large segment into several, without it.
func offloaded(field uint16, pseudo, length uint64) bool {
	sum := ^checksum(nil, pseudo)
	return field == sum || ^checksum(nil, uint64(field)+length>>16+length&0xffff) == sum
}

// pseudoSum adds up the pseudo header of the TCP checksum (RFC 9293 3.1, RFC
// 8200 8.1). The 0xffff before an IPv4 address is zero in one's complement.
func pseudoSum(seg *reassembly.Segment, length uint64) uint64 {
	return add(add(0, seg.Src.Addr[:]), seg.Dst.Addr[:]) + length>>16 + length&0xffff + protoTCP
}

// checksum is the Internet checksum (RFC 1071) of the bytes behind what sum
// has added up.
func checksum(b []byte, sum uint64) uint16 {
	sum = add(sum, b)
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// add adds bytes as words in network order, the last one filled up with zero.
func add(sum uint64, b []byte) uint64 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) > 0 {
		sum += uint64(b[0]) << 8
	}
	return sum
}
