package filter

// A direction says which of a packet's two addresses or ports is meant.
type direction uint8

const (
	either direction = iota // src or dst, also when nothing is said
	source
	destination
	both // src and dst
)

// An idType says what kind of thing an ID names.
type idType uint8

const (
	host idType = iota // also when nothing is said
	network
	port
	portRange
	protocol
)

// qualifiers stand before an ID and carry over to the IDs after it: in
// `tcp dst port 80 or 443`, 443 is a TCP destination port.
type qualifiers struct {
	proto string // as in the language; empty if none was given
	dir   direction
	typ   idType
	given bool // false where nothing can carry over
}

// qualified reads what follows a protocol, which may be absent: direction,
// type and ID, or broadcast or multicast, or nothing.
func (c *compiler) qualified(p string) (matches condition, carry qualifiers) {
	q := qualifiers{proto: p, given: true}
	switch {
	case c.accept("broadcast"):
		return c.broadcast(p), qualifiers{}
	case c.accept("multicast"):
		return c.multicast(p), qualifiers{}
	case c.accept("proto"):
		q.typ = protocol
		if name := c.peek(); name.isProto() {
			return c.failAt(name.pos, `%s is a keyword: as a name it is written \%[1]s`, name.text), qualifiers{}
		}
	case c.peek().is("src", "dst"):
		q.dir = c.direction()
		q.typ = c.idType()
	case c.peek().is("host", "net", "port", "portrange"):
		q.typ = c.idType()
	case p == "ether":
		return c.expected(c.peek(), "an address or proto"), qualifiers{}
	default:
		return c.isProtocol(p), qualifiers{}
	}
	matches, carry, _ = c.unit(q, idOnly)
	return matches, carry
}

// direction reads src, dst, or both of them joined by and or or.
func (c *compiler) direction() direction {
	first := c.read()
	var dir direction
	switch {
	case c.accept("and"):
		dir = both
	case c.accept("or"):
		dir = either
	case first.is("src"):
		return source
	default:
		return destination
	}
	if second := c.read(); !second.is("src", "dst") || second.text == first.text {
		c.expected(second, "the other of src and dst")
	}
	return dir
}

func (c *compiler) idType() idType {
	switch {
	case c.accept("net"):
		return network
	case c.accept("port"):
		return port
	case c.accept("portrange"):
		return portRange
	}
	c.accept("host")
	return host
}

// id reads an address, number or name, and its mask.
func (c *compiler) id(q qualifiers) condition {
	t := c.read()
	if !q.given {
		return c.expected(t, "a keyword such as host, net or port")
	}
	var mask *token
	switch {
	case (t.kind == addrIPv4 || t.kind == addrIPv6) && c.accept("/"):
		m := c.number()
		if m.kind != number {
			return never
		}
		mask = &m
	case t.kind == addrIPv4 && c.accept("mask"):
		m := c.read()
		if m.kind != addrIPv4 {
			return c.expected(m, "a netmask such as 255.255.255.0")
		}
		mask = &m
	}
	switch {
	case q.typ == port || q.typ == portRange:
		return c.port(q, t)
	case q.typ == protocol:
		return c.protocolID(q, t)
	case q.proto == "ether":
		return c.etherHost(q, t)
	}
	return c.host(q, t, mask)
}
