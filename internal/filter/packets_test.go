package filter

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// A packet is what a filter sees of one.
type packet struct {
	data []byte
	wire int
}

// packets is a deterministic mix of packets of a link type: every header that
// the language knows, few enough addresses and ports that expressions hit,
// and among them packets that were cut or damaged.
func packets(link uint32, n int) []packet {
	r := dice{rand.New(rand.NewPCG(1, uint64(link)))}
	ps := make([]packet, n)
	for i := range ps {
		data := r.frame(link)
		wire := len(data)
		switch r.IntN(8) {
		case 0:
			data = data[:r.IntN(len(data)+1)]
		case 1:
			wire += r.IntN(1500)
		case 2, 3:
			for range 1 + r.IntN(3) {
				data[r.IntN(len(data))] = byte(r.IntN(256))
			}
		}
		ps[i] = packet{slices.Clip(data), wire}
	}
	return ps
}

type dice struct{ *rand.Rand }

func pick[T any](r dice, from ...T) T { return from[r.IntN(len(from))] }

func (r dice) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func u16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func u32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

func (r dice) port() []byte {
	return u16(pick(r, 22, 53, 80, 81, 443, 8000, 8040, 8080, 123, 5060, 40000+r.IntN(3)))
}

func (r dice) ip4() []byte {
	return pick(r, []byte{10, 0, 0, 1}, []byte{10, 0, 0, 2}, []byte{10, 1, 2, 3}, []byte{192, 168, 1, 5},
		[]byte{172, 16, 40, 1}, []byte{224, 0, 0, 251}, []byte{255, 255, 255, 255}, []byte{0, 0, 0, 10}, []byte{1, 2, 3, 4})
}

func (r dice) ip6() []byte {
	last := byte(pick(r, 1, 2, 0xfb))
	prefix := pick(r, []byte{0x20, 1, 0x0d, 0xb8, 0, 0}, []byte{0x20, 1, 0x0d, 0xb8, 0, 1}, []byte{0xfe, 0x80, 0, 0, 0, 0}, []byte{0xff, 2, 0, 0, 0, 0})
	return join(prefix, make([]byte, 9), []byte{last})
}

func (r dice) mac() []byte {
	return pick(r, []byte{0, 0x11, 0x22, 0x33, 0x44, 0x55}, []byte{2, 0, 0, 0, 0, 1}, []byte{1, 0, 0x5e, 0, 0, 0xfb},
		[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte{0, 0x11, 0x22, 0x33, 0x44, 0x56})
}

// transport is a protocol number and what it stands for.
func (r dice) transport() (int, []byte) {
	ports := join(r.port(), r.port())
	payload := r.bytes(r.IntN(60))
	switch p := pick(r, 6, 6, 6, 6, 17, 17, 17, 132, 1, 58, 2, 9, 103, 112, 50, 51, 47); p {
	case 6:
		flags := byte(pick(r, 0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14, 0xc2, 0x00))
		offset := byte(pick(r, 5, 5, 8, 10)) << 4
		return p, join(ports, r.bytes(8), []byte{offset, flags}, r.bytes(6), payload)
	case 17:
		return p, join(ports, u16(8+len(payload)), r.bytes(2), payload)
	case 1, 58:
		return p, join([]byte{byte(pick(r, 0, 3, 8, 11, 128, 129, 135, 136)), byte(r.IntN(3))}, r.bytes(6), payload)
	default:
		return p, join(ports, payload)
	}
}

func (r dice) ipv4() []byte {
	protocol, payload := r.transport()
	options := r.bytes(4 * pick(r, 0, 0, 0, 1, 3, 10))
	fragment := pick(r, 0, 0, 0x4000, 0x2000, 0x2000+r.IntN(100), 0x1000, 1+r.IntN(0x1fff))
	total := 20 + len(options) + len(payload)
	return join([]byte{0x40 | byte(5+len(options)/4), byte(pick(r, 0, 0xb8))}, u16(total), r.bytes(2), u16(fragment),
		[]byte{byte(pick(r, 1, 64, 128, 255)), byte(protocol)}, r.bytes(2), r.ip4(), r.ip4(), options, payload)
}

func (r dice) ipv6() []byte {
	next, payload := r.transport()
	switch r.IntN(5) {
	case 0:
		payload = join([]byte{byte(next), 0}, u16(pick(r, 0, 1, 1480)), r.bytes(4), payload)
		next = fragmentHeader
	case 1:
		payload = join([]byte{byte(next), 0}, r.bytes(6), payload)
		next = pick(r, 0, 43, 60)
	}
	return join([]byte{0x60, 0, 0, 0}, u16(len(payload)), []byte{byte(next), 64}, r.ip6(), r.ip6(), payload)
}

func (r dice) arp() []byte {
	return join(u16(1), u16(0x800), []byte{6, 4}, u16(pick(r, 1, 2)), r.mac(), r.ip4(), r.mac(), r.ip4())
}

func (r dice) labelled() []byte {
	stack := []byte{}
	for range r.IntN(3) {
		stack = append(stack, u32(pick(r, 16, 100, 1024)<<12|64)...)
	}
	return join(stack, u32(pick(r, 16, 100, 1024)<<12|pick(r, 0x140, 0x340, 64)), pick(r, r.ipv4, r.ipv6)())
}

func (r dice) ppp() []byte {
	switch r.IntN(4) {
	case 0:
		return join(u16(0x57), r.ipv6())
	case 1:
		return join(u16(pick(r, 0x281, 0x281, 0xc021, 0x27, 0x29, 0x31)), r.labelled())
	default:
		return join(u16(0x21), r.ipv4())
	}
}

// ether is a type and its payload.
func (r dice) ether(depth int) (int, []byte) {
	switch n := r.IntN(24); {
	case n < 8:
		return 0x800, r.ipv4()
	case n < 13:
		return 0x86dd, r.ipv6()
	case n < 15:
		return 0x806, r.arp()
	case n == 15:
		return 0x8035, r.arp()
	case n < 19 && depth < 3:
		next, payload := r.ether(depth + 1)
		return pick(r, 0x8100, 0x88a8, 0x9100), join(u16(pick(r, 0, 5, 10, 100)|pick(r, 0, 0x2000)), u16(next), payload)
	case n == 19:
		return 0x8847, r.labelled()
	case n == 20:
		return 0x8864, join([]byte{0x11, 0}, u16(pick(r, 1, 87)), u16(40), r.ppp())
	case n == 21:
		return pick(r, 0x8863, 0x809b, 0x80f3, 0x6001, 0x6002, 0x6003, 0x6004, 0x6007, 0x9000, 0x8137), r.bytes(40)
	case n == 22:
		organization := pick(r, []byte{0, 0, 0}, []byte{8, 0, 7})
		return 60, join([]byte{0xaa, 0xaa, 3}, organization, u16(pick(r, 0x800, 0x809b, 0x80f3, 0x8137)), r.ipv4())
	default:
		sap := byte(pick(r, 0x42, 0xe0, 0xf0, 0xfe, 0x06, 0xff))
		return 46, join([]byte{sap, pick(r, sap, 0), 3}, r.bytes(43))
	}
}

// frame is a packet of a link type.
func (r dice) frame(link uint32) []byte {
	switch link {
	case linkEthernet:
		t, payload := r.ether(0)
		return join(r.mac(), r.mac(), u16(t), payload)
	case linkSLL:
		t, payload := r.ether(3)
		if t < 1500 {
			t = pick(r, 1, 4)
		}
		return join(u16(r.IntN(5)), u16(1), u16(6), r.mac(), []byte{0, 0}, u16(t), payload)
	case linkSLL2:
		t, payload := r.ether(3)
		return join(u16(t), []byte{0, 0}, u32(1+r.IntN(4)), u16(1), []byte{byte(r.IntN(5)), 6}, r.mac(), []byte{0, 0}, payload)
	case linkPPP:
		return join([]byte{0xff, 3}, r.ppp())
	case linkNull, linkLoop:
		family, payload := 2, r.ipv4()
		if r.IntN(3) == 0 {
			family, payload = pick(r, 10, 24, 28, 30), r.ipv6()
		}
		if link == linkNull {
			family <<= 24
		}
		return join(u32(family), payload)
	}
	return pick(r, r.ipv4, r.ipv6)()
}
