// Package anonymize replaces what identifies the hosts in a capture.
//
// A Mapper rewrites each segment right after decoding. Everything that comes
// later, analysis, report and evidence, knows only the replacement: an address
// is replaced by the same one everywhere, and no original can leak. What findings
// depend on stays: times, lengths, ports, flags, windows, common prefixes of
// addresses, and all differences of sequence numbers.
package anonymize

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Mapper replaces addresses and numbers, always the same way for one Key. It
// is not safe for concurrent use.
type Mapper struct {
	key   Key
	pan   cryptoPAn
	hosts map[[16]byte]host
	flows map[direction]reassembly.Seq
}

// A host is the replacement of one address.
type host struct {
	addr  [16]byte
	clock uint32 // added to its timestamps
}

// A direction is one half of a connection.
type direction struct{ src, dst reassembly.Endpoint }

// maxKept bounds the entries that a Mapper caches: it can always compute them
// again.
const maxKept = 1 << 16

// New returns a Mapper for the key.
func New(key Key) *Mapper {
	return &Mapper{key: key, pan: newCryptoPAn(key), hosts: map[[16]byte]host{}, flows: map[direction]reassembly.Seq{}}
}

// Endpoint is the replacement of the endpoint. Ports stay.
func (m *Mapper) Endpoint(e reassembly.Endpoint) reassembly.Endpoint {
	return reassembly.Endpoint{Addr: m.host(e.Addr).addr, Port: e.Port}
}

// Segment rewrites a decoded segment: addresses; sequence numbers, by an offset
// of the connection and direction; timestamps, by an offset of the host whose
// clock they show (RFC 7323 3).
func (m *Mapper) Segment(seg *reassembly.Segment) {
	own, peer := m.shift(seg.Src, seg.Dst), m.shift(seg.Dst, seg.Src)
	src, dst := m.host(seg.Src.Addr), m.host(seg.Dst.Addr)
	seg.Src.Addr, seg.Dst.Addr = src.addr, dst.addr
	if !refusal(seg) {
		seg.Seq += own
	}
	if seg.Flags&reassembly.ACK != 0 {
		seg.Ack += peer
	} else {
		seg.Ack = 0
	}
	o := &seg.Opts
	for i := range o.Blocks[:o.NBlocks] {
		o.Blocks[i].From += peer
		o.Blocks[i].To += peer
	}
	if o.Has&reassembly.HasTimestamps != 0 {
		o.TSVal += src.clock
		if o.TSEcr != 0 { // 0: nothing was received yet
			o.TSEcr += dst.clock
		}
	}
}

// refusal reports whether the segment is the RST with which a host without a
// connection answers a segment without ACK: its sequence number is zero and
// means nothing (RFC 9293 3.10.7.1).
func refusal(seg *reassembly.Segment) bool {
	return seg.Seq == 0 && seg.Flags&(reassembly.RST|reassembly.ACK) == reassembly.RST|reassembly.ACK
}

// host is the replacement of the address. IPv4 stays IPv4.
func (m *Mapper) host(addr [16]byte) host {
	if h, ok := m.hosts[addr]; ok {
		return h
	}
	h := host{addr: addr, clock: m.number("timestamps", addr[:])}
	if netip.AddrFrom16(addr).Is4In6() {
		m.pan.apply(h.addr[12:])
	} else {
		m.pan.apply(h.addr[:])
	}
	if len(m.hosts) >= maxKept {
		clear(m.hosts)
	}
	m.hosts[addr] = h
	return h
}

// shift is the offset of the sequence numbers of one direction.
func (m *Mapper) shift(src, dst reassembly.Endpoint) reassembly.Seq {
	d := direction{src, dst}
	if s, ok := m.flows[d]; ok {
		return s
	}
	s := reassembly.Seq(m.number("sequence", append(appendEndpoint(nil, src), appendEndpoint(nil, dst)...)))
	if len(m.flows) >= maxKept {
		clear(m.flows)
	}
	m.flows[d] = s
	return s
}

func appendEndpoint(b []byte, e reassembly.Endpoint) []byte {
	return binary.BigEndian.AppendUint16(append(b, e.Addr[:]...), e.Port)
}

// hash is a keyed hash of what, different for each use.
func (m *Mapper) hash(use string, what []byte) []byte {
	h := hmac.New(sha256.New, m.key[:])
	h.Write([]byte(use))
	h.Write(what)
	return h.Sum(nil)
}

func (m *Mapper) number(use string, what []byte) uint32 {
	return binary.BigEndian.Uint32(m.hash(use, what))
}
