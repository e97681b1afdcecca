package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

const (
	tcpHeader = 20

	// tcpNeeded is how much of a header must have been captured: up to and
	// including the window. The checksum and the urgent pointer follow.
	tcpNeeded = 16
)

// tcp reads a TCP header (RFC 9293 3.1), the last layer. wire is the length of the
// segment, header included.
func (d *Decoder) tcp(b []byte, wire int, seg *reassembly.Segment) Reason {
	if wire < tcpHeader {
		return MalformedTCP
	}
	if len(b) < tcpNeeded {
		return Truncated
	}
	n := int(b[12]>>4) * 4
	if n < tcpHeader || n > wire {
		return MalformedTCP
	}
	seg.Src.Port = binary.BigEndian.Uint16(b)
	seg.Dst.Port = binary.BigEndian.Uint16(b[2:])
	seg.Seq = reassembly.Seq(binary.BigEndian.Uint32(b[4:]))
	seg.Ack = reassembly.Seq(binary.BigEndian.Uint32(b[8:]))
	seg.Flags = reassembly.Flags(b[13])
	seg.Window = binary.BigEndian.Uint16(b[14:])
	seg.Len = uint32(wire - n)
	seg.Opts = reassembly.Options{}
	if n > tcpHeader {
		readOptions(b[min(len(b), tcpHeader):min(len(b), n)], n-tcpHeader, &seg.Opts)
	}
	if d.VerifyChecksums && len(b) >= wire && d.sums.bad(b[:wire], seg) {
		return BadChecksum
	}
	return OK
}
