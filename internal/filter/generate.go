package filter

import "fmt"

// A generator turns a syntax tree into conditions, from left to right because
// encapsulations move the layout for what follows them. The first error stays.
type generator struct {
	*pool
	at   layout
	pos  int  // of the node at hand
	vlan bool // 802.1Q tags were asked for
	err  *SyntaxError
}

// fail refuses the node at hand.
func (g *generator) fail(format string, args ...any) *condition {
	if g.err == nil {
		g.err = &SyntaxError{g.pos, fmt.Sprintf(format, args...)}
	}
	return never
}

// condition translates a node.
func (g *generator) condition(n node) *condition {
	g.pos = n.position()
	switch n := n.(type) {
	case *andNode:
		l := g.condition(n.l)
		return allOf(l, g.condition(n.r))
	case *orNode:
		l := g.condition(n.l)
		return anyOf(l, g.condition(n.r))
	case *notNode:
		return not(g.condition(n.x))
	case *protoNode:
		return g.isProto(n.proto)
	case *idNode:
		return g.id(n)
	case *relationNode:
		return g.relation(n)
	case *primitiveNode:
		return g.primitive(n)
	}
	return g.fail("unexpected node %T", n)
}

// load is bytes of the packet at an offset from its start.
func (g *generator) load(size uint8, at uint32) valueID {
	return g.checked(g.pool.load(size, at))
}

func (g *generator) checked(id valueID, ok bool) valueID {
	if !ok {
		g.fail("the offset is before the start of the packet")
	}
	return id
}

// equal is the condition that a field of the packet has a value.
func (g *generator) equal(size uint8, at, want uint32) *condition {
	return g.compare(jumpEq, g.load(size, at), want)
}

// masked is the condition that some bits of a field have a value.
func (g *generator) masked(size uint8, at, want, mask uint32) *condition {
	bits, _ := g.binary(aluAnd, g.load(size, at), g.constant(mask))
	return g.compare(jumpEq, bits, want)
}

// id tells what an id is by its qualifiers and form.
func (g *generator) id(n *idNode) *condition {
	switch {
	case n.what == port || n.what == portRange:
		return g.portID(n)
	case n.what == protocol:
		return g.protocolID(n)
	case n.proto == "ether":
		return g.etherHost(n)
	}
	return g.hostID(n)
}

// primitive translates the words that follow no pattern.
func (g *generator) primitive(n *primitiveNode) *condition {
	switch n.name {
	case "less":
		return not(g.compare(jumpGt, g.wireLength(), n.number.num))
	case "greater":
		return g.compare(jumpGe, g.wireLength(), n.number.num)
	case "broadcast":
		return g.broadcast(n.proto)
	case "multicast":
		return g.multicast(n.proto)
	case "inbound", "outbound":
		return g.sent(n.name == "outbound")
	case "ifindex":
		if g.at.link != linkSLL2 {
			return g.fail("ifindex is only in captures of link type LINUX_SLL2")
		}
		return g.equal(4, 4, n.number.num)
	case "vlan":
		return g.inVLAN(n.number)
	case "mpls":
		return g.inMPLS(n.number)
	case "pppoes":
		return g.inPPPoE(n.number)
	default: // pppoed
		return g.etherType(typePPPoED)
	}
}

// sent is the condition that the capturing host sent the packet (outbound), or
// that it did not: the packet type of Linux cooked captures. No other link
// type in a file says.
func (g *generator) sent(outbound bool) *condition {
	const outgoing = 4 // PACKET_OUTGOING
	var c *condition
	switch g.at.link {
	case linkSLL:
		c = g.equal(2, g.at.header, outgoing)
	case linkSLL2:
		c = g.equal(1, g.at.header+10, outgoing)
	default:
		return g.fail("the direction is only in Linux cooked captures")
	}
	if outbound {
		return c
	}
	return not(c)
}
