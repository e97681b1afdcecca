package filter

import "golang.org/x/net/bpf"

// An emitter turns a decision graph into instructions.
type emitter struct {
	*pool
	graph *graph
	regs  registers
	used  uint32 // scratch words in use
	out   []bpf.RawInstruction
	full  bool // an expression needed more scratch words than there are
}

// registers says which values the accumulator and the index register hold.
type registers struct{ a, x valueID }

// A block is the instructions of a step. The last is its jump, whose targets
// are not filled in but named by next: where to go if the test holds, and if
// not.
type block struct {
	code []bpf.RawInstruction
	next [2]nodeID
}

// blocks are the blocks of every step, by id. A value that a register holds
// whichever way the step was reached is not computed again.
func (e *emitter) blocks() []block {
	n := len(e.graph.steps)
	entry := make([]*registers, n)
	entry[e.graph.root] = &registers{none, none}
	blocks := make([]block, n)
	for id := e.graph.root; id >= firstStep; id-- {
		s := e.graph.steps[id]
		e.regs, e.out = *entry[id], nil
		e.test(s.test)
		blocks[id] = block{e.out, [2]nodeID{s.yes, s.no}}
		for _, next := range []nodeID{s.yes, s.no} {
			if entry[next] == nil {
				entry[next] = new(registers)
				*entry[next] = e.regs
			}
			entry[next].keep(e.regs)
		}
	}
	return blocks
}

func (r *registers) keep(other registers) {
	if r.a != other.a {
		r.a = none
	}
	if r.x != other.x {
		r.x = none
	}
}

func (e *emitter) emit(op uint16, k uint32) {
	e.out = append(e.out, bpf.RawInstruction{Op: op, K: k})
}

func (e *emitter) test(t test) {
	if t.b == none {
		e.accumulate(t.a)
		e.emit(classJump|t.op|sourceK, t.k)
		return
	}
	e.operands(t.a, t.b)
	e.emit(classJump|t.op|sourceX, 0)
}

// accumulate computes a value into the accumulator.
func (e *emitter) accumulate(id valueID) {
	if e.regs.a == id {
		return
	}
	switch v := e.values[id]; v.op {
	case constant:
		e.emit(classLd|modeImm, v.k)
	case wireLength:
		e.emit(classLd|modeLen, 0)
	case load:
		e.emit(classLd|modeAbs|sizeMode(v.size), v.k)
	case loadAt:
		e.index(v.a)
		e.emit(classLd|modeInd|sizeMode(v.size), v.k)
	case ipv4Header:
		e.index(id)
		e.emit(classMisc|txa, 0)
	case negation:
		e.accumulate(v.a)
		e.emit(classALU|aluNeg, 0)
	case operation:
		if k, ok := e.isConstant(v.b); ok {
			e.accumulate(v.a)
			e.emit(classALU|uint16(v.k)|sourceK, k)
		} else {
			e.operands(v.a, v.b)
			e.emit(classALU|uint16(v.k)|sourceX, 0)
		}
	}
	e.regs.a = id
}

// index computes a value into the index register, perhaps through the
// accumulator.
func (e *emitter) index(id valueID) {
	if e.regs.x == id {
		return
	}
	if v := e.values[id]; v.op == ipv4Header {
		e.emit(classLdx|modeMsh|sizeByte, v.k)
	} else {
		e.accumulate(id)
		e.emit(classMisc|tax, 0)
	}
	e.regs.x = id
}

// operands computes a into the accumulator and b into the index register.
func (e *emitter) operands(a, b valueID) {
	switch {
	case e.values[b].op == ipv4Header:
		e.accumulate(a)
		e.index(b)
		return
	case !e.indexed(a):
		e.index(b)
		e.accumulate(a)
		return
	}
	e.accumulate(a)
	slot := e.used
	e.used++
	e.full = e.full || slot >= scratchWords
	e.emit(classSt, slot)
	e.index(b)
	e.emit(classLd|modeMem, slot)
	e.regs.a = a
	e.used--
}

// indexed reports whether computing a value takes the index register.
func (e *emitter) indexed(id valueID) bool {
	switch v := e.values[id]; v.op {
	case loadAt, ipv4Header:
		return true
	case negation:
		return e.indexed(v.a)
	case operation:
		_, ok := e.isConstant(v.b)
		return !ok || e.indexed(v.a)
	}
	return false
}

func sizeMode(size uint8) uint16 {
	switch size {
	case 1:
		return sizeByte
	case 2:
		return sizeHalf
	}
	return sizeWord
}
