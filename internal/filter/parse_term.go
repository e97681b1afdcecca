package filter

// isProto reports whether t names a protocol that can qualify or be matched.
func isProto(t token) bool {
	name := proto(t.text)
	_, ether := etherTypes[name]
	_, transport := transports[name]
	return t.kind == keyword && (ether || transport || name == "ether")
}

// term reads a primitive that needs no qualifier from before it.
func (p *parser) term() (node, qual) {
	t := p.peek()
	at := pos(t.pos)
	switch {
	case isProto(t):
		p.take()
		return p.qualified(at, proto(t.text))
	case t.isOneOf("src", "dst", "host", "net", "port", "portrange", "proto", "broadcast", "multicast"):
		return p.qualified(at, "")
	case p.accept("less"), p.accept("greater"), p.accept("ifindex"):
		n := p.expectNumber()
		return &primitiveNode{pos: at, name: t.text, number: &n}, qual{}
	case p.accept("inbound"), p.accept("outbound"), p.accept("pppoed"):
		return &primitiveNode{pos: at, name: t.text}, qual{}
	case p.accept("vlan"), p.accept("mpls"), p.accept("pppoes"):
		return &primitiveNode{pos: at, name: t.text, number: p.optionalNumber()}, qual{}
	case t.kind == addrIPv4 || t.kind == addrIPv6 || t.kind == mac || t.kind == word:
		p.refuse(t, "expected a keyword such as host, net or port")
	default:
		p.refuse(t, "expected a filter primitive")
	}
	return nil, qual{}
}

// optionalNumber reads a number, perhaps in parentheses, if there is one.
func (p *parser) optionalNumber() *token {
	p.deeper()
	defer func() { p.depth-- }()
	switch t := p.peek(); {
	case t.kind == number:
		p.take()
		return &t
	case t.is("("):
		p.take()
		n := p.optionalNumber()
		if n == nil {
			p.refuse(p.peek(), "expected a number")
		}
		p.expect(")")
		return n
	}
	return nil
}

// qualified reads what follows a protocol, which may be absent: direction,
// kind and id, or broadcast or multicast, or nothing.
func (p *parser) qualified(at pos, pr proto) (node, qual) {
	q := qual{proto: pr, given: true}
	switch t := p.peek(); {
	case p.accept("broadcast"), p.accept("multicast"):
		return &primitiveNode{pos: at, name: t.text, proto: pr}, qual{}
	case t.isOneOf("src", "dst"):
		q.dir = p.direction()
		q.what = p.what()
	case t.isOneOf("host", "net", "port", "portrange"):
		q.what = p.what()
	case p.accept("proto"):
		q.what = protocol
		p.hintEscape()
	default:
		return &protoNode{at, pr}, qual{}
	}
	n, carry, _ := p.unit(q, idOnly)
	return n, carry
}

// hintEscape refuses `proto tcp` with the spelling that works.
func (p *parser) hintEscape() {
	if t := p.peek(); isProto(t) && p.err == nil {
		p.err = &SyntaxError{t.pos, t.text + ` is a keyword: as a name it is written \` + t.text}
	}
}

// direction reads src, dst, or both of them joined by and or or.
func (p *parser) direction() direction {
	first := p.take()
	var dir direction
	switch {
	case p.accept("and"):
		dir = both
	case p.accept("or"):
		dir = either
	case first.is("src"):
		return source
	default:
		return destination
	}
	if second := p.take(); !second.isOneOf("src", "dst") || second.text == first.text {
		p.refuse(second, "expected the other of src and dst")
	}
	return dir
}

func (p *parser) what() what {
	switch {
	case p.accept("host"):
		return host
	case p.accept("net"):
		return network
	case p.accept("port"):
		return port
	case p.accept("portrange"):
		return portRange
	}
	return anything
}
