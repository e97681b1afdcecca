package filter

// A valueID names a value in a pool. Equal IDs are equal values.
type valueID int32

// none is no value.
const none valueID = -1

// A valueOp says how a value is computed: up to load, without the index register.
type valueOp uint8

const (
	constant   valueOp = iota // k
	wireLength                // bytes on the wire
	load                      // size bytes at k
	loadAt                    // size bytes at k+a
	ipv4Header                // the header length 4*(packet[k]&15)
	negation                  // -a
	operation                 // a op b, op being the BPF ALU operation k
)

// A value is a 32-bit number computed from a packet. Values are pure: computed
// twice they are equal. A load beyond the packet rejects the packet.
type value struct {
	op   valueOp
	size uint8
	k    uint32
	a, b valueID
}

// A pool holds every value once.
type pool struct {
	values []value
	ids    map[value]valueID
}

func (p *pool) intern(v value) valueID {
	id, ok := p.ids[v]
	if !ok {
		id = valueID(len(p.values))
		p.values = append(p.values, v)
		p.ids[v] = id
	}
	return id
}

func (p *pool) constant(k uint32) valueID    { return p.intern(value{op: constant, k: k}) }
func (p *pool) wireLength() valueID          { return p.intern(value{op: wireLength}) }
func (p *pool) ipv4Header(at uint32) valueID { return p.intern(value{op: ipv4Header, k: at}) }

// isConstant returns the number that a constant value is.
func (p *pool) isConstant(id valueID) (uint32, bool) {
	v := p.values[id]
	return v.k, v.op == constant
}

// load is size bytes at an offset.
func (p *pool) load(size uint8, at uint32) valueID {
	return p.intern(value{op: load, size: size, k: at})
}

// loadAt is size bytes at k+index. Constant sums are modulo 2^32, so that
// ip[-2:2] finds the Ethernet type.
func (p *pool) loadAt(size uint8, k uint32, index valueID) valueID {
	if i, ok := p.isConstant(index); ok {
		return p.load(size, k+i)
	}
	return p.intern(value{op: loadAt, size: size, k: k, a: index})
}

// binary is a op b. It is refused if b is a constant that the kernel refuses
// as the operand of op.
func (p *pool) binary(op uint32, a, b valueID) (id valueID, ok bool) {
	left, leftConst := p.isConstant(a)
	right, rightConst := p.isConstant(b)
	switch {
	case rightConst && invalidOperand(op, right):
		return a, false
	case leftConst && rightConst:
		return p.constant(compute(op, left, right)), true
	case rightConst && right == 0 && (op == aluMul || op == aluAnd):
		return b, true
	}
	return p.intern(value{op: operation, k: op, a: a, b: b}), true
}
