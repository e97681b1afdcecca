package filter

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
