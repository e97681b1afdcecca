package filter

// A test compares a value with the constant k, or with the value b if that is
// not none. op is a BPF jump operation: =, >, >= (unsigned), or any bit in
// common.
type test struct {
	op   uint16
	a, b valueID
	k    uint32
}

// outcome is what a test against a constant says of the number a.
func (t test) outcome(a uint32) bool {
	switch t.op {
	case jumpEq:
		return a == t.k
	case jumpGt:
		return a > t.k
	case jumpGe:
		return a >= t.k
	default:
		return a&t.k != 0
	}
}

// A condition is a test, a junction of two conditions evaluated left to right
// as far as needed, or true or false.
type condition struct {
	op   conditionOp
	test test
	l, r *condition
}

type conditionOp uint8

const (
	isTest conditionOp = iota
	isAnd
	isOr
	isNot
	isTrue
	isFalse
)

var (
	always = &condition{op: isTrue}
	never  = &condition{op: isFalse}
)

// allOf is the conjunction of conditions, tested in this order.
func allOf(cs ...*condition) *condition { return junction(isAnd, cs) }

// anyOf is the disjunction of conditions, tested in this order.
func anyOf(cs ...*condition) *condition { return junction(isOr, cs) }

func junction(op conditionOp, cs []*condition) *condition {
	c := cs[0]
	for _, next := range cs[1:] {
		c = &condition{op: op, l: c, r: next}
	}
	return c
}

func not(c *condition) *condition { return &condition{op: isNot, l: c} }

func truth(b bool) *condition {
	if b {
		return always
	}
	return never
}

// compare tests a value against a constant, in the form that leaves least to
// do at run time.
func (p *pool) compare(op uint16, a valueID, k uint32) *condition {
	t := test{op: op, a: a, b: none, k: k}
	v := p.values[a]
	switch {
	case v.op == constant:
		return truth(t.outcome(v.k))
	case op == jumpSet && k == 0:
		return never
	case op == jumpEq && v.op == operation:
		right, ok := p.isConstant(v.b)
		switch {
		case ok && v.k == aluAnd && k == 0:
			return not(p.compare(jumpSet, v.a, right))
		case ok && v.k == aluSub:
			return p.compare(jumpEq, v.a, k+right)
		}
	}
	return &condition{test: t}
}

// compareValues tests two values against each other.
func (p *pool) compareValues(op uint16, a, b valueID) *condition {
	if k, ok := p.isConstant(b); ok {
		return p.compare(op, a, k)
	}
	return &condition{test: test{op: op, a: a, b: b}}
}
