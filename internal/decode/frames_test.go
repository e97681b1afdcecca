package decode

import (
	"encoding/binary"
	"slices"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Builders of frames, one for a layer, from the inside out.

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func be16(v ...uint16) (b []byte) {
	for _, x := range v {
		b = binary.BigEndian.AppendUint16(b, x)
	}
	return b
}

func be32(v ...uint32) (b []byte) {
	for _, x := range v {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return b
}

var (
	macs  = []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	addr4 = [2][]byte{{10, 77, 1, 1}, {10, 77, 1, 2}}
	addr6 = [2][]byte{
		{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
		{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2},
	}
	timestamps = cat(be32(timestampsOnly), be32(111, 222))
	data       = []byte("twenty bytes of data")
)

// tcp is a segment with these options, padded to four bytes, and payload.
func tcp(opts, payload []byte) []byte {
	for len(opts)%4 != 0 {
		opts = append(opts[:len(opts):len(opts)], 0)
	}
	return cat(be16(40000, 443), be32(1000, 2000), []byte{byte(5+len(opts)/4) << 4, 0x18},
		be16(501, 0xbeef, 0), opts, payload)
}

// segment4 and segment6 are what tcp(timestamps, data) decodes to in ipv4 and
// ipv6, without tunnel and link.
func segment4() reassembly.Segment {
	s := segment6()
	s.IPID = 7
	s.Src.Addr = [16]byte(cat(make([]byte, 10), []byte{0xff, 0xff}, addr4[0]))
	s.Dst.Addr = [16]byte(cat(make([]byte, 10), []byte{0xff, 0xff}, addr4[1]))
	return s
}

func segment6() reassembly.Segment {
	return reassembly.Segment{
		Seq: 1000, Ack: 2000, Len: uint32(len(data)), Window: 501, TTL: 63,
		Flags: reassembly.PSH | reassembly.ACK,
		Src:   reassembly.Endpoint{Addr: [16]byte(addr6[0]), Port: 40000},
		Dst:   reassembly.Endpoint{Addr: [16]byte(addr6[1]), Port: 443},
		Opts:  reassembly.Options{Has: reassembly.HasTimestamps, TSVal: 111, TSEcr: 222},
	}
}

// ipv4 is a packet with identification 7 and TTL 63.
func ipv4(protocol uint8, payload []byte) []byte {
	return ipv4With(nil, 0, protocol, payload)
}

func ipv4With(opts []byte, fragment uint16, protocol uint8, payload []byte) []byte {
	n := 20 + len(opts)
	return cat([]byte{0x40 | byte(n/4), 0}, be16(uint16(n+len(payload)), 7, fragment),
		[]byte{63, protocol, 0, 0}, addr4[0], addr4[1], opts, payload)
}

func ipv6(next uint8, payload []byte) []byte {
	return cat(be32(6<<28), be16(uint16(len(payload))), []byte{next, 63}, addr6[0], addr6[1], payload)
}

// extension is an extension header whose value is padded to eight bytes.
func extension(next uint8, value, payload []byte) []byte {
	for len(value)%8 != 6 {
		value = append(value[:len(value):len(value)], 0)
	}
	return cat([]byte{next, byte(len(value) / 8)}, value, payload)
}

func fragmentHeader(next uint8, offsetAndMore uint16, id uint32, payload []byte) []byte {
	return cat([]byte{next, 0}, be16(offsetAndMore), be32(id), payload)
}

func udp(port uint16, payload []byte) []byte {
	return cat(be16(50000, port, uint16(8+len(payload)), 0), payload)
}

func udpFrom(port uint16, payload []byte) []byte {
	return cat(be16(port, 50000, uint16(8+len(payload)), 0), payload)
}

func ethernet(t uint16, payload []byte) []byte { return cat(macs, be16(t), payload) }

func vlan(id, t uint16, payload []byte) []byte { return cat(be16(0x2000|id, t), payload) }

func mplsLabel(label uint32, bottom bool, payload []byte) []byte {
	entry := label<<12 | 64
	if bottom {
		entry |= 1 << 8
	}
	return cat(be32(entry), payload)
}

func pppoe(session uint16, ppp []byte) []byte {
	return cat([]byte{0x11, 0}, be16(session, uint16(len(ppp))), ppp)
}

func snap(t uint16, payload []byte) []byte {
	return cat([]byte{0xaa, 0xaa, 3, 0, 0, 0}, be16(t), payload)
}

func vxlan(flags, next uint8, vni uint32, payload []byte) []byte {
	return cat([]byte{flags, 0, 0, next}, be32(vni<<8), payload)
}

func geneve(t uint16, vni uint32, opts, payload []byte) []byte {
	return cat([]byte{byte(len(opts) / 4), 0}, be16(t), be32(vni<<8), opts, payload)
}

// wifi is an 802.11 data frame from a station to its access point.
func wifi(control, flags byte, tail ...[]byte) []byte {
	return cat([]byte{control, flags, 0, 0}, macs, make([]byte, 6), []byte{0x10, 0}, cat(tail...))
}

// radiotap is a header with the flags field only.
func radiotap(flags byte, payload []byte) []byte {
	return cat([]byte{0, 0, 9, 0, 2, 0, 0, 0, flags}, payload)
}

// swapped is an 802.11 frame as Cisco's access points put it into CAPWAP.
func swapped(frame []byte) []byte {
	b := cat(frame)
	for _, i := range []int{0, 22, 24} {
		if i < 24 || frame[0]&0x80 != 0 {
			b[i], b[i+1] = b[i+1], b[i]
		}
	}
	return b
}
