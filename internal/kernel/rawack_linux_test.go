package kernel

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// rawHeader is the TCP header of a segment without payload between two IPv4
// endpoints, including the checksum (RFC 9293 3.1).
func rawHeader(src, dst reassembly.Endpoint, flags reassembly.Flags, seq, ack reassembly.Seq, window uint16) []byte {
	const headerLen, checksumAt = 20, 16
	be := binary.BigEndian
	h := be.AppendUint16(be.AppendUint16(nil, src.Port), dst.Port)
	h = be.AppendUint32(be.AppendUint32(h, uint32(seq)), uint32(ack))
	h = append(h, headerLen/4<<4, byte(flags))
	h = append(be.AppendUint16(h, window), 0, 0, 0, 0)

	a, b := src.AddrPort().Addr().As4(), dst.AddrPort().Addr().As4()
	pseudo := append(append(a[:], b[:]...), 0, unix.IPPROTO_TCP, 0, headerLen)
	be.PutUint16(h[checksumAt:], checksum(append(pseudo, h...)))
	return h
}

// checksum is the Internet checksum (RFC 1071) of an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) > 0; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum > 0xFFFF {
		sum = sum>>16 + sum&0xFFFF
	}
	return ^uint16(sum)
}
