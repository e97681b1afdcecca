package filter

import "math"

// A valueID names a value in a pool. Equal ids are equal values.
type valueID int32

// none is no value.
const none valueID = -1

// A valueOp says how a value is computed.
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
// twice they are equal, unless a load fails and with it the packet.
type value struct {
	op   valueOp
	size uint8
	k    uint32
	a, b valueID
}

// A pool holds every value once, simplified as libpcap's optimizer would: what
// it drops must be dropped here too, because a load that is not made cannot
// fail.
type pool struct {
	values []value
	ids    map[value]valueID
}

func newPool() *pool { return &pool{ids: map[value]valueID{}} }

func (p *pool) intern(v value) valueID {
	id, ok := p.ids[v]
	if !ok {
		id = valueID(len(p.values))
		p.values = append(p.values, v)
		p.ids[v] = id
	}
	return id
}

func (p *pool) constant(k uint32) valueID { return p.intern(value{op: constant, k: k}) }
func (p *pool) wireLength() valueID       { return p.intern(value{op: wireLength}) }
func (p *pool) ipv4Header(at uint32) valueID {
	return p.intern(value{op: ipv4Header, k: at})
}

// isConstant returns the number that a constant value is.
func (p *pool) isConstant(id valueID) (uint32, bool) {
	v := p.values[id]
	return v.k, v.op == constant
}

// load is size bytes at an offset. Offsets are modulo 2^32, so that ip[-2:2]
// finds the Ethernet type; ok is false if the sum begins before the packet.
func (p *pool) load(size uint8, at uint32) (id valueID, ok bool) {
	return p.intern(value{op: load, size: size, k: at}), at <= math.MaxInt32
}

// loadAt is size bytes at k plus a computed index.
func (p *pool) loadAt(size uint8, k uint32, index valueID) (id valueID, ok bool) {
	if i, isConst := p.isConstant(index); isConst {
		return p.load(size, k+i)
	}
	if v := p.values[index]; v.op == operation && v.k == aluAdd && p.values[v.b].op == ipv4Header {
		if i, isConst := p.isConstant(v.a); isConst {
			k, index = k+i, v.b
		}
	}
	return p.intern(value{op: loadAt, size: size, k: k, a: index}), k <= math.MaxInt32
}

func (p *pool) negation(a valueID) valueID {
	if k, ok := p.isConstant(a); ok {
		return p.constant(-k)
	}
	return p.intern(value{op: negation, a: a})
}

// binary is a op b; ok is false for a division by a constant zero and a shift
// by a constant of 32 or more.
func (p *pool) binary(op uint32, a, b valueID) (id valueID, ok bool) {
	left, leftConst := p.isConstant(a)
	right, rightConst := p.isConstant(b)
	switch {
	case rightConst && invalidOperand(op, right):
		return a, false
	case leftConst && rightConst:
		return p.constant(compute(op, left, right)), true
	case rightConst && right == 0:
		if op == aluMul || op == aluAnd {
			return b, true
		}
		return a, true
	case rightConst && op == aluAnd && right == math.MaxUint32:
		return a, true
	case leftConst && left == 0:
		switch op {
		case aluAdd, aluOr, aluXor:
			return b, true
		case aluMul, aluDiv, aluMod, aluAnd, aluLsh, aluRsh:
			return a, true
		}
	}
	return p.intern(value{op: operation, k: op, a: a, b: b}), true
}
