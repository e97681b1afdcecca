package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// 802.11 headers, and those that monitor mode puts before them, have many forms. Only
// where they end matters here.

// radiotap reads the header of radiotap.org: version, pad, length, one or more words of
// which fields are present, and the fields, each aligned to its size.
func (d *Decoder) radiotap(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		fixed   = 8
		tsft    = 1 << 0 // eight bytes, the first field
		flags   = 1 << 1 // one byte, the second
		another = 1 << 31
		padded  = 0x20 // of flags
	)
	if len(b) < fixed {
		return short(wire, fixed, Undecodable)
	}
	n := int(binary.LittleEndian.Uint16(b[2:]))
	if n < fixed {
		return Undecodable
	}
	if n > len(b) {
		return short(wire, n, Undecodable)
	}
	present, at := binary.LittleEndian.Uint32(b[4:]), fixed
	for more := present; more&another != 0; at += 4 {
		if at+4 > n {
			return short(wire, at+4, Undecodable)
		}
		more = binary.LittleEndian.Uint32(b[at:])
	}
	if present&tsft != 0 {
		at = (at+7)&^7 + 8
	}
	if present&flags == 0 {
		return d.wifi(b[n:], wire-n, wifiForm{}, seg)
	}
	if at >= n {
		return short(wire, at+1, Undecodable)
	}
	return d.wifi(b[n:], wire-n, wifiForm{padded: b[at]&padded != 0}, seg)
}

// prism reads the header of the Prism chip's drivers: code and length of the message, a
// name of 16 bytes, and values of 12 bytes each.
func (d *Decoder) prism(b []byte, wire int, seg *reassembly.Segment) Reason {
	const fixed, value, type1, type2 = 24, 12, 0x44, 0x41
	if len(b) < fixed {
		return short(wire, fixed, Undecodable)
	}
	code, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[4:]))
	if code != type1 && code != type2 || n < fixed || (n-fixed)%value != 0 {
		return Undecodable
	}
	if n > len(b) {
		return short(wire, n, Undecodable)
	}
	return d.wifi(b[n:], wire-n, wifiForm{}, seg)
}

// A wifiForm says in which form a driver or an access point hands on 802.11 frames.
type wifiForm struct {
	padded    bool // the header is padded to a multiple of four bytes (radiotap.org, field "flags")
	swapped   bool // fields of two bytes are in the other byte order: see wifiOfTunnel
	decrypted bool // what the flags call protected, behind its initialisation vector
}

// wifi reads a frame of IEEE 802.11.
func (d *Decoder) wifi(b []byte, wire int, form wifiForm, seg *reassembly.Segment) Reason {
	const (
		// Frame control (IEEE 802.11 9.2.4.1): type, subtype, flags.
		types     = 0x0c
		data      = 0x08
		noData    = 0x40
		qos       = 0x80
		reserved  = 0xd0 // the subtype that has no meaning
		bothDS    = 0x03
		retry     = 0x08
		protected = 0x40
		order     = 0x80

		fragment  = 0x0f // number of the fragment, in sequence control
		aggregate = 0x80 // A-MSDU present, in QoS control (9.2.4.5.9)
		mesh      = 0x01 // mesh control present, in its second byte

		shortest = 10 // an ACK
		header   = 24 // of data, before what some have
	)
	if len(b) < shortest {
		return short(wire, shortest, Undecodable)
	}
	first, second := 0, 1 // bytes of a field
	if form.swapped {
		first, second = 1, 0
	}
	kind, flags := b[first], b[second]
	if kind&types != data {
		return NotTCP
	}
	n := header
	if flags&bothDS == bothDS {
		n += 6 // a fourth address
	}
	control := n
	if kind&qos != 0 {
		n += 2
		if flags&order != 0 {
			n += 4 // HT control
		}
	}
	switch {
	case n > len(b):
		return short(wire, n, Undecodable)
	case kind&0xf0 == reserved:
		return Undecodable
	case kind&noData != 0, b[header-2+first]&fragment != 0:
		return NotTCP
	case flags&protected != 0 && !form.decrypted:
		return Encrypted
	}
	seg.Link = otherPair(b[4:])
	if flags&retry != 0 {
		seg.SetRetry()
	}
	if form.padded {
		n = min((n+3)&^3, len(b))
	}
	if flags&protected != 0 {
		n = min(n+vector(b[n:]), len(b))
	}
	if kind&qos == 0 {
		return d.llc(b[n:], wire-n, seg)
	}
	if b[control+second]&mesh != 0 && flags&bothDS == bothDS {
		n = min(n+meshControl(b[n:]), len(b))
	}
	if b[control+first]&aggregate != 0 {
		return d.aggregated(b[n:], wire-n, seg)
	}
	return d.llc(b[n:], wire-n, seg)
}

// meshControl is the length of a mesh control field (IEEE 802.11 9.2.4.8.3): flags, time to live,
// sequence number, and up to two addresses. In a frame that is of no mesh, the bit that tells of
// it has another meaning, and LLC begins here.
func meshControl(b []byte) int {
	const fixed, address, extension, snap = 6, 6, 0x03, 0xaa
	if len(b) == 0 || b[0] == snap || b[0]&^extension != 0 || b[0] == extension {
		return 0
	}
	return fixed + address*int(b[0]&extension)
}

// vector is how long the initialisation vector of a protected frame is (IEEE 802.11 12.3.2.2, 12.5.2.2): that of
// WEP, or an extended one.
func vector(b []byte) int {
	const wep, extended, extendedBit = 4, 8, 0x20
	if len(b) >= wep && b[wep-1]&extendedBit != 0 {
		return extended
	}
	return wep
}
