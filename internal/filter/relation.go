package filter

// relation compares two numbers, unsigned. Where a number is read from a
// header, the relation is false for packets without that header.
func (g *generator) relation(n *relationNode) *condition {
	l, has := g.arith(n.l, nil)
	r, has := g.arith(n.r, has)
	g.pos = n.position()
	var c *condition
	switch n.op {
	case "=":
		c = g.compareValues(jumpEq, l, r)
	case "!=":
		c = not(g.compareValues(jumpEq, l, r))
	case ">":
		c = g.compareValues(jumpGt, l, r)
	case "<=":
		c = not(g.compareValues(jumpGt, l, r))
	case ">=":
		c = g.compareValues(jumpGe, l, r)
	default: // <
		c = not(g.compareValues(jumpGe, l, r))
	}
	return allOf(append(has, c)...)
}

var operations = map[string]uint32{
	"+": aluAdd, "-": aluSub, "*": aluMul, "/": aluDiv, "%": aluMod,
	"&": aluAnd, "|": aluOr, "^": aluXor, "<<": aluLsh, ">>": aluRsh,
}

// arith translates a number. It appends to has the conditions that the headers
// it reads are there.
func (g *generator) arith(n arith, has []*condition) (valueID, []*condition) {
	switch n := n.(type) {
	case *numberArith:
		return g.constant(n.value), has
	case *lenArith:
		return g.wireLength(), has
	case *negArith:
		x, has := g.arith(n.x, has)
		return g.negation(x), has
	case *binaryArith:
		// libpcap forgets the headers that a right operand reads: 1 + tcp[0]
		// is computed for every packet that is long enough.
		l, has := g.arith(n.l, has)
		r, _ := g.arith(n.r, nil)
		g.pos = n.position()
		v, ok := g.binary(operations[n.op], l, r)
		if !ok {
			g.fail("division by zero or shift by more than 31 bits")
		}
		return v, has
	case *loadArith:
		return g.field(n, has)
	}
	g.fail("unexpected operand %T", n)
	return g.constant(0), has
}

// field is bytes of a header.
func (g *generator) field(n *loadArith, has []*condition) (valueID, []*condition) {
	index, inner := g.arith(n.index, nil)
	g.pos = n.position()
	size := uint8(n.size)
	t, isTransport := transports[n.proto]
	switch {
	case n.proto == "ether":
		return g.checked(g.loadAt(size, g.at.header, index)), append(has, inner...)
	case n.proto == "icmp6":
		has = append(append(has, inner...), g.isProto("ip6"), g.equal(1, g.at.network+6, t.number))
		return g.checked(g.loadAt(size, g.at.network+40, index)), has
	case isTransport && t.load:
		// Only behind IPv4, in the first fragment, as in libpcap.
		has = append(append(has, g.isProto("ip")), inner...)
		has = append(has, g.isProto(n.proto), g.firstFragment())
		behind, _ := g.binary(aluAdd, index, g.ipv4Header(g.at.network))
		return g.checked(g.loadAt(size, g.at.network, behind)), has
	case isTransport || n.proto == "aarp" || etherTypes[n.proto] <= longestSize:
		g.fail("fields of %s cannot be read", n.proto)
		return index, has
	}
	return g.checked(g.loadAt(size, g.at.network, index)), append(append(has, inner...), g.isProto(n.proto))
}
