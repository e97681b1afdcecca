package filter

// A transport is a protocol above IP.
type transport struct {
	number uint32  // IANA protocol number
	over   []proto // the versions of IP that its name stands for
	load   bool    // tcp[0] and the like can be asked for
}

var (
	onlyIP  = []proto{"ip"}
	onlyIP6 = []proto{"ip6"}
	anyIP   = []proto{"ip", "ip6"}
)

var transports = map[proto]transport{
	"tcp":   {6, anyIP, true},
	"udp":   {17, anyIP, true},
	"sctp":  {132, anyIP, true},
	"icmp":  {1, onlyIP, true},
	"icmp6": {58, onlyIP6, true},
	"igmp":  {2, onlyIP, true},
	"igrp":  {9, onlyIP, true},
	"pim":   {103, anyIP, true},
	"vrrp":  {112, onlyIP, true},
	"carp":  {112, onlyIP, true},
	"esp":   {50, anyIP, false},
	"ah":    {51, anyIP, false},
}

// fragmentHeader is the next header number of an IPv6 fragment (RFC 8200
// section 4.5).
const fragmentHeader = 44

// isProto is the condition that the packet is of a protocol.
func (g *generator) isProto(p proto) *condition {
	if t, ok := etherTypes[p]; ok {
		return g.etherType(t)
	}
	t, ok := transports[p]
	if !ok {
		return g.fail("%s needs an address or proto after it", p)
	}
	return g.carries(t.number, t.over)
}

// carries is the condition that an IP packet has a protocol number. Of IPv6
// extension headers only a fragment header is looked behind, as in libpcap.
func (g *generator) carries(protocol uint32, over []proto) *condition {
	var cs []*condition
	for _, version := range over {
		is := g.isProto(version)
		if version == "ip" {
			cs = append(cs, allOf(is, g.equal(1, g.at.network+9, protocol)))
			continue
		}
		next := g.at.network + 6
		cs = append(cs, allOf(is, anyOf(
			g.equal(1, next, protocol),
			allOf(g.equal(1, next, fragmentHeader), g.equal(1, g.at.network+40, protocol)))))
	}
	return anyOf(cs...)
}

// firstFragment is the condition that an IPv4 packet begins with the transport
// header.
func (g *generator) firstFragment() *condition {
	return not(g.compare(jumpSet, g.load(2, g.at.network+6), 0x1fff))
}

// protocolID is `proto`, `ip proto`, `ip6 proto` or `ether proto` with a
// number or a name.
func (g *generator) protocolID(n *idNode) *condition {
	if n.id.kind != number && n.id.kind != word {
		return g.fail("proto goes with a number or a name")
	}
	known := true
	protocol := n.id.num
	switch n.proto {
	case "ether":
		if n.id.kind == word {
			protocol, known = etherTypeByName(n.id.text)
		}
	case "", "ip", "ip6":
		if n.id.kind == word {
			protocol, known = ipProtocolNames[n.id.text]
		}
	default:
		return g.fail("%s proto means nothing: it carries no other protocol", n.proto)
	}
	switch {
	case !known:
		return g.fail("unknown protocol %s", quote(n.id.text))
	case n.proto == "ether":
		return g.etherType(protocol)
	case n.proto == "":
		return g.carries(protocol, anyIP)
	}
	return g.carries(protocol, []proto{n.proto})
}

func etherTypeByName(name string) (uint32, bool) {
	switch name {
	case "loopback":
		return 0x9000, true
	case "iso":
		return sapOSI, true
	}
	t, ok := etherTypes[proto(name)]
	return t, ok
}
