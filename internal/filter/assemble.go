package filter

import "golang.org/x/net/bpf"

// farthest is the reach of a conditional jump. Beyond it the jump goes to an
// unconditional one behind itself, which reaches everywhere.
const farthest = 255

// assemble lays out the blocks of a graph from the root down, the two returns
// last, and fills in the jumps. It returns nil if they do not fit a program.
func assemble(g *graph, blocks [][]bpf.RawInstruction, snaplen uint32) []bpf.RawInstruction {
	if g.root == accept {
		return []bpf.RawInstruction{{Op: classRet | sourceK, K: snaplen}}
	}
	l := layoutBlocks{graph: g, blocks: blocks, far: make([][2]bool, len(blocks)), start: make([]int, len(blocks))}
	for l.place() {
	}
	if l.size > maxInstructions {
		return nil
	}
	code := make([]bpf.RawInstruction, 0, l.size)
	for id := g.root; id >= firstStep; id-- {
		code = append(code, l.linked(id)...)
	}
	return append(code,
		bpf.RawInstruction{Op: classRet | sourceK, K: snaplen},
		bpf.RawInstruction{Op: classRet | sourceK})
}

// layoutBlocks is where the blocks go, and which branches are far.
type layoutBlocks struct {
	graph  *graph
	blocks [][]bpf.RawInstruction
	start  []int     // index of a block's first instruction
	far    [][2]bool // yes, no
	size   int
}

// place computes the starts, then reports whether a branch became far by that,
// so that they must be computed again.
func (l *layoutBlocks) place() bool {
	at := 0
	for id := l.graph.root; id >= firstStep; id-- {
		l.start[id] = at
		at += len(l.blocks[id])
		for _, far := range l.far[id] {
			if far {
				at++
			}
		}
	}
	l.start[accept], l.start[reject] = at, at+1
	l.size = at + 2
	changed := false
	for id := l.graph.root; id >= firstStep; id-- {
		jump := l.start[id] + len(l.blocks[id])
		for i, to := range l.branches(id) {
			if !l.far[id][i] && l.start[to]-jump > farthest {
				l.far[id][i] = true
				changed = true
			}
		}
	}
	return changed
}

func (l *layoutBlocks) branches(id nodeID) [2]nodeID {
	s := l.graph.steps[id]
	return [2]nodeID{s.yes, s.no}
}

// linked is a block with its jump filled in, and the far jumps behind it.
func (l *layoutBlocks) linked(id nodeID) []bpf.RawInstruction {
	code := l.blocks[id]
	jump := len(code) - 1
	next := l.start[id] + len(code)
	var skip [2]uint8
	for i, to := range l.branches(id) {
		if !l.far[id][i] {
			skip[i] = uint8(l.start[to] - next)
			continue
		}
		here := len(code) - jump - 1
		skip[i] = uint8(here)
		code = append(code, bpf.RawInstruction{Op: classJump | jumpAlways, K: uint32(l.start[to] - next - here - 1)})
	}
	code[jump].Jt, code[jump].Jf = skip[0], skip[1]
	return code
}
