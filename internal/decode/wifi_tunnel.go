package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Tunnels between an access point and its controller, which carry frames of 802.11.

// isAruba reports whether a GRE protocol type is one that Aruba uses for frames of 802.11
// (Wireshark, packet-gre.h). It is no EtherType.
func isAruba(protocol uint16) bool {
	return protocol >= 0x8200 && protocol <= 0x8370 && protocol&0x0f == 0 || protocol == 0x9000
}

// capwap reads the data channel of CAPWAP (RFC 5415 4.3): a preamble, the length of the
// header in words, identifiers of radio and binding, flags, fragment identifier and
// offset, and optional parts. Of a packet in fragments, the first holds the headers.
func (d *Decoder) capwap(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		fixed     = 8
		plain     = 0x00 // version 0, no DTLS
		dtls      = 0x01
		native    = 1 << 8
		keepAlive = 1 << 3
		binding   = 9 // shift
		mac80211  = 1
	)
	if len(b) < fixed {
		return short(wire, fixed, NotTCP)
	}
	head := binary.BigEndian.Uint32(b)
	n := int(head>>19&0x1f) * 4
	switch {
	case b[0] == dtls:
		return Encrypted
	case b[0] != plain, n < fixed, head&keepAlive != 0, binary.BigEndian.Uint16(b[6:])>>3 != 0:
		return NotTCP
	case len(b) < n:
		return short(wire, n, NotTCP)
	}
	seg.Tunnel = mix(seg.Tunnel, tagCAPWAP, 0)
	b, wire = b[n:], wire-n
	switch {
	case head&native == 0:
		return d.ethernetInside(b, wire, seg)
	case head>>binding&0x1f == mac80211:
		return d.wifiOfTunnel(b, wire, seg)
	}
	return NotTCP
}

// wifiOfTunnel reads a frame of 802.11 whose two-byte fields Cisco's access points write in the
// other byte order. Frames between a station and the network show that: the first byte of
// frame control has version 0, and the second says that the frame leaves or enters the network.
func (d *Decoder) wifiOfTunnel(b []byte, wire int, seg *reassembly.Segment) Reason {
	const versionOrDS = 0x03
	if len(b) >= 2 && b[0]&versionOrDS != 0 && b[1]&versionOrDS == 0 {
		return d.wifi(b, wire, wifiForm{swapped: true}, seg)
	}
	return d.wifi(b, wire, wifiForm{}, seg)
}
