package filter

// inVLAN is the condition of an 802.1Q tag, with an identifier if one is
// given; what follows in the expression looks behind the tag.
func (g *generator) inVLAN(id *token) *condition {
	if g.at.inLabels {
		return g.fail("vlan cannot follow mpls")
	}
	if g.at.link != linkEthernet {
		return g.fail("vlan tags are only in captures of link type Ethernet")
	}
	c := anyOf(g.etherType(typeQ), g.etherType(typeAD), g.etherType(typeQinQ))
	if id != nil {
		const greatest = 0xfff
		if id.num > greatest {
			return g.fail("the VLAN identifier is more than %d", greatest)
		}
		c = allOf(c, g.masked(2, g.at.network, id.num, greatest))
	}
	g.vlan = true
	g.at.typeAt += 4
	g.at.payload += 4
	g.at.network += 4
	return c
}

// inMPLS is the condition of an MPLS label stack entry (RFC 3032 section 2.1),
// with a label if one is given; what follows looks behind the entry.
func (g *generator) inMPLS(label *token) *condition {
	var c *condition
	switch {
	case g.at.inLabels: // the entry before this one is not the bottom of the stack
		c = g.masked(1, g.at.network-2, 0, 1)
	case g.at.link == linkEthernet:
		c = g.etherType(typeMPLS)
	case g.at.link == linkPPP:
		const unicast = 0x281
		c = g.etherType(unicast)
	default:
		return g.fail("mpls is only in captures of link type Ethernet and PPP")
	}
	if label != nil {
		const greatest = 0xfffff
		if label.num > greatest {
			return g.fail("the MPLS label is more than %d", greatest)
		}
		c = allOf(c, g.masked(4, g.at.network, label.num<<12, greatest<<12))
	}
	g.at.network += 4
	g.at.inLabels = true
	return c
}

// labelled is the condition that IPv4 or IPv6 follows the bottom of an MPLS
// stack, which has no type field: the version of IP has to do.
func (g *generator) labelled(t uint32) *condition {
	var version uint32
	switch t {
	case etherTypes["ip"]:
		version = 0x40
	case etherTypes["ip6"]:
		version = 0x60
	default:
		return g.fail("only IPv4 and IPv6 can follow mpls")
	}
	return allOf(g.masked(1, g.at.network-2, 1, 1), g.masked(1, g.at.network, version, 0xf0))
}

// inPPPoE is the condition of a PPPoE session packet (RFC 2516 section 4),
// with a session if one is given; what follows looks at the PPP packet in it.
func (g *generator) inPPPoE(session *token) *condition {
	c := g.etherType(typePPPoES)
	if session != nil {
		const greatest = 0xffff
		if session.num > greatest {
			return g.fail("the PPPoE session is more than %d", greatest)
		}
		c = allOf(c, g.masked(4, g.at.network, session.num, greatest))
	}
	ppp := g.at.network + 6
	g.at = layout{link: linkPPP, header: ppp, typeAt: ppp, payload: ppp + 2, network: ppp + 2, inLabels: g.at.inLabels}
	return c
}
