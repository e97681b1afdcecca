package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Link types, by their LINKTYPE_ values in the tcpdump.org list. 12 and 14 are
// DLT_RAW on most systems and on OpenBSD; old versions of libpcap wrote these.
const (
	linkNull        = 0
	linkEthernet    = 1
	linkTokenRing   = 6
	linkARCNET      = 7
	linkPPP         = 9
	linkFDDI        = 10
	linkRawBSD      = 12
	linkRawOpenBSD  = 14
	linkPPPHDLC     = 50
	linkPPPEther    = 51
	linkRFC1483     = 100
	linkRaw         = 101
	linkCiscoHDLC   = 104
	link80211       = 105
	linkLoop        = 108
	linkSLL         = 113
	linkPFLog       = 117
	linkPrism       = 119
	linkRadiotap    = 127
	linkARCNETLinux = 129

	linkJuniperATM2  = 135
	linkJuniperATM1  = 137
	linkJuniperPPPoE = 167
	linkJuniperEther = 178
	linkJuniperPPP   = 179
	linkJuniperCHDLC = 181

	linkUser2      = 149 // macOS writes pktap as this
	linkAVS        = 163
	linkPPPD       = 166
	linkPPI        = 192
	linkPPPWithDir = 204
	linkIPv4       = 228
	linkIPv6       = 229
	linkNFLog      = 239
	linkIPoIB      = 242
	linkPKTAP      = 258
	linkSLL2       = 276
)

// link reads the header of every link type except Ethernet.
func (d *Decoder) link(link uint32, b []byte, wire int, seg *reassembly.Segment) Reason {
	switch link {
	case linkRawBSD, linkRawOpenBSD, linkRaw:
		return d.ip(b, wire, seg)
	case linkIPv4:
		return d.ipv4(b, wire, seg)
	case linkIPv6:
		return d.ipv6(b, wire, seg)
	case linkNull, linkLoop:
		return d.loopback(b, wire, seg)
	case linkSLL:
		return d.sll(b, wire, seg)
	case linkSLL2:
		return d.sll2(b, wire, seg)
	case linkPPP, linkPPPHDLC:
		return d.pppHDLC(b, wire, seg)
	case linkPPPD:
		return d.pppDirected(2, b, wire, seg)
	case linkPPPWithDir:
		return d.pppDirected(1, b, wire, seg)
	case linkPPPEther:
		return d.pppoe(b, wire, seg)
	case linkCiscoHDLC:
		return d.ciscoHDLC(b, wire, seg)
	case linkRFC1483:
		return d.llc(b, wire, seg)
	case linkFDDI:
		return d.fddi(b, wire, seg)
	case linkTokenRing:
		return d.tokenRing(b, wire, seg)
	case linkNFLog:
		return d.nflog(b, wire, seg)
	case linkPFLog:
		return d.pflog(b, wire, seg)
	case link80211:
		return d.wifi(b, wire, wifiForm{}, seg)
	case linkRadiotap:
		return d.radiotap(b, wire, seg)
	case linkPrism:
		return d.prism(b, wire, seg)
	case linkAVS:
		return d.avs(b, wire, seg)
	case linkPPI:
		return d.ppi(b, wire, seg)
	case linkPKTAP, linkUser2:
		return d.pktap(b, wire, seg)
	case linkJuniperEther, linkJuniperPPPoE, linkJuniperPPP, linkJuniperCHDLC, linkJuniperATM1, linkJuniperATM2:
		return d.juniper(link, b, wire, seg)
	case linkARCNET:
		return d.arcnet(2, b, wire, seg)
	case linkARCNETLinux:
		return d.arcnet(4, b, wire, seg)
	case linkIPoIB:
		return d.infiniband(b, wire, seg)
	}
	return UnknownLinkType
}

// loopback reads the address family before the packet. It is in the byte order of
// the capturing host (LINKTYPE_NULL) or the network (LINKTYPE_LOOP). A family fits
// into a byte, which reveals the order. AF_INET is 2 everywhere; AF_INET6 is 10 on
// Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on Darwin.
func (d *Decoder) loopback(b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) < 4 {
		return short(wire, 4, MalformedLink)
	}
	family := binary.BigEndian.Uint32(b)
	if family > 0xff {
		family = binary.LittleEndian.Uint32(b)
	}
	switch family {
	case 2:
		return d.ipv4(b[4:], wire-4, seg)
	case 10, 24, 28, 30:
		return d.ipv6(b[4:], wire-4, seg)
	}
	return NotTCP
}

// sll reads a Linux cooked header (LINKTYPE_LINUX_SLL): packet type, ARPHRD
// type, address length, eight bytes for the sender's address, protocol.
func (d *Decoder) sll(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 16
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	if n := binary.BigEndian.Uint16(b[4:]); n > 0 {
		seg.Link = senderAddress(b[6:], n)
	}
	return d.cooked(binary.BigEndian.Uint16(b[14:]), b[header:], wire-header, seg)
}

// sll2 reads a Linux cooked header of version 2 (LINKTYPE_LINUX_SLL2): protocol,
// interface, ARPHRD type, packet type, address length, sender's address.
func (d *Decoder) sll2(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 20
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	if n := b[11]; n > 0 {
		seg.Link = senderAddress(b[12:], uint16(n))
	}
	return d.cooked(binary.BigEndian.Uint16(b), b[header:], wire-header, seg)
}

// cooked reads the payload of a cooked header. Its protocol is an EtherType, or a
// small number of Linux, of which 4 is 802.2 (ETH_P_802_2).
func (d *Decoder) cooked(protocol uint16, b []byte, wire int, seg *reassembly.Segment) Reason {
	if protocol == 4 {
		return d.llc(b, wire, seg)
	}
	return d.etherType(protocol, b, wire, seg)
}

// fddi reads a frame control byte, two addresses and, if there is one, LLC.
func (d *Decoder) fddi(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header = 13
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	if b[0]&0xf8 != 0x50 {
		return NotTCP
	}
	seg.Link = otherPair(b[1:])
	return d.llc(b[header:], wire-header, seg)
}

// tokenRing reads access control, frame control and two addresses (IEEE 802.5), a route if the first
// bit of the sender's address says so, whose length is in its first byte, and LLC.
func (d *Decoder) tokenRing(b []byte, wire int, seg *reassembly.Segment) Reason {
	const header, source, routed, length = 14, 8, 0x80, 0x1f
	const kinds, withLLC = 0xc0, 0x40 // of frame control
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	if b[1]&kinds != withLLC {
		return NotTCP
	}
	seg.Link = otherPair(b[2:])
	n := header
	if b[source]&routed != 0 {
		if len(b) < n+1 {
			return short(wire, n+1, MalformedLink)
		}
		n += int(b[n] & length)
	}
	if len(b) < n {
		return short(wire, n, MalformedLink)
	}
	return d.llc(b[n:], wire-n, seg)
}

// pflog reads the header of OpenBSD's packet filter log. It begins with its own
// length, which is rounded up to four bytes.
func (d *Decoder) pflog(b []byte, wire int, seg *reassembly.Segment) Reason {
	if len(b) < 1 {
		return short(wire, 1, MalformedLink)
	}
	n := (int(b[0]) + 3) &^ 3
	if len(b) < n {
		return short(wire, n, MalformedLink)
	}
	return d.ip(b[n:], wire-n, seg)
}
