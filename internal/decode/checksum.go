package decode

import (
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
