package filter

// inVLAN reads the identifier after vlan, if there is one. The condition is an
// 802.1Q tag with it; what follows in the expression looks behind the tag.
func (c *compiler) inVLAN() condition {
	switch {
	case c.at.inLabels:
		return c.fail("vlan cannot follow mpls")
	case c.at.link != linkEthernet:
		return c.fail("vlan tags are only in captures of link type Ethernet")
	}
	is := anyOf(c.etherType(typeQ), c.etherType(typeAD), c.etherType(typeQinQ))
	is = allOf(is, c.optional("VLAN identifier", 2, 0xfff, 0))
	c.vlan = true
	c.at.typeAt += 4
	c.at.payload += 4
	c.at.network += 4
	return is
}

// inMPLS reads the label after mpls, if there is one. The condition is an MPLS
// label stack entry with it (RFC 3032 section 2.1); what follows in the
// expression looks behind the entry.
func (c *compiler) inMPLS() condition {
	var is condition
	switch {
	case c.at.inLabels: // the entry before this one is not the bottom of the stack
		is = c.masked(1, c.at.network-2, 0, 1)
	case c.at.link == linkEthernet:
		is = c.etherType(typeMPLS)
	case c.at.link == linkPPP:
		const unicast = 0x281
		is = c.etherType(unicast)
	default:
		return c.fail("mpls is only in captures of link type Ethernet and PPP")
	}
	is = allOf(is, c.optional("MPLS label", 4, 0xfffff, 12))
	c.at.network += 4
	c.at.inLabels = true
	return is
}

// labelled is the condition that IPv4 or IPv6 follows the bottom of an MPLS
// stack. There is no type field, so the IP version decides.
func (c *compiler) labelled(typ uint32) condition {
	var version uint32
	switch typ {
	case etherTypes["ip"]:
		version = 0x40
	case etherTypes["ip6"]:
		version = 0x60
	default:
		return c.fail("only IPv4 and IPv6 can follow mpls")
	}
	return allOf(c.masked(1, c.at.network-2, 1, 1), c.masked(1, c.at.network, version, 0xf0))
}

// inPPPoE reads the session after pppoes, if there is one. The condition is a
// PPPoE session packet of it (RFC 2516 section 4); what follows in the
// expression looks at the PPP packet inside.
func (c *compiler) inPPPoE() condition {
	is := allOf(c.etherType(typePPPoES), c.optional("PPPoE session", 4, 0xffff, 0))
	ppp := c.at.network + 6
	c.at = layout{link: linkPPP, header: ppp, typeAt: ppp, payload: ppp + 2, network: ppp + 2, inLabels: c.at.inLabels}
	return is
}

// optional reads a number up to most, if there is one, perhaps in parentheses.
// The condition is that the header that begins at the network header has it:
// in its first size bytes, shift bits from their end.
func (c *compiler) optional(name string, size uint8, most, shift uint32) condition {
	parentheses := 0
	for c.accept("(") {
		parentheses++
	}
	if c.peek().kind != number && parentheses == 0 {
		return always
	}
	n := c.number().num
	if n > most {
		return c.fail("the %s is more than %d", name, most)
	}
	for range parentheses {
		c.require(")")
	}
	return c.masked(size, c.at.network, n<<shift, most<<shift)
}
