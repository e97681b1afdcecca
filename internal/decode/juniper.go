package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// juniper reads what Junos writes (tcpdump, print-juniper.c): "MGC", flags, extensions
// that describe the interface, and a packet of the interface's kind, before which some
// hardware puts a cookie.
func (d *Decoder) juniper(link uint32, b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		fixed      = 4
		magic      = 0x4d4743
		noLink     = 0x02 // the packet begins with IP, after four bytes
		extensions = 0x80

		cookieATM1, cookieATM2 = 4, 8
	)
	if len(b) < fixed {
		return short(wire, fixed, MalformedLink)
	}
	head := binary.BigEndian.Uint32(b)
	if head>>8 != magic {
		return MalformedLink
	}
	n := fixed
	if head&extensions != 0 {
		if n += 2; len(b) < n {
			return short(wire, n, MalformedLink)
		}
		n += int(binary.BigEndian.Uint16(b[fixed:]))
	}
	switch {
	case head&noLink != 0:
		n += 4
	case link == linkJuniperATM1:
		n += cookieATM1
	case link == linkJuniperATM2:
		n += cookieATM2
	}
	if len(b) < n {
		return short(wire, n, MalformedLink)
	}
	b, wire = b[n:], wire-n
	switch {
	case head&noLink != 0:
		return d.ip(b, wire, seg)
	case link == linkJuniperEther, link == linkJuniperPPPoE:
		return d.inside(linkEthernet, b, wire, seg)
	case link == linkJuniperPPP:
		return d.ppp(b, wire, seg)
	case link == linkJuniperCHDLC:
		return d.ciscoHDLC(b, wire, seg)
	}
	return d.llc(b, wire, seg) // ATM (RFC 2684 4), or other payloads, which llc refuses
}

// infiniband reads the header of LINKTYPE_IPOIB: 40 bytes of addresses, an EtherType,
// and two reserved bytes (RFC 4391 6).
func (d *Decoder) infiniband(b []byte, wire int, seg *reassembly.Segment) Reason {
	const addresses, header = 40, 44
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	return d.etherType(binary.BigEndian.Uint16(b[addresses:]), b[header:], wire-header, seg)
}
