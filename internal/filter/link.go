package filter

import "slices"

// Link types by their tcpdump.org number (https://www.tcpdump.org/linktypes.html).
const (
	linkNull     = 0
	linkEthernet = 1
	linkPPP      = 9
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

// A layout says where the headers of a packet are, as offsets from its start.
// vlan, mpls and pppoes move it for everything that follows them in the
// expression, whatever joins it: the documented way of pcap-filter(7).
type layout struct {
	link     uint32 // link type
	header   uint32 // of the link-layer header
	typeAt   uint32 // of the type field, where the link type has one
	payload  uint32 // after the link-layer header
	network  uint32 // of the network header
	inLabels bool   // in an MPLS stack, so that no type field tells the protocol
}

// layouts are the link types that are understood.
var layouts = map[uint32]layout{
	linkNull:     {payload: 4, network: 4},
	linkEthernet: {typeAt: 12, payload: 14, network: 14},
	linkPPP:      {typeAt: 2, payload: 4, network: 4},
	linkRaw:      {},
	linkLoop:     {payload: 4, network: 4},
	linkSLL:      {typeAt: 14, payload: 16, network: 16},
	linkIPv4:     {},
	linkIPv6:     {},
	linkSLL2:     {typeAt: 0, payload: 20, network: 20},
}

// layoutOf is the layout of packets as captured. 12 and 14 are raw IP under
// the numbers that some systems write for their own DLT_RAW.
func layoutOf(link uint32) (layout, bool) {
	if link == 12 || link == 14 {
		link = linkRaw
	}
	at, ok := layouts[link]
	at.link = link
	return at, ok
}

// etherTypes are the protocols above the link layer: Ethernet types, or LLC
// service access points where they are at most 1500.
var etherTypes = map[proto]uint32{
	"ip": 0x0800, "arp": 0x0806, "rarp": 0x8035, "ip6": 0x86dd,
	"atalk": 0x809b, "aarp": 0x80f3,
	"mopdl": 0x6001, "moprc": 0x6002, "decnet": 0x6003, "lat": 0x6004, "sca": 0x6007,
	"stp": 0x42, "ipx": 0xe0, "netbeui": 0xf0,
}

const (
	typeQ       = 0x8100 // IEEE 802.1Q
	typeAD      = 0x88a8 // IEEE 802.1ad
	typeQinQ    = 0x9100 // before 802.1ad
	typeMPLS    = 0x8847
	typePPPoED  = 0x8863
	typePPPoES  = 0x8864
	typeIPX     = 0x8137
	sapIP       = 0x06
	sapOSI      = 0xfe
	longestSize = 1500 // of an 802.3 length field: anything more is a type
)

// etherType is the condition that the payload has a type: gen_linktype of
// libpcap's gencode.c.
func (g *generator) etherType(t uint32) *condition {
	if g.at.inLabels {
		return g.labelled(t)
	}
	switch g.at.link {
	case linkEthernet:
		return g.ethernetType(t, not(g.compare(jumpGt, g.load(2, g.at.typeAt), longestSize)), nil)
	case linkSLL:
		const p8022, p8023 = 4, 1 // LINUX_SLL_P_802_2 and LINUX_SLL_P_802_3
		return g.ethernetType(t, g.equal(2, g.at.typeAt, p8022), g.equal(2, g.at.typeAt, p8023))
	case linkSLL2:
		return g.equal(2, g.at.typeAt, t)
	case linkPPP:
		return g.equal(2, g.at.typeAt, pppType(t))
	case linkNull, linkLoop:
		return g.family(t)
	}
	switch isIP, isIP6 := t == etherTypes["ip"], t == etherTypes["ip6"]; {
	case g.at.link == linkRaw && isIP:
		return g.masked(1, g.at.header, 0x40, 0xf0)
	case g.at.link == linkRaw && isIP6:
		return g.masked(1, g.at.header, 0x60, 0xf0)
	case g.at.link == linkIPv4 && isIP, g.at.link == linkIPv6 && isIP6:
		return always
	}
	return never
}

// ethernetType tells an Ethernet type from its LLC equivalents. llc is the
// condition that an LLC header follows; raw8023, if not nil, that IPX follows
// without one.
func (g *generator) ethernetType(t uint32, llc, raw8023 *condition) *condition {
	at := g.at.payload
	sap := func(n uint32) *condition { return g.equal(1, at, n) }
	saps := func(n uint32) *condition { return g.equal(2, at, n<<8|n) }
	plain := g.equal(2, g.at.typeAt, t)
	switch t {
	case sapIP, sapOSI, etherTypes["netbeui"]:
		return allOf(llc, saps(t))
	case etherTypes["ipx"]:
		ipx := g.equal(2, g.at.typeAt, typeIPX)
		if raw8023 != nil {
			return anyOf(ipx, raw8023, allOf(llc, anyOf(sap(t), g.snap(0, typeIPX))))
		}
		return anyOf(ipx, allOf(llc, anyOf(g.snap(0, typeIPX), sap(t), saps(0xff))))
	case etherTypes["atalk"]:
		return anyOf(plain, allOf(llc, g.snap(0x080007, t)))
	case etherTypes["aarp"]:
		return anyOf(plain, allOf(llc, g.snap(0, t)))
	}
	if t <= longestSize {
		return allOf(llc, sap(t))
	}
	return plain
}

// snap is the condition of an LLC SNAP header with an organization and type.
func (g *generator) snap(organization, t uint32) *condition {
	return allOf(
		g.equal(4, g.at.payload+4, organization<<16|t),
		g.equal(4, g.at.payload, 0xaaaa0300|organization>>16))
}

// family is the address family of BSD loopback. AF_INET6 has three values
// (NetBSD and OpenBSD, FreeBSD, Darwin). LOOP has it in network byte order,
// NULL in that of the machine that wrote the file.
func (g *generator) family(t uint32) *condition {
	var families []uint32
	switch t {
	case etherTypes["ip"]:
		families = []uint32{2}
	case etherTypes["ip6"]:
		families = []uint32{30, 24, 28}
	default:
		return never
	}
	if g.at.link == linkNull {
		for _, f := range slices.Clone(families) {
			families = append(families, f<<24)
		}
	}
	var cs []*condition
	for _, f := range families {
		cs = append(cs, g.equal(4, g.at.header, f))
	}
	return anyOf(cs...)
}

// pppType is the PPP protocol number of an Ethernet type or access point
// (IANA, PPP DLL Protocol Numbers).
func pppType(t uint32) uint32 {
	switch t {
	case etherTypes["ip"]:
		return 0x21
	case etherTypes["ip6"]:
		return 0x57
	case etherTypes["decnet"]:
		return 0x27
	case etherTypes["atalk"]:
		return 0x29
	case 0x0600: // XNS
		return 0x25
	case sapOSI:
		return 0x23
	case etherTypes["stp"]:
		return 0x31
	case etherTypes["ipx"]:
		return 0x2b
	}
	return t
}
