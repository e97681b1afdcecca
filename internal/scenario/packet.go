package scenario

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Limits of a line.
const (
	maxVLAN    = 4094          // IEEE 802.1Q 9.6
	maxPayload = 16<<20 - 1<<7 // far above segmentation offload (Linux GSO_MAX_SIZE is 512 KiB)
)

// appendPacket writes the segment's Ethernet frame without its payload. It also
// returns the length of the headers on the wire.
func appendPacket(dst []byte, seg *reassembly.Segment) (frame []byte, headers int) {
	form := packet.Form{Dst: mac(seg.Link%minDevice, seg.Dst), Src: mac(seg.Link, seg.Src)}
	if seg.IsQuote() { // the frame goes to the quoted sender
		form.Dst, form.Src = form.Src, mac(seg.Link, reassembly.Endpoint{Addr: seg.Reporter()})
	}
	if seg.Tunnel != 0 {
		form.Tags = []uint16{uint16(seg.Tunnel)}
	}
	return packet.Append(dst, seg, form)
}

// mac is a locally administered address that has the variant and the end of the
// host's IP address, unless the variant names a device of its own.
func mac(variant uint32, host reassembly.Endpoint) (m [6]byte) {
	m[0] = 0x02
	binary.BigEndian.PutUint16(m[1:], uint16(variant))
	if uint16(variant) < minDevice {
		copy(m[3:], host.Addr[13:])
	}
	return m
}

// minDevice is the first number of a pair of link-layer addresses that names a device: whichever host's packets it sends,
// its address is the same.
const minDevice = 1000

// otherPacket is an ARP request, a frame that is not TCP.
var otherPacket = []byte{
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 1, 0, 0, 1, 0x08, 0x06,
	0, 1, 0x08, 0, 6, 4, 0, 1,
	0x02, 0, 1, 0, 0, 1, 10, 0, 0, 1,
	0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
}
