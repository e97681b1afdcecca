package metamorphic

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"testing"
)

// A unit of time is a second divided by a power of ten or of two.
type unit struct {
	perSecond uint64
	code      byte // if_tsresol
	name      string
}

func decimal(n int) unit {
	u := unit{1, byte(n), fmt.Sprintf("10^-%d", n)}
	for range n {
		u.perSecond *= 10
	}
	return u
}

func binaryUnit(n int) unit { return unit{1 << n, 0x80 | byte(n), fmt.Sprintf("2^-%d", n)} }

func (u unit) String() string { return u.name }

// stamp converts a time in nanoseconds into units.
func (u unit) stamp(at int64) uint64 {
	hi, lo := bits.Mul64(uint64(at), u.perSecond)
	lo, carry := bits.Add64(lo, 1e9-1, 0) // round up, so that converting back gives the same time
	stamp, _ := bits.Div64(hi+carry, lo, 1e9)
	return stamp
}

// floor is a time in nanoseconds after conversion into units and back.
func (u unit) floor(at int64) int64 {
	hi, lo := bits.Mul64(u.stamp(at), 1e9)
	ns, _ := bits.Div64(hi, lo, u.perSecond)
	return int64(ns)
}

// ngStyle is a style of pcapng files.
type ngStyle struct {
	order      binary.AppendByteOrder
	unit       unit
	offset     int64 // if_tsoffset, seconds
	interfaces int   // used in turn; 0 for one
	sections   bool  // a new one for each frame
	unknown    bool  // blocks of unknown types
	obsolete   bool  // packet blocks from before 2009
	simple     bool  // packet blocks without a time, if it is that of the previous frame
}

func (s ngStyle) write(_ *testing.T, records []record) []byte {
	b := s.section(nil)
	for i, r := range records {
		if s.sections && i > 0 {
			b = s.section(b)
		}
		if s.unknown {
			b = s.block(b, 0x0bad, []byte("what is this?"))
			b = s.block(b, 0x80000001, nil)
		}
		number := i % max(s.interfaces, 1)
		switch {
		case s.simple && i > 0 && r.at == records[i-1].at && number == 0 && s.interfaces < 2 && (len(r.data) == r.wire || len(r.data)%4 == 0):
			// It does not have the captured length, so padding would count.
			b = s.block(b, 3, append(s.u32(nil, uint32(r.wire)), r.data...))
		case s.obsolete:
			body := s.order.AppendUint16(nil, uint16(number))
			body = s.order.AppendUint16(body, 0xffff) // drops: not known
			b = s.block(b, 2, s.packet(body, &r))
		default:
			b = s.block(b, 6, s.packet(s.u32(nil, uint32(number)), &r))
		}
	}
	return b
}

func (s ngStyle) u32(b []byte, values ...uint32) []byte {
	for _, v := range values {
		b = s.order.AppendUint32(b, v)
	}
	return b
}

// packet is the rest of a packet block.
func (s ngStyle) packet(b []byte, r *record) []byte {
	stamp := s.unit.stamp(r.at) - uint64(s.offset)*s.unit.perSecond
	b = s.u32(b, uint32(stamp>>32), uint32(stamp), uint32(len(r.data)), uint32(r.wire))
	return append(b, r.data...)
}

// section begins a section with its interfaces.
func (s ngStyle) section(b []byte) []byte {
	b = s.block(b, 0x0a0d0d0a, s.u32(nil, 0x1a2b3c4d, s.version(), 0xffffffff, 0xffffffff))
	for number := range max(s.interfaces, 1) {
		body := s.order.AppendUint16(nil, uint16(plain.link))
		body = s.u32(s.order.AppendUint16(body, 0), 0)
		body = s.option(body, 2, fmt.Append(nil, "eth", number))
		body = s.option(body, 9, []byte{s.unit.code})
		if s.offset != 0 {
			body = s.option(body, 14, s.order.AppendUint64(nil, uint64(s.offset)))
		}
		b = s.block(b, 1, s.option(body, 0, nil))
	}
	return b
}

// version is 1.0, as two halves in the section's order.
func (s ngStyle) version() uint32 {
	if s.order == binary.AppendByteOrder(binary.BigEndian) {
		return 1 << 16
	}
	return 1
}

func (s ngStyle) option(b []byte, code uint16, value []byte) []byte {
	b = s.order.AppendUint16(b, code)
	b = s.order.AppendUint16(b, uint16(len(value)))
	return padded(append(b, value...))
}

func (s ngStyle) block(b []byte, kind uint32, body []byte) []byte {
	body = padded(body)
	size := uint32(len(body) + 12)
	return s.u32(append(s.u32(b, kind, size), body...), size)
}

func padded(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
