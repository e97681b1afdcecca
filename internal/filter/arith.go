package filter

import "math"

var operations = map[string]uint32{
	"+": aluAdd, "-": aluSub, "*": aluMul, "/": aluDiv, "%": aluMod,
	"&": aluAnd, "|": aluOr, "^": aluXor, "<<": aluLsh, ">>": aluRsh,
}

// precedence of the arithmetic operators. % and ^ have none in libpcap's
// grammar, so that yacc shifts: what follows them is always their operand, and
// `a % b + c` is a % (b + c).
var precedence = map[string]int{"|": 1, "&": 2, "<<": 3, ">>": 3, "+": 4, "-": 4, "*": 5, "/": 5}

const unaryPrecedence = 6

// comparisons are unsigned.
var comparisons = map[string]struct {
	jump    uint16
	negated bool
}{
	"=": {jumpEq, false}, "!=": {jumpEq, true},
	">": {jumpGt, false}, "<=": {jumpGt, true},
	">=": {jumpGe, false}, "<": {jumpGe, true},
}

// isOperator reports whether t continues a number to a relation.
func (t token) isOperator() bool {
	_, arithmetic := operations[t.text]
	_, comparison := comparisons[t.text]
	return t.kind == keyword && (arithmetic || comparison)
}

// relation reads a comparison of two numbers. Where a number is read from a
// header, the relation is false for packets without that header.
func (c *compiler) relation() condition {
	l, has := c.arith(0)
	op := c.read()
	comparison, ok := comparisons[op.text]
	if !ok {
		return c.expected(op, "a comparison")
	}
	r, more := c.arith(0)
	holds := c.compareValues(comparison.jump, l, r)
	if comparison.negated {
		holds = not(holds)
	}
	return allOf(allOf(has...), allOf(more...), holds)
}

// arith reads a number made with operators that bind tighter than min. It also
// returns the conditions that the headers read are there.
func (c *compiler) arith(min int) (x valueID, has []condition) {
	c.deeper()
	defer func() { c.depth-- }()
	x, has = c.operand()
	for {
		t := c.peek()
		binds, ok := precedence[t.text]
		if t.kind != keyword || ok && binds <= min || !ok && !t.is("%", "^") {
			return x, has
		}
		c.read()
		// libpcap forgets the headers that a right operand reads: 1 + tcp[0]
		// is computed for every packet that is long enough.
		right, _ := c.arith(binds)
		if x, ok = c.binary(operations[t.text], x, right); !ok {
			c.failAt(t.pos, "division by zero or shift by more than 31 bits")
		}
	}
}

func (c *compiler) operand() (x valueID, has []condition) {
	t := c.read()
	switch {
	case t.kind == number:
		return c.constant(t.num), nil
	case t.is("len"):
		return c.wireLength(), nil
	case t.is("-"):
		x, has = c.arith(unaryPrecedence)
		if k, ok := c.isConstant(x); ok {
			return c.constant(-k), has
		}
		return c.intern(value{op: negation, a: x}), has
	case t.is("("):
		x, has = c.arith(0)
		c.require(")")
		return x, has
	case t.isProto():
		return c.field(t.text)
	}
	c.expected(t, "a number, len, or a field such as ip[8]")
	return c.constant(0), nil
}

// field reads [index] or [index:size] after a protocol: bytes of its header.
func (c *compiler) field(p string) (x valueID, has []condition) {
	c.require("[")
	index, has := c.arith(0)
	size := uint8(1)
	if c.accept(":") {
		n := c.number()
		if size = uint8(n.num); n.num != 1 && n.num != 2 && n.num != 4 {
			c.expected(n, "a size of 1, 2 or 4 bytes")
		}
	}
	c.require("]")

	transport, isTransport := transports[p]
	header := c.at.network
	switch {
	case p == "ether":
		header = c.at.header
	case p == "icmp6":
		has = append(has, c.isProtocol("ip6"), c.equal(1, header+6, transport.number))
		header += 40
	case isTransport && transport.fields:
		// Only after IPv4, in the first fragment, as in libpcap.
		has = append([]condition{c.isProtocol("ip")}, has...)
		has = append(has, c.isProtocol(p), c.firstFragment())
		length := c.ipv4Header(header)
		if k, ok := c.isConstant(index); ok {
			header, index = header+k, length
		} else {
			index, _ = c.binary(aluAdd, index, length)
		}
	case isTransport || p == "aarp" || etherTypes[p] <= longestSize:
		c.fail("fields of %s cannot be read", p)
	default:
		has = append(has, c.isProtocol(p))
	}
	x = c.loadAt(size, header, index)
	if c.values[x].k > math.MaxInt32 {
		c.fail("the offset is before the start of the packet")
	}
	return x, has
}
