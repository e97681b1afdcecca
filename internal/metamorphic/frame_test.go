package metamorphic

import (
	"encoding/binary"
	"slices"
)

// A frame is a parsed Ethernet frame.
type frame struct {
	at     int64
	mac    [12]byte // receiver and sender
	tags   []byte   // VLAN tags as on the wire
	packet []byte   // from the IP header on, as far as captured
	rest   int      // bytes of the packet that were not captured
	other  bool     // not TCP
}

var be = binary.BigEndian

const (
	typeIPv4 = 0x0800
	typeIPv6 = 0x86dd
	typeVLAN = 0x8100
)

// newFrame parses an Ethernet frame. A frame without IP becomes a UDP datagram, so
// that it fits into every encapsulation.
func newFrame(data []byte, wire int) frame {
	f := frame{mac: [12]byte(data), rest: wire - len(data)}
	b := data[12:]
	for be.Uint16(b) == typeVLAN {
		f.tags = append(f.tags, b[:4]...)
		b = b[4:]
	}
	switch be.Uint16(b) {
	case typeIPv4, typeIPv6:
		f.packet = slices.Clone(b[2:])
	default:
		f.packet, f.rest = datagram(), 0
	}
	f.other = f.protocol() != protocolTCP
	return f
}

const (
	protocolTCP = 6
	protocolUDP = 17
)

// datagram is a UDP packet that is not a tunnel.
func datagram() []byte {
	packet := ipv4(protocolUDP, 8)
	packet = be.AppendUint16(packet, 4000)
	packet = be.AppendUint16(packet, 4001)
	packet = be.AppendUint16(packet, 8)
	return be.AppendUint16(packet, 0)
}

// ipv4 is a header for length bytes.
func ipv4(protocol byte, length int) []byte {
	h := make([]byte, 20)
	h[0], h[8], h[9] = 0x45, 64, protocol
	if length += 20; length <= 0xffff { // 0 else, as segmentation offload has it
		be.PutUint16(h[2:], uint16(length))
	}
	be.PutUint16(h[4:], 77)
	copy(h[12:], []byte{192, 168, 1, 1, 192, 168, 1, 2})
	return h
}

// ipv6 is a header for length bytes.
func ipv6(next byte, length int) []byte {
	h := make([]byte, 40)
	h[0], h[6], h[7] = 0x60, next, 64
	if length <= 0xffff {
		be.PutUint16(h[4:], uint16(length))
	}
	copy(h[8:], []byte{0xfd, 1, 23: 1})
	copy(h[24:], []byte{0xfd, 1, 15: 2})
	return h
}

// is6 reports whether the frame carries IPv6.
func (f *frame) is6() bool { return f.packet[0]>>4 == 6 }

func (f *frame) etherType() uint16 {
	if f.is6() {
		return typeIPv6
	}
	return typeIPv4
}

// protocol is the protocol in the IP header.
func (f *frame) protocol() byte {
	if f.is6() {
		return f.packet[6]
	}
	return f.packet[9]
}

// quotesTCP reports whether the packet is an ICMP error that quotes a TCP segment.
func (f *frame) quotesTCP() bool {
	const (
		icmp, icmpv6 = 1, 58
		quote        = 8 // the ICMP header (RFC 792, RFC 4443)
	)
	b := f.packet[min(f.header(), len(f.packet)):]
	switch p := f.protocol(); {
	case len(b) < quote+20:
		return false
	case p == icmp:
		return (b[0] == 3 || b[0] == 11 || b[0] == 12) && b[quote+9] == protocolTCP
	default:
		return p == icmpv6 && b[0] >= 1 && b[0] <= 4 && b[quote+6] == protocolTCP
	}
}

// length is the packet's on the wire.
func (f *frame) length() int { return len(f.packet) + f.rest }

// header is the length of the IP header.
func (f *frame) header() int {
	if f.is6() {
		return 40
	}
	return int(f.packet[0]&15) * 4
}

// tcp is what was captured from the TCP header on.
func (f *frame) tcp() []byte { return f.packet[f.header():] }

// addresses are the addresses of sender and receiver in the packet.
func (f *frame) addresses() (src, dst []byte) {
	if f.is6() {
		return f.packet[8:24], f.packet[24:40]
	}
	return f.packet[12:16], f.packet[16:20]
}

// ends are both ends of a TCP frame, the sender first.
func (f *frame) ends() (from, to string) {
	src, dst := f.addresses()
	ports := f.tcp()
	return string(src) + string(ports[:2]), string(dst) + string(ports[2:4])
}

// clone is a copy that shares nothing.
func (f *frame) clone() frame {
	g := *f
	g.tags, g.packet = slices.Clone(f.tags), slices.Clone(f.packet)
	return g
}

// ethernet is the frame's bytes.
func (f *frame) ethernet() []byte {
	b := append(f.mac[:len(f.mac):len(f.mac)], f.tags...)
	return append(be.AppendUint16(b, f.etherType()), f.packet...)
}

// changed are the frames, each of them changed.
func changed(frames []frame, change func(*frame)) []frame {
	out := make([]frame, len(frames))
	for i := range frames {
		out[i] = frames[i].clone()
		if !out[i].other {
			change(&out[i])
			if !out[i].is6() { // no checksum, rather than a wrong one: the capture is not damaged
				out[i].packet[10], out[i].packet[11] = 0, 0
			}
		}
	}
	return out
}

// moved are the frames at other times.
func moved(frames []frame, to func(at int64) int64) []frame {
	out := slices.Clone(frames)
	for i := range out {
		out[i].at = to(out[i].at)
	}
	return out
}
