package decode

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// maxSenders is how many senders checksums remembers. No segment of later ones
// counts as damaged.
const maxSenders = 1 << 16

// checksums verifies TCP checksums. A capture on the sending host sees segments
// before the network card has computed their checksum. So a wrong one proves
// damage only if the same sender has sent a correct one.
type checksums struct {
	correct map[[16]byte]struct{} // addresses that have sent a correct one
}

// bad reports whether the whole segment b is provably damaged.
func (c *checksums) bad(b []byte, seg *reassembly.Segment) bool {
	_, correct := c.correct[seg.Src.Addr]
	switch packet.SumOf(b, seg) {
	case packet.Wrong:
		return correct
	case packet.Right:
		if !correct && len(c.correct) < maxSenders {
			if c.correct == nil {
				c.correct = make(map[[16]byte]struct{})
			}
			c.correct[seg.Src.Addr] = struct{}{}
		}
	}
	return false
}

// headerRight reports whether the checksum of an IPv4 header without options is right (RFC 1071), or not
// filled in. Whether a remainder is 0 takes one multiplication: the compiler knows that, unless it needs the remainder, too.
func headerRight(ip *[header4]byte) bool { return headerSum(ip)%0xffff == 0 || ip[10]|ip[11] == 0 }

// headerError is by how much it is wrong, as the machine adds: 0 if it is right.
func headerError(ip *[header4]byte) uint16 { return uint16(headerSum(ip) % 0xffff) }

// headerSum is the sum of the header, of which only the remainder by 0xffff matters.
func headerSum(ip *[header4]byte) uint64 {
	sum, carry := bits.Add64(binary.LittleEndian.Uint64(ip[0:]), binary.LittleEndian.Uint64(ip[8:]), 0)
	sum, carry = bits.Add64(sum, uint64(binary.LittleEndian.Uint32(ip[16:])), carry)
	return sum + carry
}

// header counts an IPv4 header that was not decoded in one pass. One that is wrong by as much as another of the latest does
// not count: who replaces addresses or lowers the TTL without a new checksum is wrong by the same each time. Nor
// does a packet that a network card is yet to split.
func (d *Decoder) header(ip *[header4]byte) {
	switch wrong := headerError(ip); {
	case ip[0] != 4<<4|header4/4 || binary.BigEndian.Uint16(ip[2:]) > ethernetMTU:
	case wrong == 0 || ip[10]|ip[11] == 0:
		d.Right++
	case !slices.Contains(d.errors[:], wrong):
		d.errors[d.next%len(d.errors)] = wrong
		d.next++
		d.Wrong++
	}
}
