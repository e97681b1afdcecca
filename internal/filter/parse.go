package filter

import "fmt"

// maxNesting bounds parentheses, negations and indexes within each other.
const maxNesting = 200

// A mode says what may stand at a place in the grammar.
type mode uint8

const (
	termOnly mode = iota // at the start, where no qualifier can carry over
	idOrTerm             // after and, or
	idOnly               // after qualifiers
)

// A parser reads tokens by recursive descent. The first error stays; after it
// every token reads as the end.
type parser struct {
	tokens  []token
	closing map[int]int // index of the parenthesis that closes the one at the key
	next    int
	depth   int
	err     *SyntaxError
}

// parse builds the syntax tree; nil for an expression without a word.
func parse(expr string) (node, error) {
	tokens, err := lex(expr)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, closing: matchParentheses(tokens)}
	if p.peek().kind == end {
		return nil, nil
	}
	n, _, _ := p.chain(qual{}, termOnly)
	if t := p.peek(); t.kind != end {
		p.refuse(t, "expected and, or, or the end of the expression")
	}
	if p.err != nil {
		return nil, p.err
	}
	return n, nil
}

func matchParentheses(tokens []token) map[int]int {
	closing := map[int]int{}
	var open []int
	for i, t := range tokens {
		switch {
		case t.is("("):
			open = append(open, i)
		case t.is(")") && len(open) > 0:
			closing[open[len(open)-1]] = i
			open = open[:len(open)-1]
		}
	}
	return closing
}

func (t token) is(text string) bool { return t.kind == keyword && t.text == text }

func (t token) isOneOf(texts ...string) bool {
	for _, text := range texts {
		if t.is(text) {
			return true
		}
	}
	return false
}

func (p *parser) peek() token {
	if p.err != nil {
		return p.tokens[len(p.tokens)-1]
	}
	return p.tokens[p.next]
}

func (p *parser) take() token {
	t := p.peek()
	if t.kind != end {
		p.next++
	}
	return t
}

// accept takes the next token if it is the keyword.
func (p *parser) accept(text string) bool {
	ok := p.peek().is(text)
	if ok {
		p.next++
	}
	return ok
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.refuse(p.peek(), "expected "+text)
	}
}

func (p *parser) expectNumber() token {
	t := p.take()
	if t.kind != number {
		p.refuse(t, "expected a number")
	}
	return t
}

// refuse records that t is not what the grammar has at its place.
func (p *parser) refuse(t token, why string) {
	switch {
	case p.err != nil:
	case t.kind == keyword && unsupported[t.text]:
		p.err = &SyntaxError{t.pos, quote(t.text) + " is not supported" + escapeHatch}
	default:
		p.err = &SyntaxError{t.pos, fmt.Sprintf("%s, found %s", why, t.describe())}
	}
}

// deeper guards a recursion; the caller leaves with p.depth--.
func (p *parser) deeper() {
	if p.depth++; p.depth > maxNesting && p.err == nil {
		p.err = &SyntaxError{p.peek().pos, fmt.Sprintf("nested more than %d deep", maxNesting)}
	}
}

// chain reads units joined by and and or, which bind equally, from the left.
// It returns the qualifiers that carry over to what follows, and whether it is
// a list of ids: one that begins with an id has nothing but ids.
func (p *parser) chain(q qual, m mode) (n node, carry qual, isID bool) {
	n, q, isID = p.unit(q, m)
	rest := idOrTerm
	if isID {
		rest = idOnly
	}
	for p.err == nil {
		var r node
		switch at := pos(p.peek().pos); {
		case p.accept("and"):
			r, q, _ = p.unit(q, rest)
			n = &andNode{at, n, r}
		case p.accept("or"):
			r, q, _ = p.unit(q, rest)
			n = &orNode{at, n, r}
		default:
			return n, q, isID
		}
	}
	return n, q, isID
}

// unit reads one operand of and and or. q is what carries over to it; the
// result is what carries over from it, and whether it is an id or ids.
func (p *parser) unit(q qual, m mode) (n node, carry qual, isID bool) {
	p.deeper()
	defer func() { p.depth-- }()
	t := p.peek()
	switch {
	case p.accept("not"):
		x, carry, isID := p.unit(q, m)
		return &notNode{pos(t.pos), x}, carry, isID
	case m != idOnly && p.beginsRelation():
		return p.relation(), qual{}, false
	case p.accept("("):
		n, _, isID := p.chain(q, m)
		p.expect(")")
		return n, q, isID
	case m != termOnly && t.kind != keyword:
		return p.id(q), q, true
	case m == idOnly:
		p.refuse(t, "expected an address, a number or a name")
		return nil, q, true
	}
	n, carry = p.term()
	return n, carry, false
}

// beginsRelation reports whether what follows is a number to be compared: a
// load, len, or a number or parenthesis that an operator follows.
func (p *parser) beginsRelation() bool {
	if p.err != nil {
		return false
	}
	after := p.next + 1
	switch t := p.tokens[p.next]; {
	case t.isOneOf("len", "-"):
		return true
	case isProto(t):
		return p.tokens[after].is("[")
	case t.is("("):
		closing, ok := p.closing[p.next]
		if !ok {
			return false
		}
		after = closing + 1
	case t.kind != number:
		return false
	}
	return p.tokens[after].isOneOf("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "<", ">", "<=", ">=", "=", "!=")
}

// id reads an address, number or name, and its mask.
func (p *parser) id(q qual) node {
	t := p.take()
	if t.kind == end {
		p.refuse(t, "expected an address, a number or a name")
	}
	if !q.given && p.err == nil {
		p.refuse(t, "expected a keyword such as host, net or port")
	}
	n := &idNode{pos: pos(t.pos), qual: q, id: t}
	switch {
	case (t.kind == addrIPv4 || t.kind == addrIPv6) && p.accept("/"):
		mask := p.expectNumber()
		n.mask = &mask
	case t.kind == addrIPv4 && p.accept("mask"):
		mask := p.take()
		if mask.kind != addrIPv4 {
			p.refuse(mask, "expected a netmask such as 255.255.255.0")
		}
		n.mask = &mask
	}
	return n
}
