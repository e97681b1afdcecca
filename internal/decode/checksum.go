package decode

import (
	"encoding/binary"
	"math/bits"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// maxSenders is how many senders checksums remembers. No segment of later ones
// counts as damaged.
const maxSenders = 1 << 16

// checksums verifies TCP checksums (RFC 9293 3.1). A capture on the sending host
// sees segments before the network card has computed their checksum. So a wrong
// one proves damage only if the same sender has sent a correct one.
type checksums struct {
	correct map[[16]byte]struct{} // addresses that have sent a correct one
}

// bad reports whether the whole segment b is provably damaged.
func (c *checksums) bad(b []byte, seg *reassembly.Segment) bool {
	pseudo := pseudoHeader(seg, len(b))
	_, correct := c.correct[seg.Src.Addr]
	if fold16(pseudo+sum(b)) == 0xffff {
		if !correct && len(c.correct) < maxSenders {
			if c.correct == nil {
				c.correct = make(map[[16]byte]struct{})
			}
			c.correct[seg.Src.Addr] = struct{}{}
		}
		return false
	}
	return correct && !partial(binary.BigEndian.Uint16(b[16:]), pseudo, len(b))
}

// partial reports whether field is the sum of the pseudo-header alone, which a
// sender leaves for its network card to complete: with the segment's length or,
// if the card is to split a large segment, without it.
func partial(field uint16, pseudo uint64, length int) bool {
	return field == fold16(pseudo) || fold16(uint64(field)+uint64(length)) == fold16(pseudo)
}

// pseudoHeader sums addresses, protocol and length (RFC 9293 3.1, RFC 8200 8.1).
// The 0xffff before an IPv4 address is zero in one's complement.
func pseudoHeader(seg *reassembly.Segment, length int) uint64 {
	return uint64(fold16(sum(seg.Src.Addr[:])+sum(seg.Dst.Addr[:]))) + protoTCP + uint64(length)
}

// sum adds b as big-endian 16-bit words in one's complement (RFC 1071), not yet
// folded, with room for a few more additions.
func sum(b []byte) uint64 {
	var s, carry uint64
	for ; len(b) >= 8; b = b[8:] {
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b), carry)
	}
	var tail [8]byte
	copy(tail[:], b)
	s, carry = bits.Add64(s, binary.BigEndian.Uint64(tail[:]), carry)
	return s>>32 + s&0xffffffff + carry
}

// fold16 folds a sum into 16 bits.
func fold16(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
