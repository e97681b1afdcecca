package scenario

import (
	"encoding/binary"
	"math"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Limits of the headers.
const (
	maxOptionBytes = 40            // RFC 9293 3.1: the data offset has four bits
	maxVLAN        = 4094          // IEEE 802.1Q 9.6
	maxPayload     = 16<<20 - 1<<7 // far beyond what offloading stacks hand over (Linux GSO_MAX_SIZE is 512 KiB)
)

// appendPacket writes the segment's Ethernet frame without its payload, cut
// inside the TCP options if the segment says so. It returns how many bytes the
// headers have on the wire, too.
func appendPacket(dst []byte, seg *reassembly.Segment) (packet []byte, headers uint32) {
	start := len(dst)
	ethertype := uint16(0x0800)
	if isIPv6(seg.Src) {
		ethertype = 0x86dd
	}
	dst = appendMAC(dst, seg.Link, seg.Dst)
	dst = appendMAC(dst, seg.Link, seg.Src)
	if seg.Tunnel != 0 {
		dst = binary.BigEndian.AppendUint16(dst, 0x8100)
		dst = binary.BigEndian.AppendUint16(dst, uint16(seg.Tunnel))
	}
	dst = binary.BigEndian.AppendUint16(dst, ethertype)

	var buf [60]byte
	tcp, captured := appendTCP(buf[:0], seg)
	length := uint32(len(tcp)) + seg.Len
	dst = appendIP(dst, seg, length)
	binary.BigEndian.PutUint16(tcp[16:], checksum(tcp, pseudoSum(seg, length)))
	headers = uint32(len(dst) - start + len(tcp))
	return append(dst, tcp[:captured]...), headers
}

// appendMAC writes a locally administered address made of the variant and the
// end of the host's IP address.
func appendMAC(dst []byte, variant uint32, host reassembly.Endpoint) []byte {
	dst = append(dst, 0x02)
	dst = binary.BigEndian.AppendUint16(dst, uint16(variant))
	return append(dst, host.Addr[13:]...)
}

// appendIP writes the header of a packet that carries length bytes. A length
// that the header cannot hold is written as 0, as segmentation offload does.
func appendIP(dst []byte, seg *reassembly.Segment, length uint32) []byte {
	src, to := seg.Src.AddrPort().Addr(), seg.Dst.AddrPort().Addr()
	const tcp = 6
	if isIPv6(seg.Src) {
		if length > math.MaxUint16 {
			length = 0
		}
		dst = append(dst, 0x60, 0, 0, 0)
		dst = binary.BigEndian.AppendUint16(dst, uint16(length))
		dst = append(dst, tcp, seg.TTL)
		return append(append(dst, src.AsSlice()...), to.AsSlice()...)
	}
	if length += 20; length > math.MaxUint16 {
		length = 0
	}
	start := len(dst)
	dst = append(dst, 0x45, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(length))
	dst = binary.BigEndian.AppendUint16(dst, seg.IPID)
	dst = append(dst, 0x40, 0, seg.TTL, tcp, 0, 0) // don't fragment
	dst = append(append(dst, src.AsSlice()...), to.AsSlice()...)
	binary.BigEndian.PutUint16(dst[start+10:], checksum(dst[start:], 0))
	return dst
}

// appendTCP writes the TCP header without its checksum, and how much of it the
// capture holds.
func appendTCP(dst []byte, seg *reassembly.Segment) (header []byte, captured int) {
	dst = binary.BigEndian.AppendUint16(dst, seg.Src.Port)
	dst = binary.BigEndian.AppendUint16(dst, seg.Dst.Port)
	dst = binary.BigEndian.AppendUint32(dst, uint32(seg.Seq))
	dst = binary.BigEndian.AppendUint32(dst, uint32(seg.Ack))
	dst = append(dst, 0, byte(seg.Flags))
	dst = binary.BigEndian.AppendUint16(dst, seg.Window)
	dst = append(dst, 0, 0, 0, 0) // checksum, urgent pointer
	dst = appendOptionBytes(dst, &seg.Opts)
	captured = len(dst)
	const noOperation = 1
	if seg.Opts.Has&reassembly.OptionsCut != 0 {
		dst = append(dst, noOperation)
	}
	for len(dst)%4 != 0 {
		dst = append(dst, noOperation)
	}
	dst[12] = byte(len(dst) / 4 << 4)
	if seg.Opts.Has&reassembly.OptionsCut == 0 {
		captured = len(dst)
	}
	return dst, captured
}

// appendOptionBytes writes the options (RFC 9293 3.1, RFC 7323, RFC 2018).
func appendOptionBytes(dst []byte, o *reassembly.Options) []byte {
	if o.Has&reassembly.HasMSS != 0 {
		dst = append(dst, 2, 4)
		dst = binary.BigEndian.AppendUint16(dst, o.MSS)
	}
	if o.Has&reassembly.HasScale != 0 {
		dst = append(dst, 3, 3, o.Scale)
	}
	if o.Has&reassembly.HasSACKPermitted != 0 {
		dst = append(dst, 4, 2)
	}
	if o.Has&reassembly.HasTimestamps != 0 {
		dst = append(dst, 8, 10)
		dst = binary.BigEndian.AppendUint32(dst, o.TSVal)
		dst = binary.BigEndian.AppendUint32(dst, o.TSEcr)
	}
	if o.NBlocks > 0 {
		dst = append(dst, 5, 2+8*o.NBlocks)
	}
	for _, b := range o.Blocks[:o.NBlocks] {
		dst = binary.BigEndian.AppendUint32(dst, uint32(b.From))
		dst = binary.BigEndian.AppendUint32(dst, uint32(b.To))
	}
	if o.Has&reassembly.OptionsMalformed != 0 {
		const experiment = 253 // RFC 4727 7.2
		dst = append(dst, experiment, 1)
	}
	return dst
}

// optionBytes is the least room that the options need in a header.
func optionBytes(o *reassembly.Options) int {
	var buf [64]byte
	n := len(appendOptionBytes(buf[:0], o))
	if o.Has&reassembly.OptionsCut != 0 {
		n++ // what was cut off
	}
	return n
}

// pseudoSum adds up the pseudo header of the TCP checksum (RFC 9293 3.1).
func pseudoSum(seg *reassembly.Segment, length uint32) uint32 {
	const tcp = 6
	src, dst := seg.Src.AddrPort().Addr().AsSlice(), seg.Dst.AddrPort().Addr().AsSlice()
	return add(add(0, src), dst) + length>>16 + length&0xffff + tcp
}

// checksum is the Internet checksum (RFC 1071) of the bytes behind what sum
// has added up. The payload is zeroes and adds nothing.
func checksum(b []byte, sum uint32) uint16 {
	sum = add(sum, b)
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// add adds an even number of bytes in network order.
func add(sum uint32, b []byte) uint32 {
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	return sum
}

// otherPacket is an ARP request, a frame that is not TCP.
var otherPacket = []byte{
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 1, 0, 0, 1, 0x08, 0x06,
	0, 1, 0x08, 0, 6, 4, 0, 1,
	0x02, 0, 1, 0, 0, 1, 10, 0, 0, 1,
	0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
}
