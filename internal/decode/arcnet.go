package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// arcnet reads what follows the n bytes of two addresses, and of the offset that Linux has
// between them and the protocol: for most protocols a split flag and a sequence number
// (RFC 1201 2), before which BSD leaves the header of an exception packet. Systems hand on whole
// packets, with the flag of their first frame.
func (d *Decoder) arcnet(n int, b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		old4, ip4, ip6 = 240, 212, 196 // RFC 1051, RFC 1201, RFC 2497 4
		split          = 3             // flag and sequence number
		exception      = 0xff          // as a flag: two bytes of padding, and the protocol again
		exceptionBytes = 4
	)
	if len(b) < n+1 {
		return short(wire, n+1, MalformedLink)
	}
	seg.Link = onlyPath(fold(uint64(binary.BigEndian.Uint16(b))))
	protocol := b[n]
	if n++; protocol == old4 {
		return d.ipv4(b[n:], wire-n, seg)
	}
	if protocol != ip4 && protocol != ip6 {
		return NotTCP
	}
	if len(b) > n && b[n] == exception {
		n += exceptionBytes
	}
	if len(b) < n+split {
		return short(wire, n+split, MalformedLink)
	}
	if flag := b[n]; flag != 0 && flag&1 == 0 { // not the first frame
		return Undecodable
	}
	if n += split; protocol == ip6 {
		return d.ipv6(b[n:], wire-n, seg)
	}
	return d.ipv4(b[n:], wire-n, seg)
}
