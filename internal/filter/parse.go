package filter

// maxNesting limits parentheses, negations and indexes within each other.
const maxNesting = 200

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

// An operandKind says what may come next in the grammar.
type operandKind uint8

const (
	termOnly operandKind = iota // at the start, where no qualifier can carry over
	idOrTerm                    // after and, or
	idOnly                      // after qualifiers
)

// expression reads everything.
func (c *compiler) expression() condition {
	if c.peek().kind == end {
		return always
	}
	matches, _, _ := c.chain(qualifiers{}, termOnly)
	if t := c.peek(); t.kind != end {
		c.expected(t, "and, or, or the end of the expression")
	}
	return matches
}

func (c *compiler) peek() token {
	if c.err != nil {
		return c.tokens[len(c.tokens)-1]
	}
	return c.tokens[c.next]
}

func (c *compiler) read() token {
	t := c.peek()
	if t.kind != end {
		c.next++
	}
	return t
}

// accept reads the next token if it is one of the keywords.
func (c *compiler) accept(keywords ...string) bool {
	ok := c.peek().is(keywords...)
	if ok {
		c.next++
	}
	return ok
}

func (c *compiler) require(keyword string) {
	if !c.accept(keyword) {
		c.expected(c.peek(), keyword)
	}
}

func (c *compiler) number() token {
	t := c.read()
	if t.kind != number {
		c.expected(t, "a number")
	}
	return t
}

// expected refuses t because the grammar wants something else there.
func (c *compiler) expected(t token, what string) condition {
	if t.kind == keyword && unsupported[t.text] {
		return c.failAt(t.pos, "%s is not supported%s", quote(t.text), useTcpdump)
	}
	found := quote(t.text)
	if t.kind == end {
		found = "the end of the expression"
	}
	return c.failAt(t.pos, "expected %s, found %s", what, found)
}

// deeper guards a recursion; the caller leaves it with c.depth--.
func (c *compiler) deeper() {
	if c.depth++; c.depth > maxNesting {
		c.failAt(c.peek().pos, "nested more than %d deep", maxNesting)
	}
}

// chain reads units joined by and and or, which bind equally, from the left.
// It returns the qualifiers that carry over to what follows, and whether it is
// a list of IDs: one that begins with an ID has nothing but IDs.
func (c *compiler) chain(q qualifiers, allowed operandKind) (matches condition, carry qualifiers, isID bool) {
	matches, q, isID = c.unit(q, allowed)
	allowed = idOrTerm
	if isID {
		allowed = idOnly
	}
	for {
		var right condition
		switch {
		case c.accept("and"):
			right, q, _ = c.unit(q, allowed)
			matches = allOf(matches, right)
		case c.accept("or"):
			right, q, _ = c.unit(q, allowed)
			matches = anyOf(matches, right)
		default:
			return matches, q, isID
		}
	}
}

// unit reads one operand of and and or. q is what carries over to it; it
// returns what carries over from it, and whether it is an ID or a list of IDs.
func (c *compiler) unit(q qualifiers, allowed operandKind) (matches condition, carry qualifiers, isID bool) {
	c.deeper()
	defer func() { c.depth-- }()
	t := c.peek()
	c.start = t.pos
	switch {
	case c.accept("not"):
		matches, carry, isID = c.unit(q, allowed)
		return not(matches), carry, isID
	case allowed != idOnly && c.beginsRelation():
		return c.relation(), qualifiers{}, false
	case c.accept("("):
		matches, _, isID = c.chain(q, allowed)
		c.require(")")
		return matches, q, isID
	case allowed != termOnly && t.kind != keyword && t.kind != end:
		return c.id(q), q, true
	case allowed == idOnly:
		return c.expected(t, "an address, a number or a name"), q, true
	}
	matches, carry = c.term()
	return matches, carry, false
}

// beginsRelation reports whether what follows is a number to be compared: a
// field, len, or a number or parenthesis that an operator follows.
func (c *compiler) beginsRelation() bool {
	t := c.peek()
	after := c.next + 1
	switch {
	case t.is("len", "-"):
		return true
	case t.isProto():
		return c.tokens[after].is("[")
	case t.is("("):
		for open := 1; open > 0; after++ {
			switch t := c.tokens[after]; {
			case t.kind == end:
				return false
			case t.is("("):
				open++
			case t.is(")"):
				open--
			}
		}
	case t.kind != number:
		return false
	}
	return c.tokens[after].isOperator()
}

// isProto reports whether t names a protocol that can qualify or be matched.
func (t token) isProto() bool {
	_, ether := etherTypes[t.text]
	_, transport := transports[t.text]
	return t.kind == keyword && (ether || transport || t.text == "ether")
}

// term reads a primitive that needs no qualifier from before it.
func (c *compiler) term() (matches condition, carry qualifiers) {
	t := c.peek()
	switch {
	case t.isProto():
		c.read()
		return c.qualified(t.text)
	case t.is("src", "dst", "host", "net", "port", "portrange", "proto", "broadcast", "multicast"):
		return c.qualified("")
	case c.accept("less"):
		return not(c.compare(jumpGt, c.wireLength(), c.number().num)), qualifiers{}
	case c.accept("greater"):
		return c.compare(jumpGe, c.wireLength(), c.number().num), qualifiers{}
	case c.accept("inbound", "outbound"):
		return c.sent(t.text), qualifiers{}
	case c.accept("ifindex"):
		return c.ifindex(c.number().num), qualifiers{}
	case c.accept("pppoed"):
		return c.etherType(typePPPoED), qualifiers{}
	case c.accept("vlan"):
		return c.inVLAN(), qualifiers{}
	case c.accept("mpls"):
		return c.inMPLS(), qualifiers{}
	case c.accept("pppoes"):
		return c.inPPPoE(), qualifiers{}
	case t.kind == keyword || t.kind == end || t.kind == number:
		return c.expected(t, "a filter primitive"), qualifiers{}
	}
	return c.expected(t, "a keyword such as host, net or port"), qualifiers{}
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
