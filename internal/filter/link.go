package filter

// Link types as in https://www.tcpdump.org/linktypes.html.
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
var etherTypes = map[string]uint32{
	"ip": 0x0800, "arp": 0x0806, "rarp": 0x8035, "ip6": 0x86dd,
	"atalk": 0x809b, "aarp": 0x80f3,
	"mopdl": 0x6001, "moprc": 0x6002, "decnet": 0x6003, "lat": 0x6004, "sca": 0x6007,
	"stp": 0x42, "ipx": 0xe0, "netbeui": 0xf0,
}

// otherEtherTypes are the names that only ether proto takes.
var otherEtherTypes = map[string]uint32{"loopback": 0x9000, "iso": sapOSI}

const (
	typeQ       = 0x8100 // IEEE 802.1Q
	typeAD      = 0x88a8 // IEEE 802.1ad
	typeQinQ    = 0x9100 // before 802.1ad
	typeMPLS    = 0x8847
	typePPPoED  = 0x8863
	typePPPoES  = 0x8864
	typeIPX     = 0x8137
	typeXNS     = 0x0600
	sapIP       = 0x06
	sapOSI      = 0xfe
	longestSize = 1500 // of an 802.3 length field: anything more is a type
)

// etherType is the condition that the payload has a type: gen_linktype of
// libpcap's gencode.c.
func (c *compiler) etherType(typ uint32) condition {
	if c.at.inLabels {
		return c.labelled(typ)
	}
	ip, ip6 := typ == etherTypes["ip"], typ == etherTypes["ip6"]
	switch c.at.link {
	case linkEthernet:
		return c.ethernetType(typ, not(c.compare(jumpGt, c.load(2, c.at.typeAt), longestSize)), never)
	case linkSLL:
		const p8022, p8023 = 4, 1 // LINUX_SLL_P_802_2 and LINUX_SLL_P_802_3
		return c.ethernetType(typ, c.equal(2, c.at.typeAt, p8022), c.equal(2, c.at.typeAt, p8023))
	case linkSLL2:
		return c.equal(2, c.at.typeAt, typ)
	case linkPPP:
		if ppp, ok := pppTypes[typ]; ok {
			typ = ppp
		}
		return c.equal(2, c.at.typeAt, typ)
	case linkNull, linkLoop:
		return c.family(ip, ip6)
	case linkRaw:
		return anyOf(
			allOf(truth(ip), c.masked(1, c.at.header, 0x40, 0xf0)),
			allOf(truth(ip6), c.masked(1, c.at.header, 0x60, 0xf0)))
	}
	return truth(ip && c.at.link == linkIPv4 || ip6 && c.at.link == linkIPv6)
}

// ethernetType tells an Ethernet type from its LLC equivalents. llc is the
// condition that an LLC header follows; raw8023, in Linux cooked captures, that
// IPX follows without one.
func (c *compiler) ethernetType(typ uint32, llc, raw8023 condition) condition {
	at := c.at.payload
	sap := c.equal(1, at, typ)
	saps := func(n uint32) condition { return c.equal(2, at, n<<8|n) }
	plain := c.equal(2, c.at.typeAt, typ)
	switch typ {
	case sapIP, sapOSI, etherTypes["netbeui"]:
		return allOf(llc, saps(typ))
	case etherTypes["ipx"]:
		ipx := c.equal(2, c.at.typeAt, typeIPX)
		if c.at.link == linkSLL {
			return anyOf(ipx, raw8023, allOf(llc, anyOf(sap, c.snap(0, typeIPX))))
		}
		return anyOf(ipx, allOf(llc, anyOf(c.snap(0, typeIPX), sap, saps(0xff))))
	case etherTypes["atalk"]:
		return anyOf(plain, allOf(llc, c.snap(0x080007, typ)))
	case etherTypes["aarp"]:
		return anyOf(plain, allOf(llc, c.snap(0, typ)))
	}
	if typ <= longestSize {
		return allOf(llc, sap)
	}
	return plain
}

// snap is the condition of an LLC SNAP header with an organization and type.
func (c *compiler) snap(organization, typ uint32) condition {
	return allOf(
		c.equal(4, c.at.payload+4, organization<<16|typ),
		c.equal(4, c.at.payload, 0xaaaa0300|organization>>16))
}

// family is the address family of BSD loopback. AF_INET6 has three values
// (NetBSD and OpenBSD, FreeBSD, Darwin). LOOP has it in network byte order,
// NULL in that of the machine that wrote the file.
func (c *compiler) family(ip, ip6 bool) condition {
	var families []uint32
	switch {
	case ip:
		families = []uint32{2}
	case ip6:
		families = []uint32{30, 24, 28}
	}
	is := never
	for _, f := range families {
		is = anyOf(is, c.equal(4, c.at.header, f))
		if c.at.link == linkNull {
			is = anyOf(is, c.equal(4, c.at.header, f<<24))
		}
	}
	return is
}

// pppTypes are the PPP protocol numbers of Ethernet types and access points
// (IANA, PPP DLL Protocol Numbers); others are the same.
var pppTypes = map[uint32]uint32{
	etherTypes["ip"]: 0x21, etherTypes["ip6"]: 0x57, etherTypes["decnet"]: 0x27, etherTypes["atalk"]: 0x29,
	typeXNS: 0x25, sapOSI: 0x23, etherTypes["stp"]: 0x31, etherTypes["ipx"]: 0x2b,
}

// sent is the condition that the capturing host sent the packet (outbound), or
// that it did not: the packet type of Linux cooked captures. No other link
// type in a file has one.
func (c *compiler) sent(way string) condition {
	const outgoing = 4 // PACKET_OUTGOING
	var is condition
	switch c.at.link {
	case linkSLL:
		is = c.equal(2, c.at.header, outgoing)
	case linkSLL2:
		is = c.equal(1, c.at.header+10, outgoing)
	default:
		return c.fail("the direction is only in Linux cooked captures")
	}
	if way == "inbound" {
		return not(is)
	}
	return is
}

// ifindex is the interface that a packet was captured on.
func (c *compiler) ifindex(n uint32) condition {
	if c.at.link != linkSLL2 {
		return c.fail("ifindex is only in captures of link type LINUX_SLL2")
	}
	return c.equal(4, 4, n)
}
