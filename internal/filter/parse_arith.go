package filter

// precedence of the arithmetic operators. % and ^ have none in libpcap's
// grammar, so that yacc shifts: what follows them is always their operand, and
// `a % b + c` is a % (b + c).
var precedence = map[string]int{"|": 1, "&": 2, "<<": 3, ">>": 3, "+": 4, "-": 4, "*": 5, "/": 5}

const unaryPrecedence = 6

func (p *parser) relation() node {
	n := &relationNode{pos: pos(p.peek().pos), l: p.arith(0)}
	op := p.take()
	if !op.isOneOf("<", ">", "<=", ">=", "=", "!=") {
		p.refuse(op, "expected a comparison")
	}
	n.op = op.text
	n.r = p.arith(0)
	return n
}

// arith reads operators that bind tighter than min.
func (p *parser) arith(min int) arith {
	p.deeper()
	defer func() { p.depth-- }()
	x := p.operand()
	for p.err == nil {
		t := p.peek()
		binds := precedence[t.text]
		switch {
		case t.isOneOf("%", "^"):
		case t.kind != keyword || binds <= min:
			return x
		}
		p.take()
		x = &binaryArith{pos(t.pos), t.text, x, p.arith(binds)}
	}
	return x
}

func (p *parser) operand() arith {
	t := p.take()
	at := pos(t.pos)
	switch {
	case t.kind == number:
		return &numberArith{at, t.num}
	case t.is("len"):
		return &lenArith{at}
	case t.is("-"):
		return &negArith{at, p.arith(unaryPrecedence)}
	case t.is("("):
		x := p.arith(0)
		p.expect(")")
		return x
	case isProto(t):
		return p.load(at, proto(t.text))
	}
	p.refuse(t, "expected a number, len, or a field such as ip[8]")
	return &numberArith{pos: at}
}

// load reads [index] or [index:size].
func (p *parser) load(at pos, pr proto) arith {
	p.expect("[")
	n := &loadArith{pos: at, proto: pr, index: p.arith(0), size: 1}
	if p.accept(":") {
		size := p.expectNumber()
		n.size = size.num
		if size.num != 1 && size.num != 2 && size.num != 4 {
			p.refuse(size, "expected a size of 1, 2 or 4 bytes")
		}
	}
	p.expect("]")
	return n
}
