package filter

import (
	"encoding/binary"

	"golang.org/x/net/bpf"
)

// farthest is the reach of a conditional jump. Beyond it the jump goes to an
// unconditional one behind itself, which reaches everywhere.
const farthest = 255

// assemble lays out the blocks from the root, which has the highest id, down
// to the two returns, and fills in the jumps. It returns nil if they do not
// fit a program.
func assemble(blocks []block, snaplen uint32) []bpf.RawInstruction {
	p := placement{
		blocks: blocks,
		start:  make([]int, len(blocks)),
		far:    make([][2]bool, len(blocks)),
	}
	for p.place() {
	}
	if p.size > maxInstructions {
		return nil
	}
	code := make([]bpf.RawInstruction, 0, p.size)
	for id := len(blocks) - 1; id >= int(firstStep); id-- {
		code = append(code, p.linked(id)...)
	}
	return append(code,
		bpf.RawInstruction{Op: classRet | sourceK, K: snaplen},
		bpf.RawInstruction{Op: classRet | sourceK})
}

// merged are the blocks with equal ones made one: equal code that leads to the
// same places does the same, whatever it finds in the registers. This comes
// after all else, so that a step which only this would show to be without
// effect stays, as in libpcap.
func merged(blocks []block) []block {
	kept := make([]block, firstStep, len(blocks))
	ids := map[string]nodeID{}
	to := make([]nodeID, len(blocks))
	to[accept] = accept
	for id, b := range blocks {
		if nodeID(id) < firstStep {
			continue
		}
		b.next = [2]nodeID{to[b.next[0]], to[b.next[1]]}
		key, _ := binary.Append(nil, binary.NativeEndian, b.next[:])
		key, _ = binary.Append(key, binary.NativeEndian, b.code)
		if _, ok := ids[string(key)]; !ok {
			ids[string(key)] = nodeID(len(kept))
			kept = append(kept, b)
		}
		to[id] = ids[string(key)]
	}
	return kept
}

// A placement says where the blocks go, and which of their branches are far.
type placement struct {
	blocks []block
	start  []int // index of a block's first instruction
	far    [][2]bool
	size   int
}

// place computes the starts, then reports whether a branch became far by that,
// so that they must be computed again.
func (p *placement) place() bool {
	at := 0
	for id := len(p.blocks) - 1; id >= int(firstStep); id-- {
		p.start[id] = at
		at += len(p.blocks[id].code)
		for _, far := range p.far[id] {
			if far {
				at++
			}
		}
	}
	p.start[accept], p.start[reject] = at, at+1
	p.size = at + 2
	changed := false
	for id := int(firstStep); id < len(p.blocks); id++ {
		b := p.blocks[id]
		behind := p.start[id] + len(b.code)
		for i, to := range b.next {
			if !p.far[id][i] && p.start[to]-behind > farthest {
				p.far[id][i] = true
				changed = true
			}
		}
	}
	return changed
}

// linked is a block with its jump filled in, and the far jumps behind it.
func (p *placement) linked(id int) []bpf.RawInstruction {
	b := p.blocks[id]
	code := b.code
	jump := len(code) - 1
	behind := p.start[id] + len(code)
	var skip [2]uint8
	for i, to := range b.next {
		if !p.far[id][i] {
			skip[i] = uint8(p.start[to] - behind)
			continue
		}
		here := len(code) - jump - 1
		skip[i] = uint8(here)
		code = append(code, bpf.RawInstruction{Op: classJump | jumpAlways, K: uint32(p.start[to] - behind - here - 1)})
	}
	code[jump].Jt, code[jump].Jf = skip[0], skip[1]
	return code
}
