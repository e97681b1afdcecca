package decode

import (
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A sample is one way to carry the same segment.
type sample struct {
	name  string
	link  uint32
	frame []byte
	want  reassembly.Segment // tunnel and link hash aside
	tag   bool               // Tunnel is set
}

// samples has a frame of every encapsulation.
func samples() []sample {
	seg := tcp(timestamps, data)
	p4, p6 := ipv4(protoTCP, seg), ipv6(protoTCP, seg)
	air := wifi(0x08, 0x01, snap(typeIPv4, p4))
	s4, s6 := segment4(), segment6()
	ip := func(protocol uint8, payload []byte) []byte { return ethernet(typeIPv4, ipv4(protocol, payload)) }
	gre := func(flags, protocol uint16, rest ...[]byte) []byte {
		return ip(protoGRE, cat(be16(flags, protocol), cat(rest...)))
	}
	eth4, eth6 := ethernet(typeIPv4, p4), ethernet(typeIPv6, p6)
	// A packet under way to its second last stop: the header names the next.
	stops := func(kind, left byte, list ...[]byte) []byte {
		b := ipv6(protoRouting, extension(protoTCP, cat([]byte{kind, left, 0, 0, 0, 0}, cat(list...)), seg))
		copy(b[24:40], addr6[0])
		return b
	}
	return []sample{
		{"ethernet ipv4", linkEthernet, eth4, s4, false},
		{"ethernet ipv6", linkEthernet, eth6, s6, false},
		{"padding", linkEthernet, cat(eth4, make([]byte, 9)), s4, false},
		{"vlan", linkEthernet, ethernet(typeVLAN, vlan(5, typeIPv4, p4)), s4, true},
		{"priority tag", linkEthernet, ethernet(typeVLAN, vlan(0, typeIPv4, p4)), s4, true},
		{"qinq 88a8", linkEthernet, ethernet(typeProvider, vlan(5, typeVLAN, vlan(6, typeIPv6, p6))), s6, true},
		{"qinq 9100", linkEthernet, ethernet(typeQinQ, vlan(5, typeVLAN, vlan(6, typeIPv4, p4))), s4, true},
		{"llc snap", linkEthernet, ethernet(uint16(len(p4)+8), snap(typeIPv4, p4)), s4, false},
		{"vlan llc snap", linkEthernet, ethernet(typeVLAN, vlan(1, uint16(len(p4)+8), snap(typeIPv4, p4))), s4, true},
		{"llc snap through a bridge", linkEthernet, ethernet(uint16(len(p4)+8), edit(snap(typeIPv4, p4), 5, 0xf8)), s4, false},
		{"llc ip", linkEthernet, ethernet(uint16(len(p4)+3), cat([]byte{6, 6, 3}, p4)), s4, false},
		{"mpls ipv4", linkEthernet, ethernet(typeMPLS, mplsLabel(100, false, mplsLabel(16, true, p4))), s4, true},
		{"mpls ipv6", linkEthernet, ethernet(typeMPLSMulticast, mplsLabel(16, true, p6)), s6, true},
		{"pseudowire with control word", linkEthernet, ethernet(typeMPLS, mplsLabel(16, true, cat(be32(0), eth4))), s4, true},
		{"pseudowire without", linkEthernet, ethernet(typeMPLS, mplsLabel(16, true, eth4)), s4, true},
		{"pppoe", linkEthernet, ethernet(typePPPoE, pppoe(9, cat(be16(pppIPv4), p4))), s4, true},
		{"pppoe ipv6", linkPPPEther, pppoe(9, cat(be16(pppIPv6), p6)), s6, true},
		{"sll", linkSLL, cat(be16(0, 1, 6), macs[:6], be16(0, typeIPv4), p4), s4, false},
		{"sll llc", linkSLL, cat(be16(0, 1, 6), macs[:6], be16(0, 4), snap(typeIPv4, p4)), s4, false},
		{"sll2", linkSLL2, cat(be16(typeIPv6, 0), be32(3), be16(1), []byte{0, 6}, macs[:8], p6), s6, false},
		{"sll2 vlan", linkSLL2, cat(be16(typeVLAN, 0), be32(3), be16(1), []byte{0, 6}, macs[:8], vlan(7, typeIPv4, p4)), s4, true},
		{"null little-endian", linkNull, cat([]byte{2, 0, 0, 0}, p4), s4, false},
		{"null big-endian", linkNull, cat(be32(2), p4), s4, false},
		{"null linux ipv6", linkNull, cat([]byte{10, 0, 0, 0}, p6), s6, false},
		{"null openbsd ipv6", linkNull, cat([]byte{24, 0, 0, 0}, p6), s6, false},
		{"null freebsd ipv6", linkNull, cat([]byte{28, 0, 0, 0}, p6), s6, false},
		{"null darwin ipv6", linkNull, cat(be32(30), p6), s6, false},
		{"loop", linkLoop, cat(be32(24), p6), s6, false},
		{"raw", linkRaw, p4, s4, false},
		{"raw ipv6", linkRaw, p6, s6, false},
		{"raw 12", linkRawBSD, p4, s4, false},
		{"raw 14", linkRawOpenBSD, p6, s6, false},
		{"ipv4", linkIPv4, p4, s4, false},
		{"ipv6", linkIPv6, p6, s6, false},
		{"ppp", linkPPP, cat(be16(hdlcAddressControl, pppIPv4), p4), s4, false},
		{"ppp bare", linkPPP, cat(be16(pppIPv6), p6), s6, false},
		{"ppp compressed protocol", linkPPP, cat([]byte{pppIPv4}, p4), s4, false},
		{"ppp mpls", linkPPP, cat(be16(pppMPLS), mplsLabel(16, true, p4)), s4, true},
		{"ppp hdlc", linkPPPHDLC, cat(be16(hdlcAddressControl, pppIPv4), p4), s4, false},
		{"ppp hdlc of cisco", linkPPPHDLC, cat(be16(0x0f00, typeIPv6), p6), s6, false},
		{"ppp with direction", linkPPPWithDir, cat([]byte{1}, be16(hdlcAddressControl, pppIPv4), p4), s4, false},
		{"pppd", linkPPPD, cat([]byte{1, 3}, be16(pppIPv4), p4), s4, false},
		{"cisco hdlc", linkCiscoHDLC, cat(be16(0x0f00, typeIPv4), p4), s4, false},
		{"ppp of cisco", linkPPP, cat(be16(0x0f00, typeIPv4), p4), s4, false},
		{"nflog", linkNFLog, cat([]byte{2, 0, 0, 5}, []byte{6, 0, 10, 0}, be16(7, 0), cat([]byte{byte(len(p4) + 4), 0, 9, 0}, p4)), s4, false},
		{"nflog big-endian", linkNFLog, cat([]byte{10, 0, 0, 5}, be16(5, 10), be32(7), be16(uint16(len(p6)+4), 9), p6), s6, false},
		{"802.1br", linkEthernet, ethernet(typeETag, cat(be16(0x1000, 0xd3, 0, typeIPv4), p4)), s4, false},
		{"cisco metadata", linkEthernet, ethernet(typeMetadata, cat([]byte{1, 1}, be16(1, 7, typeIPv4), p4)), s4, false},
		{"vn-tag in vlan", linkEthernet, ethernet(typeVLAN, vlan(5, typeVNTag, cat(be16(0, 7, typeIPv6), p6))), s6, true},
		{"backbone", linkEthernet, ethernet(typeBackbone, cat(be32(0x01000007), eth4)), s4, true},
		{"fabricpath", linkEthernet, ethernet(typeFabricPath, cat(be16(0x0060), eth6)), s6, false},
		{"rfc 1483", linkRFC1483, snap(typeIPv4, p4), s4, false},
		{"fddi", linkFDDI, cat([]byte{0x50}, macs, snap(typeIPv4, p4)), s4, false},
		{"token ring", linkTokenRing, cat([]byte{0x10, 0x40}, macs, snap(typeIPv4, p4)), s4, false},
		{"token ring, routed", linkTokenRing, cat([]byte{0x10, 0x40}, macs[:6], edit(macs[6:], 0, 0x82), []byte{0xc6, 0x30, 0, 1, 0, 0}, snap(typeIPv6, p6)), s6, false},
		{"pflog", linkPFLog, cat([]byte{61, 2}, make([]byte, 62), p4), s4, false},
		{"802.11", link80211, wifi(0x08, 0x01, snap(typeIPv4, p4)), s4, false},
		{"802.11 qos", link80211, wifi(0x88, 0x01, be16(0), snap(typeIPv6, p6)), s6, false},
		{"802.11 four addresses", link80211, wifi(0x88, 0x03, macs[:6], be16(0), snap(typeIPv6, p6)), s6, false},
		{"radiotap", linkRadiotap, radiotap(0, wifi(0x08, 0x01, snap(typeIPv4, p4))), s4, false},
		{"radiotap fcs", linkRadiotap, radiotap(0x10, wifi(0x08, 0x01, snap(typeIPv4, p4), be32(1))), s4, false},
		{"radiotap padded", linkRadiotap, radiotap(0x20, wifi(0x88, 0x01, be16(0, 0), snap(typeIPv4, p4))), s4, false},
		{"prism", linkPrism, cat([]byte{0x44, 0, 0, 0, 24, 0, 0, 0}, make([]byte, 16), wifi(0x08, 0x01, snap(typeIPv4, p4))), s4, false},
		{"ipv4 options", linkEthernet, ethernet(typeIPv4, ipv4With([]byte{7, 7, 4, 0, 0, 0, 0, 0}, 0, protoTCP, seg)), s4, false},
		{"dont fragment", linkEthernet, ethernet(typeIPv4, ipv4With(nil, 0x4000, protoTCP, seg)), s4, false},
		{"ipv4 ah", linkEthernet, ip(protoAH, cat([]byte{protoTCP, 4, 0, 0}, make([]byte, 20), seg)), s4, false},
		{"ipv6 hop-by-hop", linkIPv6, ipv6(protoHopByHop, extension(protoTCP, []byte{5, 2, 0, 0}, seg)), s6, false},
		{"ipv6 destination options", linkIPv6, ipv6(protoDestOpts, extension(protoTCP, make([]byte, 14), seg)), s6, false},
		{"ipv6 ah and options", linkIPv6, ipv6(protoAH, cat([]byte{protoDestOpts, 4, 0, 0}, make([]byte, 20), extension(protoTCP, nil, seg))), s6, false},
		{"ipv6 atomic fragment", linkIPv6, ipv6(protoFragment, fragmentHeader(protoTCP, 0, 1, seg)), s6, false},
		{"ipv6 routing done", linkIPv6, ipv6(protoRouting, extension(protoTCP, cat([]byte{4, 0, 0, 0, 0, 0}, addr6[0]), seg)), s6, false},
		{"ipv6 source route", linkIPv6, stops(0, 1, addr6[0], addr6[1]), s6, false},
		{"ipv6 segment routing", linkIPv6, stops(4, 1, addr6[1], addr6[0]), s6, false},
		{"ipv6 unknown routing", linkIPv6, ipv6(protoRouting, extension(protoTCP, []byte{99, 1, 0, 0, 0, 0}, seg)), s6, false},
		{"ip in ip", linkEthernet, ip(protoIPv4, p4), s4, true},
		{"6in4", linkEthernet, ip(protoIPv6, p6), s6, true},
		{"4in6", linkIPv6, ipv6(protoIPv4, p4), s4, true},
		{"6in6", linkIPv6, ipv6(protoIPv6, p6), s6, true},
		{"gre", linkEthernet, gre(0, typeIPv4, p4), s4, true},
		{"gre reserved bits", linkEthernet, gre(0x0ff8, typeIPv4, p4), s4, true},
		{"gre checksum key sequence", linkEthernet, gre(0xb000, typeIPv6, be32(0, 77, 1), p6), s6, true},
		{"gre ethernet", linkEthernet, gre(0x2000, typeTEB, be32(77), eth4), s4, true},
		{"gre mpls", linkEthernet, gre(0, typeMPLS, mplsLabel(16, true, p4)), s4, true},
		{"gre in udp", linkEthernet, ip(protoUDP, udp(4754, cat(be16(0, typeIPv4), p4))), s4, true},
		{"wccp", linkEthernet, gre(0, 0x883e, p4), s4, true},
		{"wccp 2", linkEthernet, gre(0, 0x883e, be32(0x00500000), p4), s4, true},
		{"pptp", linkEthernet, gre(0x3081, typePPP, be16(uint16(len(p4)+4), 9), be32(1, 2), be16(hdlcAddressControl, pppIPv4), p4), s4, true},
		{"eoip", linkEthernet, gre(0x2001, 0x6400, be16(uint16(len(eth6)), 7), eth6), s6, true},
		{"erspan", linkEthernet, gre(0, 0x88be, eth4), s4, true},
		{"erspan 2", linkEthernet, gre(0x1000, 0x88be, be32(1), be32(0x10000000, 0), eth4), s4, true},
		{"erspan 3", linkEthernet, gre(0x1000, 0x22eb, be32(1), be32(0x20000000, 0, 0), eth4), s4, true},
		{"erspan 3 platform", linkEthernet, gre(0x1000, 0x22eb, be32(1), be32(0x20000000, 0, 1, 0, 0), eth6), s6, true},
		{"etherip", linkEthernet, ip(protoEtherIP, cat(be16(0x3000), eth4)), s4, true},
		{"mpls in ip", linkEthernet, ip(protoMPLS, mplsLabel(16, true, p4)), s4, true},
		{"mpls in udp", linkEthernet, ip(protoUDP, udp(6635, mplsLabel(16, true, p4))), s4, true},
		{"vxlan", linkEthernet, ip(protoUDP, udp(4789, vxlan(8, 0, 42, eth4))), s4, true},
		{"vxlan of old linux", linkEthernet, ip(protoUDP, udp(8472, vxlan(8, 0, 42, eth6))), s6, true},
		{"vxlan from its port", linkEthernet, ip(protoUDP, udpFrom(4789, vxlan(8, 0, 42, eth4))), s4, true},
		{"geneve from its port", linkEthernet, ip(protoUDP, udpFrom(6081, geneve(typeTEB, 42, nil, eth4))), s4, true},
		{"from the port of one tunnel to that of another", linkEthernet, ip(protoUDP, cat(be16(6081, 4789, uint16(8+8+len(p6)), 0), geneve(typeIPv6, 42, nil, p6))), s6, true},
		{"vxlan over ipv6", linkIPv6, ipv6(protoUDP, udp(4789, vxlan(8, 0, 42, eth4))), s4, true},
		{"vxlan-gpe ethernet", linkEthernet, ip(protoUDP, udp(4790, vxlan(0x0c, 3, 42, eth4))), s4, true},
		{"vxlan-gpe ipv4", linkEthernet, ip(protoUDP, udp(4790, vxlan(0x0c, 1, 42, p4))), s4, true},
		{"vxlan-gpe ipv6", linkEthernet, ip(protoUDP, udp(4790, vxlan(0x0c, 2, 42, p6))), s6, true},
		{"geneve", linkEthernet, ip(protoUDP, udp(6081, geneve(typeTEB, 42, nil, eth4))), s4, true},
		{"geneve options ipv6", linkEthernet, ip(protoUDP, udp(6081, geneve(typeIPv6, 42, make([]byte, 8), p6))), s6, true},
		{"gtp", linkEthernet, ip(protoUDP, udp(2152, cat([]byte{0x30, 255}, be16(uint16(len(p4))), be32(1), p4))), s4, true},
		{"gtp extension", linkEthernet, ip(protoUDP, udp(2152, cat([]byte{0x34, 255}, be16(uint16(8+len(p6))), be32(1), []byte{0, 0, 0, 0x85, 1, 0, 0, 0}, p6))), s6, true},
		{"802.11 mesh", link80211, wifi(0x88, 0x03, macs[:6], be16(0x0001), make([]byte, 6), snap(typeIPv4, p4)), s4, false},
		{"802.11 mesh, two more addresses", link80211, wifi(0x88, 0x03, macs[:6], be16(0x0001), []byte{2, 9, 0, 0, 0, 1}, macs, snap(typeIPv4, p4)), s4, false},
		{"802.11 four addresses, queue size", link80211, wifi(0x88, 0x03, macs[:6], be16(0x0001), snap(typeIPv4, p4)), s4, false},
		{"a-msdu of one", link80211, wifi(0x88, 0x01, be16(0x8000), macs, be16(uint16(len(p4)+8)), snap(typeIPv4, p4)), s4, false},
		{"a-msdu of one, fcs", linkRadiotap, radiotap(0x10, wifi(0x88, 0x01, be16(0x8000), macs, be16(uint16(len(p4)+8)), snap(typeIPv4, p4), be32(1))), s4, false},
		{"gre of aruba", linkEthernet, gre(0, 0x8200, wifi(0x88, 0x01, be16(0), snap(typeIPv4, p4))), s4, true},
		{"gre of aruba, last", linkEthernet, gre(0, 0x8370, wifi(0x88, 0x02, be16(0), snap(typeIPv4, p4))), s4, true},
		{"gre of aruba, 9000", linkEthernet, gre(0, 0x9000, wifi(0x08, 0x02, snap(typeIPv6, p6))), s6, true},
		{"capwap", linkEthernet, ip(protoUDP, udp(5247, cat(be32(0x00100300, 0), wifi(0x08, 0x01, snap(typeIPv4, p4))))), s4, true},
		{"capwap to the access point", linkEthernet, ip(protoUDP, udpFrom(5247, cat(be32(0x00100300, 0), wifi(0x08, 0x02, snap(typeIPv4, p4))))), s4, true},
		{"capwap of cisco", linkEthernet, ip(protoUDP, udp(5247, cat(be32(0x00200320, 0, 0x04bf2300, 0), swapped(wifi(0x88, 0x01, be16(0), snap(typeIPv4, p4)))))), s4, true},
		{"capwap, ethernet", linkEthernet, ip(protoUDP, udp(5247, cat(be32(0x00100200, 0), eth6))), s6, true},
		{"ayiya", linkEthernet, ip(protoUDP, udp(5072, cat([]byte{0x42, 0x52, 0x11, protoIPv6}, make([]byte, 4+16+20), p6))), s6, true},
		{"ayiya from its port, without signature", linkEthernet, ip(protoUDP, udpFrom(5072, cat([]byte{0x00, 0x00, 0x01, protoIPv6}, make([]byte, 4+1), p6))), s6, true},
		{"l2tp", linkEthernet, ip(protoUDP, udp(1701, cat(be16(0x0002, 7, 9), be16(hdlcAddressControl, pppIPv4), p4))), s4, true},
		{"l2tp with all fields", linkEthernet, ip(protoUDP, udp(1701, cat(be16(0x4a02, uint16(len(p6)+20), 7, 9, 1, 2, 2, 0), be16(hdlcAddressControl, pppIPv6), p6))), s6, true},
		{"l2tp from its port", linkEthernet, ip(protoUDP, udpFrom(1701, cat(be16(0x0002, 7, 9, pppIPv4), p4))), s4, true},
		{"teredo", linkEthernet, ip(protoUDP, udp(3544, p6)), s6, true},
		{"teredo with indications", linkEthernet, ip(protoUDP, udpFrom(3544, cat([]byte{0, 1, 2, 3}, make([]byte, 2+3+9), make([]byte, 8), p6))), s6, true},
		{"tzsp", linkEthernet, ip(protoUDP, udp(37008, cat([]byte{1, 0, 0, 1, 0, 10, 1, 99, 1}, eth4))), s4, false},
		{"tzsp of 802.11", linkEthernet, ip(protoUDP, udp(37008, cat([]byte{1, 1, 0, 18, 1}, wifi(0x08, 0x01, snap(typeIPv4, p4))))), s4, false},
		{"arcnet", linkARCNET, cat([]byte{7, 9, 212, 0, 0, 1}, p4), s4, false},
		{"arcnet, exception", linkARCNET, cat([]byte{7, 9, 212, 0xff, 0xff, 0xff, 212, 0, 0, 1}, p4), s4, false},
		{"arcnet, ipv6 in frames", linkARCNET, cat([]byte{7, 9, 196, 1, 0, 1}, p6), s6, false},
		{"arcnet of rfc 1051", linkARCNET, cat([]byte{7, 9, 240}, p4), s4, false},
		{"arcnet of linux", linkARCNETLinux, cat([]byte{7, 9, 0, 0, 212, 0, 0, 1}, p4), s4, false},
		{"aruba's mirror, pcap", linkEthernet, ip(protoUDP, udp(5555, cat(be32(1, 2, uint32(len(air)), uint32(len(air))), air))), s4, false},
		{"aruba's mirror, pcap and radio", linkEthernet, ip(protoUDP, udp(5555, cat(be32(1, 2, uint32(len(air)), uint32(len(air)+9), 0x006c0b32), air))), s4, false},
		{"aruba's mirror, ppi", linkEthernet, ip(protoUDP, udp(5555, cat([]byte{0, 0, 8, 0, 105, 0, 0, 0}, air))), s4, false},
		{"aruba's mirror, radiotap", linkEthernet, ip(protoUDP, udp(5555, radiotap(0, air))), s4, false},
		{"peek", linkEthernet, ip(protoUDP, udp(5000, cat([]byte{0xc0, 0xa0}, be16(uint16(len(air)+4), uint16(len(air)), 0), make([]byte, 8), []byte{108, 11, 50, 0}, air))), s4, false},
		{"peek, cut", linkEthernet, ip(protoUDP, udp(5000, cat([]byte{0xc0, 0xa0}, be16(uint16(len(air)), 0, 0), make([]byte, 8), []byte{108, 11, 50, 0}, air))), s4, false},
		{"peek 2", linkEthernet, ip(protoUDP, udp(5555, cat(be32(0x00ffabcd), []byte{2}, be32(55), make([]byte, 46), air, be32(1)))), s4, false},
		{"peek 3", linkEthernet, ip(protoUDP, udp(5000, cat(be32(0x00ffabcd), []byte{3}, be32(13), make([]byte, 4), radiotap(0x10, cat(air, be32(1)))))), s4, false},
		{"Centrino", linkEthernet, ethernet(typeCentrino, wifi(0x08, 0x42, be32(0x75d21700), snap(typeIPv4, p4), be32(1))), s4, false},
		{"nsh", linkEthernet, ethernet(typeNSH, cat([]byte{0, 2, 2, 1}, be32(0x000001ff), p4)), s4, false},
		{"nsh in vxlan-gpe", linkEthernet, ip(protoUDP, udp(4790, vxlan(0x0c, 4, 42, cat([]byte{0x0f, 0xc6, 1, 3}, be32(0x000001ff), make([]byte, 16), eth6)))), s6, true},
		{"juniper ethernet", linkJuniperEther, cat([]byte("MGC\x80"), be16(7), []byte{3, 1, 6, 1, 2, 0, 0}, eth4), s4, false},
		{"juniper ppp", linkJuniperPPP, cat([]byte("MGC\x01"), be16(hdlcAddressControl, pppIPv4), p4), s4, false},
		{"juniper hdlc", linkJuniperCHDLC, cat([]byte("MGC\x01"), be16(0x0f00, typeIPv6), p6), s6, false},
		{"juniper atm", linkJuniperATM1, cat([]byte("MGC\x01"), be32(7), snap(typeIPv4, p4)), s4, false},
		{"juniper atm 2", linkJuniperATM2, cat([]byte("MGC\x01"), be32(7, 0), snap(typeIPv4, p4)), s4, false},
		{"juniper pppoe", linkJuniperPPPoE, cat([]byte("MGC\x00"), ethernet(typePPPoE, pppoe(9, cat(be16(pppIPv4), p4)))), s4, true},
		{"juniper without link layer", linkJuniperEther, cat([]byte("MGC\x02"), []byte{2, 0, 0, 0}, p4), s4, false},
		{"ip over infiniband", linkIPoIB, cat(make([]byte, 40), be16(typeIPv4, 0), p4), s4, false},
		{"vxlan vlan in vlan", linkEthernet, ethernet(typeVLAN, vlan(3, typeIPv4, ipv4(protoUDP, udp(4789, vxlan(8, 0, 42, ethernet(typeVLAN, vlan(4, typeIPv4, p4))))))), s4, true},
	}
}

// stale is a segment whose fields are all wrong, like a slot that was used before.
func stale() reassembly.Segment {
	var s reassembly.Segment
	s.Seq, s.Ack, s.Len, s.Tunnel, s.Link = 9, 9, 9, 9, 9
	s.Window, s.IPID, s.Flags, s.TTL = 9, 9, 9, 9
	s.Src = reassembly.Endpoint{Addr: [16]byte{9, 1, 14: 9}, Port: 9}
	s.Dst = s.Src
	s.Opts = reassembly.Options{Has: 0xff, Scale: 9, NBlocks: 4, MSS: 9, TSVal: 9, TSEcr: 9}
	s.Opts.Blocks[3] = reassembly.Block{From: 9, To: 9}
	s.ICMP = reassembly.ICMP{Type: 9, Code: 9}
	return s
}

func TestDecode(t *testing.T) {
	d := New()
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			got := stale()
			if r := d.Decode(s.link, s.frame, len(s.frame), 0, &got); r != OK {
				t.Fatalf("Decode: %v", r)
			}
			if (got.Tunnel != 0) != s.tag {
				t.Errorf("Tunnel = %#x", got.Tunnel)
			}
			want := s.want
			want.Tunnel, want.Link = got.Tunnel, got.Link
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// A frame that is cut anywhere is truncated, or its segment is the same except for
// the options that were cut. As the wire length is known, it is never malformed.
func TestDecode_cutAnywhere(t *testing.T) {
	d := New()
	for _, s := range samples() {
		needed := 0
		for n := range s.frame {
			// A slice that ends where the frame does panics if read beyond.
			cut := slices.Clone(s.frame[:n])[:n:n]
			got := stale()
			r := d.Decode(s.link, cut, len(s.frame), 0, &got)
			if r == OK && needed == 0 {
				needed = n
			}
			switch {
			case r == OK:
				want := s.want
				want.Tunnel, want.Link = got.Tunnel, got.Link
				if got.Opts.Has == reassembly.OptionsCut {
					want.Opts = reassembly.Options{Has: reassembly.OptionsCut}
				}
				if got != want {
					t.Fatalf("%s, cut to %d: got %+v\nwant %+v", s.name, n, got, want)
				}
			case needed != 0:
				t.Fatalf("%s, cut to %d: %v, but decoded at %d", s.name, n, r, needed)
			case r != Truncated && !guesses[s.name]:
				t.Fatalf("%s, cut to %d: %v", s.name, n, r)
			}
			// The same bytes as a whole frame: anything but a panic.
			d.Decode(s.link, cut, n, 0, &got)
		}
		if tail := len(s.frame) - needed; needed == 0 || tail < len(data)+len(timestamps) {
			t.Errorf("%s needs %d of %d bytes", s.name, needed, len(s.frame))
		}
	}
}

// guesses need more than one header to be recognised: Ethernet after a label is
// recognised by its EtherType.
var guesses = map[string]bool{
	"pseudowire with control word": true,
	"pseudowire without":           true,
}

func TestDecode_noSegment(t *testing.T) {
	seg := tcp(timestamps, data)
	p4, p6 := ipv4(protoTCP, seg), ipv6(protoTCP, seg)
	air := wifi(0x08, 0x01, snap(typeIPv4, p4))
	nested, eth := p4, ethernet(typeIPv4, p4)
	for range 20 {
		nested = ipv4(protoIPv4, nested)
	}
	tags := cat(be16(typeIPv4), p4)
	for range 20 {
		tags = cat(be16(typeVLAN, 1), tags)
	}
	wires := ethernet(typeIPv4, p4)
	for range 20 {
		wires = ethernet(typeMPLS, mplsLabel(1, true, wires))
	}
	for _, c := range []struct {
		name  string
		link  uint32
		frame []byte
		want  Reason
	}{
		{"empty", linkEthernet, nil, MalformedLink},
		{"empty raw", linkRaw, nil, MalformedIP},
		{"arp", linkEthernet, ethernet(0x0806, make([]byte, 28)), NotTCP},
		{"lldp", linkEthernet, ethernet(0x88cc, make([]byte, 28)), NotTCP},
		{"spanning tree", linkEthernet, ethernet(38, cat([]byte{0x42, 0x42, 3}, make([]byte, 35))), NotTCP},
		{"novell", linkSLL, cat(make([]byte, 14), be16(1), p4), NotTCP},
		{"udp", linkRaw, ipv4(protoUDP, udp(53, data)), NotTCP},
		{"udp to a tunnel's port", linkRaw, ipv4(protoUDP, udp(4789, cat([]byte{8, 0, 0, 0, 0, 0, 1, 0}, data))), NotTCP},
		{"ping", linkRaw, ipv4(1, cat([]byte{8, 0, 0, 0, 0, 0, 0, 0}, p4)), NotTCP},
		{"icmp redirect", linkRaw, ipv4(1, cat([]byte{5, 0, 0, 0, 0, 0, 0, 0}, p4)), NotTCP},
		{"icmp error without a quote", linkRaw, ipv4(1, []byte{3, 3, 0, 0, 0, 0, 0, 0}), NotTCP},
		{"icmp error quoting four bytes of tcp", linkRaw, ipv4(1, cat([]byte{3, 3, 0, 0, 0, 0, 0, 0}, p4[:24])), NotTCP},
		{"icmp error quoting udp", linkRaw, ipv4(1, cat([]byte{3, 3, 0, 0, 0, 0, 0, 0}, edit(p4, 9, 17))), NotTCP},
		{"icmp error quoting a later fragment", linkRaw, ipv4(1, cat([]byte{3, 3, 0, 0, 0, 0, 0, 0}, edit(p4, 7, 8))), NotTCP},
		{"icmp error quoting a tunnel", linkRaw, ipv4(1, cat([]byte{3, 4, 0, 0, 0, 0, 5, 120}, ipv4(protoIPv4, p4))), NotTCP},
		{"multicast listener report", linkIPv6, ipv6(protoICMPv6, cat([]byte{143, 0, 0, 0, 0, 0, 0, 0}, p4)), NotTCP},
		{"ipv6 no next header", linkIPv6, ipv6(59, nil), NotTCP},
		{"udp to a tunnel's port, damaged inside", linkRaw, ipv4(protoUDP, udp(4789, vxlan(8, 0, 1, ethernet(typeIPv4, data)))), NotTCP},
		{"vxlan without identifier", linkRaw, ipv4(protoUDP, udp(4789, vxlan(0, 0, 1, ethernet(typeIPv4, p4)))), NotTCP},
		{"vxlan-gpe of something else", linkRaw, ipv4(protoUDP, udp(4790, vxlan(4, 7, 1, p4))), NotTCP},
		{"geneve of the future", linkRaw, ipv4(protoUDP, udp(6081, edit(geneve(typeIPv4, 1, nil, p4), 0, 0x40))), NotTCP},
		{"gtp end marker", linkRaw, ipv4(protoUDP, udp(2152, cat([]byte{0x30, 254, 0, 0}, be32(1), p4))), NotTCP},
		{"gtp extension without length", linkRaw, ipv4(protoUDP, udp(2152, cat([]byte{0x34, 255, 0, 0}, be32(1), []byte{0, 0, 0, 1, 0, 0, 0, 1}))), NotTCP},
		{"gre of the future", linkRaw, ipv4(protoGRE, cat(be16(2, typeIPv4), p4)), Undecodable},
		{"packet in the padding", linkRaw, cat(ipv4(protoIPv4, nil), p4), MalformedIP},
		{"unknown oui", linkEthernet, ethernet(100, edit(snap(typeIPv4, p4), 5, 0x0c)), NotTCP},
		{"token ring, beacon", linkTokenRing, cat([]byte{0x10, 0x00}, macs, snap(typeIPv4, p4)), NotTCP},
		{"fddi token", linkFDDI, cat([]byte{0x80}, macs, snap(typeIPv4, p4)), NotTCP},
		{"loopback of another family", linkNull, cat(be32(7), p4), NotTCP},
		{"ayiya heartbeat", linkRaw, ipv4(protoUDP, udp(5072, cat([]byte{0x42, 0x52, 0x10, protoIPv6}, make([]byte, 4+16+20), p6))), NotTCP},
		{"ayiya of something else", linkRaw, ipv4(protoUDP, udp(5072, cat([]byte{0x42, 0x52, 0x11, 59}, make([]byte, 4+16+20), p6))), NotTCP},
		{"ayiya that does not fill its datagram", linkRaw, ipv4(protoUDP, udp(5072, cat([]byte{0x42, 0x52, 0x11, protoIPv6}, make([]byte, 4+16+20), p6, []byte{0}))), NotTCP},
		{"arcnet, second frame", linkARCNET, cat([]byte{7, 9, 212, 2, 0, 1}, p4), Undecodable},
		{"arcnet, arp", linkARCNET, cat([]byte{7, 9, 213, 0, 0, 1}, p4), NotTCP},
		{"aruba's mirror, of another length", linkRaw, ipv4(protoUDP, udp(5555, cat(be32(1, 2, uint32(len(air)+1), uint32(len(air)+1)), air))), NotTCP},
		{"aruba's mirror, longer than it was heard", linkRaw, ipv4(protoUDP, udp(5555, cat(be32(1, 2, uint32(len(air)), uint32(len(air)-1)), air))), NotTCP},
		{"aruba's mirror, a second of more than a million microseconds", linkRaw, ipv4(protoUDP, udp(5555, cat(be32(1, 1e6, uint32(len(air)), uint32(len(air))), air))), NotTCP},
		{"aruba's mirror, of something that is not 802.11", linkRaw, ipv4(protoUDP, udp(5555, cat(be32(1, 2, 4, 4), data[:4]))), NotTCP},
		{"peek of another length", linkRaw, ipv4(protoUDP, udp(5000, cat([]byte{0xc0, 0xa0}, be16(9, 9, 0), make([]byte, 8), []byte{108, 11, 50, 0}, air))), NotTCP},
		{"peek 2, no header", linkRaw, ipv4(protoUDP, udp(5000, cat(be32(0x00ffabcd), []byte{2}, be32(8), air))), NotTCP},
		{"802.11 to another port", linkRaw, ipv4(protoUDP, udp(5556, radiotap(0, air))), NotTCP},
		{"neither version", linkRaw, edit(p4, 0, 0x55), NotTCP},
		{"ipv6 of another version", linkIPv6, edit(ipv6(protoTCP, seg), 0, 0x40), MalformedIP},
		{"ipv6 header chain in fragments", linkIPv6, ipv6(protoFragment, fragmentHeader(protoDestOpts, 1, 1, extension(protoTCP, nil, seg[:24]))), IPv6Fragment},
		{"fragment beyond 64 KiB", linkRaw, ipv4With(nil, 0x1fff, protoTCP, seg), MalformedIP},
		{"pppoe of another version", linkPPPEther, edit(pppoe(1, cat(be16(pppIPv4), p4)), 0, 0x21), MalformedLink},
		{"pppoe discovery in session", linkPPPEther, edit(pppoe(1, cat(be16(pppIPv4), p4)), 1, 0xa7), NotTCP},
		{"ppp lcp", linkPPP, cat(be16(hdlcAddressControl, 0xc021), data), NotTCP},
		{"ppp header compression", linkPPP, cat(be16(pppVJCompressed), data), Undecodable},
		{"mppe", linkPPP, cat(be16(pppCompressed), data), Encrypted},
		{"ipcomp", linkRaw, ipv4(protoIPComp, data), Undecodable},
		{"esp", linkRaw, ipv4(protoESP, data), Encrypted},
		{"macsec", linkEthernet, ethernet(typeMACsec, data), Encrypted},
		{"wpa", link80211, wifi(0x88, 0x41, be16(0), make([]byte, 8), data), Encrypted},
		{"a-msdu that is none", link80211, wifi(0x88, 0x01, be16(0x8000), data), Undecodable},
		{"a-msdu, four addresses", link80211, wifi(0x88, 0x03, macs[:6], be16(0x8000), snap(typeIPv4, p4)), NotTCP},
		{"gre of aruba, wpa", linkRaw, ipv4(protoGRE, cat(be16(0, 0x8300), wifi(0x88, 0x42, be16(0), make([]byte, 8), data))), Encrypted},
		{"eoip without its key", linkRaw, ipv4(protoGRE, cat(be16(0x0001, 0x6400), ethernet(typeIPv4, p4))), NotTCP},
		{"gre near those of aruba", linkRaw, ipv4(protoGRE, cat(be16(0, 0x8201), wifi(0x88, 0x01, be16(0), snap(typeIPv4, p4)))), NotTCP},
		{"gre beyond those of aruba", linkRaw, ipv4(protoGRE, cat(be16(0, 0x8380), wifi(0x88, 0x01, be16(0), snap(typeIPv4, p4)))), NotTCP},
		{"capwap with dtls", linkRaw, ipv4(protoUDP, udp(5247, cat(be32(0x01000000), data))), Encrypted},
		{"capwap keep-alive", linkRaw, ipv4(protoUDP, udp(5247, cat(be32(0x00100208, 0), eth))), NotTCP},
		{"capwap, second fragment", linkRaw, ipv4(protoUDP, udp(5247, cat(be32(0x00100280, 0x00010008), eth))), NotTCP},
		{"capwap of another binding", linkRaw, ipv4(protoUDP, udp(5247, cat(be32(0x00100700, 0), wifi(0x08, 0x01, snap(typeIPv4, p4))))), NotTCP},
		{"capwap of the future", linkRaw, ipv4(protoUDP, udp(5247, cat(be32(0x10100200, 0), eth))), NotTCP},
		{"l2tp control", linkRaw, ipv4(protoUDP, udp(1701, cat(be16(0xc802, 12, 1, 0, 0, 0), data))), NotTCP},
		{"l2tp 3", linkRaw, ipv4(protoUDP, udp(1701, cat(be16(0x0003, 0), be32(9), be16(hdlcAddressControl, pppIPv4), p4))), NotTCP},
		{"l2tp with reserved bits", linkRaw, ipv4(protoUDP, udp(1701, cat(be16(0x0402, 7, 9), be16(hdlcAddressControl, pppIPv4), p4))), NotTCP},
		{"teredo with more than a packet", linkRaw, ipv4(protoUDP, udp(3544, cat(ipv6(protoTCP, seg), data))), NotTCP},
		{"teredo of another version", linkRaw, ipv4(protoUDP, udp(3544, p4)), NotTCP},
		{"tzsp keep-alive", linkRaw, ipv4(protoUDP, udp(37008, cat([]byte{1, 4, 0, 1, 1}, eth))), NotTCP},
		{"tzsp of something else", linkRaw, ipv4(protoUDP, udp(37008, cat([]byte{1, 0, 0, 9, 1}, eth))), NotTCP},
		{"tzsp without end", linkRaw, ipv4(protoUDP, udp(37008, []byte{1, 0, 0, 1, 10, 9})), NotTCP},
		{"nsh of something else", linkEthernet, ethernet(typeNSH, cat([]byte{0, 2, 2, 4}, be32(0), p4)), NotTCP},
		{"short nsh", linkEthernet, ethernet(typeNSH, cat([]byte{0, 1, 2, 1}, be32(0), p4)), MalformedLink},
		{"juniper without magic", linkJuniperEther, cat([]byte("MGB\x00"), eth), MalformedLink},
		{"juniper extension beyond frame", linkJuniperEther, cat([]byte("MGC\x80"), be16(999), eth), MalformedLink},
		{"802.11 second fragment", link80211, edit(wifi(0x08, 0x01, snap(typeIPv4, p4)), 22, 0x11), NotTCP},
		{"802.11 beacon", link80211, wifi(0x80, 0, snap(typeIPv4, p4)), NotTCP},
		{"802.11 null", link80211, wifi(0x48, 0x01, snap(typeIPv4, p4)), NotTCP},
		{"short radiotap", linkRadiotap, []byte{0, 0, 200, 0, 0, 0, 0, 0}, Undecodable},
		{"unknown link type", 147, p4, UnknownLinkType},
		{"huge link type", 1 << 31, p4, UnknownLinkType},
		{"ethernet with an ipv6 inside ipv4's type", linkEthernet, ethernet(typeIPv4, ipv6(protoTCP, seg)), MalformedIP},
		{"short ip header", linkRaw, edit(p4, 0, 0x44), MalformedIP},
		{"ip header longer than packet", linkRaw, edit(p4, 3, 19), MalformedIP},
		{"packet shorter than tcp", linkRaw, edit(p4, 3, 39), MalformedTCP},
		{"data offset 4", linkRaw, edit(p4, 32, 0x40), MalformedTCP},
		{"data offset beyond packet", linkRaw, ipv4(protoTCP, edit(tcp(nil, nil), 12, 0x60)), MalformedTCP},
		{"extension beyond packet", linkIPv6, ipv6(protoHopByHop, []byte{6, 9, 0, 0, 0, 0, 0, 0}), MalformedIP},
		{"gre source route", linkRaw, ipv4(protoGRE, cat(be16(0x4000, typeIPv4), p4)), Undecodable},
		{"nested too deep", linkRaw, nested, Undecodable},
		{"pseudowires too deep", linkEthernet, wires, Undecodable},
		{"too many tags", linkEthernet, cat(macs, tags), Undecodable},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seg reassembly.Segment
			if got := New().Decode(c.link, c.frame, len(c.frame), 0, &seg); got != c.want {
				t.Errorf("Decode: %v, want %v (%+v)", got, c.want, seg)
			}
		})
	}
}

// edit returns b with one byte replaced.
func edit(b []byte, i int, v byte) []byte {
	b = slices.Clone(b)
	b[i] = v
	return b
}

func TestDecode_eightTags(t *testing.T) {
	b := cat(be16(typeIPv4), ipv4(protoTCP, tcp(nil, nil)))
	for range 8 {
		b = cat(be16(typeVLAN, 1), b)
	}
	var seg reassembly.Segment
	if r := New().Decode(linkEthernet, cat(macs, b), 12+len(b), 0, &seg); r != OK {
		t.Error(r)
	}
}

// The lengths that IP states, and those of offloaded segments, which it does not.
func TestDecode_lengths(t *testing.T) {
	seg := tcp(nil, data)
	hopByHop := func(options []byte) []byte {
		return edit(edit(ipv6(protoHopByHop, extension(protoTCP, options, seg)), 4, 0), 5, 0)
	}
	jumbo := func(n uint32) []byte { return cat([]byte{0xc2, 4}, be32(n)) }
	zero6 := ipv6(protoTCP, seg)
	for _, c := range []struct {
		name  string
		frame []byte
		wire  int // beyond the frame's bytes
		want  uint32
	}{
		{"as captured", ipv4(protoTCP, seg), 0, 20},
		{"cut by the snap length", ipv4(protoTCP, tcp(nil, make([]byte, 1400)))[:54], 1386, 1400},
		{"ip says more than the frame", edit(ipv4(protoTCP, seg), 2, 4), 0, 4*256 + 20},
		{"trailer", ipv4(protoTCP, seg), 6, 20},
		{"tso", edit(edit(ipv4(protoTCP, seg), 2, 0), 3, 0), 70000, 70020},
		{"ipv6 tso", edit(edit(zero6, 4, 0), 5, 0), 70000, 70020},
		{"jumbogram", hopByHop(jumbo(70000 + 8 + 20)), 70000 - 20, 70000},
		{"jumbogram, padded", hopByHop(cat([]byte{0, 1, 1, 0, 0, 5, 0}, jumbo(70000+16+20))), 70000 - 20, 70000},
		{"jumbogram without its option", hopByHop([]byte{5, 2, 0, 0}), 70000, 70020},
		{"jumbogram with a bad option", hopByHop([]byte{5, 99}), 70000, 70020},
		{"wire length forgotten", edit(edit(ipv4(protoTCP, seg), 2, 0), 3, 0), -100, 20},
		{"tso in a tunnel", ipv4(protoIPv4, edit(edit(ipv4(protoTCP, seg), 2, 0), 3, 0)), 9, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seg reassembly.Segment
			if r := New().Decode(linkRaw, c.frame, len(c.frame)+c.wire, 0, &seg); r != OK {
				t.Fatal(r)
			}
			if seg.Len != c.want {
				t.Errorf("Len = %d, want %d", seg.Len, c.want)
			}
		})
	}
	var s reassembly.Segment
	if r := New().Decode(linkRaw, hopByHop(jumbo(1<<31)), 100, 0, &s); r != MalformedIP {
		t.Errorf("jumbogram of 2 GiB: %v", r)
	}
	if r := New().Decode(linkRaw, edit(edit(ipv4(protoTCP, seg), 2, 0), 3, 0), 1<<31-1, 0, &s); r != MalformedIP {
		t.Errorf("frame of 2 GiB: %v", r)
	}
}

// A packet that says to be longer than its frame is as long as that, unless a tool cut it and
// did not record how long it had been.
func TestDecode_longerThanFrame(t *testing.T) {
	seg, seg6 := ipv4(protoTCP, tcp(nil, data)), ipv6(protoTCP, tcp(nil, data))
	long := func(b []byte, total uint16) []byte { return edit(edit(b, 2, byte(total>>8)), 3, byte(total)) }
	long6 := func(b []byte, payload uint16) []byte { return edit(edit(b, 4, byte(payload>>8)), 5, byte(payload)) }
	full := ipv4(protoTCP, tcp(nil, make([]byte, 1460)))
	for _, c := range []struct {
		name          string
		before, frame []byte
		wire          int
		want          uint32
		damaged       bool
	}{
		{"longer than the frame", full, long(seg, 321), len(seg), 20, true},
		{"IPv6", full, long6(seg6, 321), len(seg6), 20, true},
		{"cut by the snap length", full, long(seg, 321), 321, 281, false},
		{"a trailer", full, seg, len(seg) + 6, 20, false},
		{"segmentation offload", full, long(seg, 0), 3000, 2960, false},
		{"larger than Ethernet's", seg, long(full, 9587), len(full), 1460, true},
		{"all are cut", seg, long(seg, 321), len(seg), 281, false},
		{"all are cut, IPv6", seg, long6(seg6, 321), len(seg6), 301, false},
		{"cut to headers", full, long(seg, 321)[:40], 40, 281, false},
		{"cut to headers, IPv6", full, long6(seg6, 321)[:60], 60, 301, false},
		{"headers, with a bit flipped", full, long(seg, 40+1<<12)[:40], 40, 0, true},
		{"mirrored in a tunnel", full, ipv4(protoIPv4, long(seg, 321)), 20 + len(seg), 281, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s reassembly.Segment
			d := New()
			if r := d.Decode(linkRaw, c.before, len(c.before), 0, &s); r != OK {
				t.Fatal(r)
			}
			if r := d.Decode(linkRaw, c.frame, c.wire, 0, &s); r != OK || s.Len != c.want || d.Overlong != 0 != c.damaged {
				t.Errorf("%v, %d bytes of payload, %d damaged; want %d, %v", r, s.Len, d.Overlong, c.want, c.damaged)
			}
		})
	}
}

func TestDecode_hashes(t *testing.T) {
	hashes := func(link uint32, frame []byte) (tunnel, mac uint32) {
		t.Helper()
		var seg reassembly.Segment
		if r := New().Decode(link, frame, len(frame), 0, &seg); r != OK {
			t.Fatal(r)
		}
		return seg.Tunnel, seg.Link
	}
	p := ipv4(protoTCP, tcp(nil, nil))
	swapped := cat(macs[6:], macs[:6], be16(typeIPv4), p)
	plain, forth := hashes(linkEthernet, ethernet(typeIPv4, p))
	if _, back := hashes(linkEthernet, swapped); plain != 0 || forth == back || forth == 0 || back == 0 {
		t.Errorf("addresses in either order: %#x, %#x; tunnel %#x", forth, back, plain)
	}
	if tunnel, mac := hashes(linkRaw, p); tunnel != 0 || mac != 0 {
		t.Errorf("raw IP: tunnel %#x, link %#x", tunnel, mac)
	}
	if fold(0) == 0 { // the address of Linux's loopback interface
		t.Error("a hash is 0")
	}
	in := ethernet(typeIPv4, p)
	seen := map[uint32]string{}
	for name, frame := range map[string][]byte{
		"vlan 5":       ethernet(typeVLAN, vlan(5, typeIPv4, p)),
		"vlan 6":       ethernet(typeVLAN, vlan(6, typeIPv4, p)),
		"vlan 5, 6":    ethernet(typeVLAN, vlan(5, typeVLAN, vlan(6, typeIPv4, p))),
		"vlan 6, 5":    ethernet(typeVLAN, vlan(6, typeVLAN, vlan(5, typeIPv4, p))),
		"label 5":      ethernet(typeMPLS, mplsLabel(5, true, p)),
		"pppoe 5":      ethernet(typePPPoE, pppoe(5, cat(be16(pppIPv4), p))),
		"gre 5":        ethernet(typeIPv4, ipv4(protoGRE, cat(be16(0x2000, typeIPv4), be32(5), p))),
		"vxlan 5":      ethernet(typeIPv4, ipv4(protoUDP, udp(4789, vxlan(8, 0, 5, in)))),
		"vxlan 6":      ethernet(typeIPv4, ipv4(protoUDP, udp(4789, vxlan(8, 0, 6, in)))),
		"geneve 5":     ethernet(typeIPv4, ipv4(protoUDP, udp(6081, geneve(typeIPv4, 5, nil, p)))),
		"ip in ip":     ethernet(typeIPv4, ipv4(protoIPv4, p)),
		"gre, no key":  ethernet(typeIPv4, ipv4(protoGRE, cat(be16(0, typeIPv4), p))),
		"vlan 0":       ethernet(typeVLAN, vlan(0, typeIPv4, p)),
		"ip in ip * 2": ethernet(typeIPv4, ipv4(protoIPv4, ipv4(protoIPv4, p))),
	} {
		tunnel, mac := hashes(linkEthernet, frame)
		if other, ok := seen[tunnel]; ok || tunnel == 0 {
			t.Errorf("%s hashes to %#x, as does %q", name, tunnel, other)
		}
		if mac != forth {
			t.Errorf("%s: link hash %#x, want %#x", name, mac, forth)
		}
		seen[tunnel] = name
	}
	pptp := func(call uint16) []byte {
		return ipv4(protoGRE, cat(be16(0x2001, typePPP, uint16(len(p)+2), call, pppIPv4), p))
	}
	gtp := func(endpoint uint32) []byte {
		return ipv4(protoUDP, udp(2152, cat([]byte{0x30, 255}, be16(uint16(len(p))), be32(endpoint), p)))
	}
	for name, pair := range map[string][2][]byte{
		"VLAN priority": {ethernet(typeVLAN, vlan(5, typeIPv4, p)), ethernet(typeVLAN, vlan(5|0xe000, typeIPv4, p))},
		"PPTP call":     {ethernet(typeIPv4, pptp(1)), ethernet(typeIPv4, pptp(2))},
		"GTP endpoint":  {ethernet(typeIPv4, gtp(1)), ethernet(typeIPv4, gtp(2))},
	} {
		a, _ := hashes(linkEthernet, pair[0])
		b, _ := hashes(linkEthernet, pair[1])
		if a != b {
			t.Errorf("%s distinguishes tunnels", name)
		}
	}
}

// The address of a cooked header is as long as the header says, up to eight bytes
// (Infiniband's has 20, of which eight are kept). What follows it is not part of it:
// a copy of a frame would look like another frame, or another frame like a copy.
func TestDecode_cookedAddressHasItsLength(t *testing.T) {
	d := New()
	p := ipv4(protoTCP, tcp(nil, nil))
	hash := func(link uint32, frame []byte) uint32 {
		var seg reassembly.Segment
		if r := d.Decode(link, frame, len(frame), 0, &seg); r != OK {
			t.Fatal(r)
		}
		return seg.Link
	}
	for name, header := range map[string]func(length byte, address []byte) uint32{
		"SLL": func(length byte, address []byte) uint32 {
			return hash(linkSLL, cat(be16(0, 1, uint16(length)), address, be16(typeIPv4), p))
		},
		"SLL2": func(length byte, address []byte) uint32 {
			return hash(linkSLL2, cat(be16(typeIPv4, 0), be32(1), be16(1), []byte{0, length}, address, p))
		},
	} {
		for _, length := range []byte{0, 1, 6, 7, 8, 20} {
			address := []byte{0xff, 1, 2, 3, 4, 5, 6, 7}
			plain := header(length, address)
			if (plain != 0) != (length > 0) {
				t.Errorf("%s: an address of %d bytes has the hash %#x", name, length, plain)
			}
			for i := range address {
				changed := slices.Clone(address)
				changed[i] ^= 0x80
				if got := header(length, changed); (got != plain) != (i < int(length)) {
					t.Errorf("%s: byte %d of an address of %d bytes: hash %#x, then %#x", name, i, length, plain, got)
				}
			}
		}
	}
}

func TestDecode_doesNotAllocate(t *testing.T) {
	d := New()
	var seg reassembly.Segment
	for _, s := range samples() {
		if n := testing.AllocsPerRun(100, func() { d.Decode(s.link, s.frame, len(s.frame), 0, &seg) }); n != 0 {
			t.Errorf("%s: %v allocations", s.name, n)
		}
	}
}

// Decode does not change the frame, which others may be reading.
func TestDecode_leavesTheFrameAlone(t *testing.T) {
	d := New()
	var seg reassembly.Segment
	for _, s := range samples() {
		before := slices.Clone(s.frame)
		d.Decode(s.link, s.frame, len(s.frame), 0, &seg)
		if !slices.Equal(before, s.frame) {
			t.Errorf("%s: the frame has changed", s.name)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	seg := tcp(timestamps, data)
	sack := cat([]byte{1, 1}, timestamps[2:], []byte{1, 1, 5, 18}, be32(1, 2, 3, 4))
	syn := cat([]byte{2, 4, 5, 0xb4, 4, 2}, timestamps[2:], []byte{1, 3, 3, 7})
	for _, c := range []struct {
		name  string
		frame []byte
	}{
		{"ipv4 timestamps", ethernet(typeIPv4, ipv4(protoTCP, seg))},
		{"ipv4 no options", ethernet(typeIPv4, ipv4(protoTCP, tcp(nil, data)))},
		{"ipv4 sack", ethernet(typeIPv4, ipv4(protoTCP, tcp(sack, nil)))},
		{"ipv4 syn", ethernet(typeIPv4, ipv4(protoTCP, tcp(syn, nil)))},
		{"ipv6 timestamps", ethernet(typeIPv6, ipv6(protoTCP, seg))},
		{"vlan", ethernet(typeVLAN, vlan(5, typeIPv4, ipv4(protoTCP, seg)))},
		{"vxlan", ethernet(typeIPv4, ipv4(protoUDP, udp(4789, vxlan(8, 0, 42, ethernet(typeIPv4, ipv4(protoTCP, seg))))))},
		{"udp", ethernet(typeIPv4, ipv4(protoUDP, udp(53, data)))},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := New()
			var seg reassembly.Segment
			b.ReportAllocs()
			for b.Loop() {
				d.Decode(linkEthernet, c.frame, len(c.frame), 0, &seg)
			}
		})
	}
	b.Run("verify 1460 bytes", func(b *testing.B) {
		d := New()
		d.VerifyChecksums = true
		frame := ethernet(typeIPv4, summed(ipv4(protoTCP, tcp(timestamps, make([]byte, 1448)))))
		var seg reassembly.Segment
		for b.Loop() {
			d.Decode(linkEthernet, frame, len(frame), 0, &seg)
		}
	})
}

// A packet is no longer than the link layer says, whatever its own header says: the rest is
// padding. Where the link layer says more than there is, or nothing, it is believed.
func TestDecode_lengthOfTheLinkLayer(t *testing.T) {
	const payload = 20
	p4, p6 := ipv4(protoTCP, tcp(nil, make([]byte, payload))), ipv6(protoTCP, tcp(nil, make([]byte, payload)))
	resized := func(f []byte, at, by int) []byte {
		return edit(f, at, f[at]+byte(by))
	}
	snap4, session := snap(typeIPv4, p4), pppoe(1, cat(be16(pppIPv4), p4))
	logged := func(size int) []byte {
		return cat([]byte{2, 0, 0, 0}, []byte{byte(4 + size), 0, 9, 0}, p4)
	}
	for _, c := range []struct {
		name  string
		link  uint32
		frame []byte
		want  uint32
	}{
		{"pppoe", linkPPPEther, session, payload},
		{"pppoe, padding in the IP length", linkPPPEther, resized(session, 5, -6), payload - 6},
		{"pppoe ipv6, padding in the IP length", linkPPPEther, resized(pppoe(1, cat(be16(pppIPv6), p6)), 5, -6), payload - 6},
		{"pppoe without a length", linkPPPEther, edit(session, 5, 0), payload},
		{"pppoe with a length beyond the frame", linkPPPEther, resized(session, 5, 1), payload},
		{"802.3", linkEthernet, ethernet(uint16(len(snap4)), snap4), payload},
		{"802.3, padding in the IP length", linkEthernet, ethernet(uint16(len(snap4)-6), snap4), payload - 6},
		{"802.3 without a length", linkEthernet, ethernet(0, snap4), payload},
		{"nflog", linkNFLog, logged(len(p4)), payload},
		{"nflog, padding in the IP length", linkNFLog, logged(len(p4) - 6), payload - 6},
		{"a tunnel's packet states its own length", linkPPPEther, resized(pppoe(1, cat(be16(pppIPv4), ipv4(protoIPv4, p4))), 5, -6), payload},
	} {
		var seg reassembly.Segment
		if r := New().Decode(c.link, c.frame, len(c.frame), 0, &seg); r != OK || seg.Len != c.want {
			t.Errorf("%s: %v, payload of %d bytes, want %d", c.name, r, seg.Len, c.want)
		}
	}
}
