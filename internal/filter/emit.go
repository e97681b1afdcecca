package filter

import "golang.org/x/net/bpf"

// registers says which values the accumulator and the index register hold.
type registers struct{ a, x valueID }

// An emitter writes the instructions that compute values.
type emitter struct {
	*pool
	registers
	used uint32 // scratch words in use
	most uint32 // scratch words that were in use at once
	code []bpf.RawInstruction
}

func (e *emitter) emit(op uint16, k uint32) {
	e.code = append(e.code, bpf.RawInstruction{Op: op, K: k})
}

// test ends with a jump whose targets are not filled in.
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
	if e.a == id {
		return
	}
	switch v := e.values[id]; v.op {
	case constant:
		e.emit(classLd|modeImm, v.k)
	case wireLength:
		e.emit(classLd|modeLen, 0)
	case load:
		e.emit(classLd|modeAbs|sizeModes[v.size], v.k)
	case loadAt:
		e.index(v.a)
		e.emit(classLd|modeInd|sizeModes[v.size], v.k)
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
	e.a = id
}

// index computes a value into the index register, perhaps through the
// accumulator.
func (e *emitter) index(id valueID) {
	if e.x == id {
		return
	}
	if v := e.values[id]; v.op == ipv4Header {
		e.emit(classLdx|modeMsh|sizeByte, v.k)
	} else {
		e.accumulate(id)
		e.emit(classMisc|tax, 0)
	}
	e.x = id
}

// operands computes a into the accumulator and b into the index register.
func (e *emitter) operands(a, b valueID) {
	switch {
	case e.values[b].op == ipv4Header: // leaves the accumulator alone
		e.accumulate(a)
		e.index(b)
	case e.values[a].op <= load: // leaves the index register alone
		e.index(b)
		e.accumulate(a)
	default:
		e.accumulate(a)
		slot := e.used
		e.used++
		e.most = max(e.most, e.used)
		e.emit(classSt, slot)
		e.index(b)
		e.emit(classLd|modeMem, slot)
		e.a = a
		e.used--
	}
}

var sizeModes = map[uint8]uint16{1: sizeByte, 2: sizeHalf, 4: sizeWord}
