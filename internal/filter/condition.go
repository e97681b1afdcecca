package filter

// A condition adds its tests to a decision graph and returns the first. Their
// outcome leads to yes or to no.
type condition func(g *graph, yes, no nodeID) nodeID

func always(_ *graph, yes, _ nodeID) nodeID { return yes }
func never(_ *graph, _, no nodeID) nodeID   { return no }

func truth(b bool) condition {
	if b {
		return always
	}
	return never
}

func not(c condition) condition {
	return func(g *graph, yes, no nodeID) nodeID { return c(g, no, yes) }
}

// allOf holds if all conditions do, tested in this order as far as needed.
func allOf(cs ...condition) condition {
	return func(g *graph, yes, no nodeID) nodeID {
		for i := len(cs) - 1; i >= 0; i-- {
			yes = cs[i](g, yes, no)
		}
		return yes
	}
}

// anyOf holds if any condition does, tested in this order as far as needed.
func anyOf(cs ...condition) condition {
	return func(g *graph, yes, no nodeID) nodeID {
		for i := len(cs) - 1; i >= 0; i-- {
			no = cs[i](g, yes, no)
		}
		return no
	}
}

// A test compares the value a with the constant k, or with the value b if that
// is not none. op is a BPF jump operation: =, >, >= (unsigned), or any bit in
// common.
type test struct {
	op   uint16
	a, b valueID
	k    uint32
}

func (t test) condition() condition {
	return func(g *graph, yes, no nodeID) nodeID { return g.add(step{t, [2]nodeID{no, yes}}) }
}

// compare tests a value against a constant.
func (p *pool) compare(op uint16, a valueID, k uint32) condition {
	switch v := p.values[a]; {
	case v.op == constant:
		return truth(op == jumpEq && v.k == k || op == jumpGt && v.k > k || op == jumpGe && v.k >= k)
	case op == jumpEq && k == 0 && v.op == operation && v.k == aluAnd:
		if mask, ok := p.isConstant(v.b); ok {
			return not(test{jumpSet, v.a, none, mask}.condition())
		}
	}
	return test{op, a, none, k}.condition()
}

// compareValues tests two values against each other.
func (p *pool) compareValues(op uint16, a, b valueID) condition {
	if k, ok := p.isConstant(b); ok {
		return p.compare(op, a, k)
	}
	return test{op: op, a: a, b: b}.condition()
}

// equal tests a field of the packet.
func (p *pool) equal(size uint8, at, want uint32) condition {
	return p.compare(jumpEq, p.load(size, at), want)
}

// masked tests some bits of a field.
func (p *pool) masked(size uint8, at, want, mask uint32) condition {
	if mask == ^uint32(0) {
		return p.equal(size, at, want)
	}
	bits, _ := p.binary(aluAnd, p.load(size, at), p.constant(mask))
	return p.compare(jumpEq, bits, want)
}
