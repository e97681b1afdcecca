package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// overheard reads a frame of 802.11 that an access point heard, and sends on in one of the forms
// of Aruba's and Cisco's remote captures (Wireshark, packet-aruba-erm.c and packet-peekremote.c).
// The port does not say which. None of the headers has a checksum, so each must agree with
// the length of the datagram, or have its number.
func (d *Decoder) overheard(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		peekMagic, peekRadiotap = 0x00ffabcd, 3 // the version after the number
		peekFixed               = 9
		oldPeek                 = 20
		pcapRecord, radio       = 16, 4
		ppiOf80211              = link80211 << 24 // little-endian
	)
	if len(b) < oldPeek {
		return short(wire, oldPeek, NotTCP)
	}
	first, second := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	switch {
	case first == peekMagic:
		n := int(min(binary.BigEndian.Uint32(b[5:]), uint32(wire)))
		switch {
		case n < peekFixed:
			return NotTCP
		case len(b) < n:
			return short(wire, n, NotTCP)
		case b[4] == peekRadiotap:
			return d.radiotap(b[n:], wire-n, seg)
		}
		return d.wifi(b[n:], wire-n, wifiForm{}, seg)
	case b[0] == 0 && second == ppiOf80211:
		return d.ppi(b, wire, seg)
	case first>>16 == 0 && int(binary.LittleEndian.Uint16(b[2:])) < wire:
		return d.radiotap(b, wire, seg)
	case int(second>>16) == wire-oldPeek || int(first&0xffff) == wire-oldPeek: // bytes sent on, and bytes heard
		return d.wifi(b[oldPeek:], wire-oldPeek, wifiForm{}, seg)
	}
	n := pcapRecord
	switch incl := int(binary.BigEndian.Uint32(b[8:])); {
	case second >= 1e6 || uint32(incl) > binary.BigEndian.Uint32(b[12:]):
		return NotTCP
	case incl == wire-pcapRecord-radio: // rate, channel and signal come first
		n += radio
	case incl != wire-pcapRecord:
		return NotTCP
	}
	return d.wifi(b[n:], wire-n, wifiForm{}, seg)
}
