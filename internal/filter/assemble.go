package filter

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
)

// blocksOf is the code of every step, by ID, each with a jump at its end whose
// targets are not filled in. A value that a register holds on every way to a
// step is not computed again. ok is false if a value needs more scratch words
// than there are.
func blocksOf(g *graph, p *pool) (blocks [][]bpf.RawInstruction, ok bool) {
	blocks = make([][]bpf.RawInstruction, len(g.steps))
	ways := g.ways()
	held := map[nodeID]registers{g.root: {none, none}}
	for id := g.root; id >= firstStep; id-- {
		if ways[id] == 0 {
			continue
		}
		e := emitter{pool: p, registers: held[id]}
		g.pullUp(id, e.a, ways)
		e.test(g.steps[id].test)
		if e.most > scratchWords {
			return nil, false
		}
		blocks[id] = e.code
		for _, to := range g.steps[id].next {
			regs, ok := held[to]
			if !ok {
				regs = e.registers
			}
			if regs.a != e.a {
				regs.a = none
			}
			if regs.x != e.x {
				regs.x = none
			}
			held[to] = regs
		}
	}
	return blocks, true
}

// farthest is how far a conditional jump may lead when its step is laid out:
// one less than its eight bits say, because an unconditional jump may still
// come in between.
const farthest = 254

// assemble lays out the blocks from the root down to the two returns and fills
// in the jumps. It works backwards, so that all targets are known, with
// positions counted from the end. A jump that leads too far goes to an
// unconditional one right behind it, which reaches everywhere. Equal code that
// leads to the same places is laid out once.
func assemble(g *graph, blocks [][]bpf.RawInstruction, snaplen uint32) []bpf.RawInstruction {
	code := []bpf.RawInstruction{{Op: classRet | sourceK}, {Op: classRet | sourceK, K: snaplen}}
	start := make([]int, len(blocks))
	laidOut := map[string]int{}
	start[reject], start[accept] = 1, 2
	if g.root == accept {
		return code[1:]
	}
	for id := firstStep; id <= g.root; id++ {
		block, next := blocks[id], g.steps[id].next
		if block == nil {
			continue // nothing leads there
		}
		target := [2]int{start[next[0]], start[next[1]]}
		key := fmt.Sprint(block, target)
		if at, ok := laidOut[key]; ok {
			start[id] = at
			continue
		}
		for i := range target {
			if distance := len(code) - target[i]; distance > farthest {
				code = append(code, bpf.RawInstruction{Op: classJump | jumpAlways, K: uint32(distance)})
				target[i] = len(code)
			}
		}
		jump := &block[len(block)-1]
		jump.Jf, jump.Jt = uint8(len(code)-target[0]), uint8(len(code)-target[1])
		slices.Reverse(block)
		code = append(code, block...)
		start[id] = len(code)
		laidOut[key] = start[id]
	}
	slices.Reverse(code)
	return code
}
