package evidence_test

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// secrets are what identifies the hosts of a capture: random, so that they do not
// come up again by chance.
type secrets struct {
	rng     *rand.Rand
	hosts   map[[16]byte][16]byte // by the address in a scenario
	macs    map[[16]byte][6]byte
	starts  map[[2]reassembly.Endpoint]reassembly.Seq // offset of sequence numbers, by sender and receiver
	outer   [2][4]byte                                // of tunnels
	payload [8]byte                                   // repeated
}

func newSecrets(seed uint64) *secrets {
	s := &secrets{rng: rand.New(rand.NewPCG(seed, 0)), hosts: map[[16]byte][16]byte{}, macs: map[[16]byte][6]byte{},
		starts: map[[2]reassembly.Endpoint]reassembly.Seq{}}
	s.fill(s.outer[0][:])
	s.fill(s.outer[1][:])
	s.fill(s.payload[:])
	return s
}

func (s *secrets) fill(b []byte) {
	for i := range b {
		b[i] = byte(s.rng.Uint32())
	}
}

// mapper replaces all secret addresses. With any key, Crypto-PAn leaves one address of
// several thousand as it was: its function of a prefix is that of the prefix with the next
// bit of the padding. Nobody can tell which, but a test would find it.
func (s *secrets) mapper(key byte) *anonymize.Mapper {
	for n := range byte(255) {
		m, same := anonymize.New(anonymize.Key{key, n}), false
		for _, h := range s.hosts {
			same = same || m.Endpoint(reassembly.Endpoint{Addr: h}).Addr == h
		}
		if !same {
			return m
		}
	}
	panic("every key leaves an address as it was")
}

// host is the secret address for one of a scenario.
func (s *secrets) host(addr [16]byte) [16]byte {
	h, known := s.hosts[addr]
	if !known {
		h = addr
		if addr[0] == 0 { // IPv4
			s.fill(h[12:])
		} else {
			s.fill(h[2:])
		}
		s.hosts[addr] = h
	}
	return h
}

func (s *secrets) mac(addr [16]byte) [6]byte {
	m, known := s.macs[addr]
	if !known {
		s.fill(m[:])
		m[0] &^= 1
		s.macs[addr] = m
	}
	return m
}

// start is what is added to a direction's sequence numbers. Those of scenarios
// are round, and -1 is what every section of a pcapng begins with.
func (s *secrets) start(src, dst reassembly.Endpoint) reassembly.Seq {
	ends := [2]reassembly.Endpoint{src, dst}
	n, known := s.starts[ends]
	if !known {
		n = reassembly.Seq(s.rng.Uint32())
		s.starts[ends] = n
	}
	return n
}

// number shifts the sequence numbers of a segment. A RST from a host without the
// connection has none of its own (RFC 9293 3.10.7.1).
func (s *secrets) number(seg *reassembly.Segment) {
	own, peer := s.start(seg.Src, seg.Dst), s.start(seg.Dst, seg.Src)
	if seg.Seq != 0 || seg.Flags&(reassembly.RST|reassembly.ACK) != reassembly.RST|reassembly.ACK {
		seg.Seq += own
	}
	if seg.Flags&reassembly.ACK != 0 {
		seg.Ack += peer
	}
	for i := range seg.Opts.Blocks[:seg.Opts.NBlocks] {
		seg.Opts.Blocks[i].From += peer
		seg.Opts.Blocks[i].To += peer
	}
}

// An encapsulation is how packets are captured.
type encapsulation struct {
	name string
	link uint16
	wrap func(s *secrets, ethernet []byte) []byte
}

const etherHeader = 14

var encapsulations = []encapsulation{
	{"Ethernet", 1, func(_ *secrets, e []byte) []byte { return e }},
	{"VLAN", 1, func(_ *secrets, e []byte) []byte { return join(e[:12], []byte{0x81, 0, 0, 5}, e[12:]) }},
	{"QinQ", 1, func(_ *secrets, e []byte) []byte {
		return join(e[:12], []byte{0x88, 0xa8, 0, 5, 0x81, 0, 0, 6}, e[12:])
	}},
	{"MPLS", 1, func(_ *secrets, e []byte) []byte {
		return join(e[:12], []byte{0x88, 0x47, 0, 1, 0x11, 9}, e[etherHeader:])
	}},
	{"Linux cooked", 113, func(_ *secrets, e []byte) []byte {
		return join([]byte{0, 0, 0, 1, 0, 6}, e[6:12], []byte{0, 0}, e[12:])
	}},
	{"Linux cooked 2", 276, func(_ *secrets, e []byte) []byte {
		return join(e[12:14], []byte{0, 0, 0, 0, 0, 7, 0, 1, 0, 6}, e[6:12], []byte{0, 0}, e[etherHeader:])
	}},
	{"raw IP", 101, func(_ *secrets, e []byte) []byte { return e[etherHeader:] }},
	{"loopback", 0, func(_ *secrets, e []byte) []byte {
		family := byte(2)
		if e[etherHeader]>>4 == 6 {
			family = 10
		}
		return join([]byte{family, 0, 0, 0}, e[etherHeader:])
	}},
	{"IP in IP", 1, func(s *secrets, e []byte) []byte {
		protocol := byte(4)
		if e[etherHeader]>>4 == 6 {
			protocol = 41
		}
		return s.outerIP(e, protocol, e[etherHeader:])
	}},
	{"GRE", 1, func(s *secrets, e []byte) []byte {
		return s.outerIP(e, 47, join([]byte{0, 0}, e[12:]))
	}},
	{"VXLAN", 1, func(s *secrets, e []byte) []byte {
		return s.outerIP(e, 17, join([]byte{0x99, 0x99, 4789 >> 8, 4789 & 0xff, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0}, e))
	}},
}

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// outerIP puts an IPv4 packet between secret hosts around another one.
func (s *secrets) outerIP(ethernet []byte, protocol byte, carried []byte) []byte {
	h := []byte{0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0}
	if n := len(carried) + 20; n <= 0xffff {
		binary.BigEndian.PutUint16(h[2:], uint16(n))
	}
	return join(ethernet[:12], []byte{8, 0}, h, s.outer[0][:], s.outer[1][:], carried)
}

// frame makes a whole frame of a segment, with the secrets in it.
func (s *secrets) frame(seg reassembly.Segment, w encapsulation) []byte {
	form := packet.Form{Src: s.mac(seg.Src.Addr), Dst: s.mac(seg.Dst.Addr)}
	s.number(&seg)
	seg.Src.Addr, seg.Dst.Addr = s.host(seg.Src.Addr), s.host(seg.Dst.Addr)
	seg.Opts.Has &^= reassembly.OptionsCut
	data, _ := packet.Append(nil, &seg, form)
	for n := 0; n < int(seg.Len); n++ {
		data = append(data, s.payload[n%len(s.payload)])
	}
	return w.wrap(s, data)
}
