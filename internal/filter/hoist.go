package filter

import "slices"

// A hoister brings tests of one value together, as libpcap's optimizer does
// (or_pullup and and_pullup of optimize.c). In `port 80 or 443` both source
// port tests then come before both destination port tests: one load less, and
// the same verdict as libpcap's on a packet cut between the two.
type hoister struct {
	steps []step
	in    [][]nodeID // which steps led to a step before anything was moved
	// first and last number the dominator tree in depth-first order: a step is
	// on every way to another if the other's number lies between its own.
	first, last []int
}

// hoisted is the graph after one round of moves, and whether there were any.
func (g *graph) hoisted() (*graph, bool) {
	h := &hoister{steps: slices.Clone(g.steps), in: make([][]nodeID, len(g.steps))}
	for id := g.root; id >= firstStep; id-- {
		for _, to := range []nodeID{g.steps[id].yes, g.steps[id].no} {
			h.in[to] = append(h.in[to], id)
		}
	}
	h.number(g.root)
	moved := false
	for id := firstStep; id < g.root; id++ {
		moved = h.hoist(id, (*step).onNo, (*step).onYes) || moved
		moved = h.hoist(id, (*step).onYes, (*step).onNo) || moved
	}
	if !moved {
		return g, false
	}
	return relinked(h.steps, g.root), true
}

func (s *step) onYes() *nodeID { return &s.yes }
func (s *step) onNo() *nodeID  { return &s.no }

// hoist looks down the chain that begins with the step b and follows one
// branch, while the other branch leads to where b's does. If b's predecessors
// all test one value, the chain then tests another, and further down the first
// again, this last test is moved up before the other value's. A comparison of
// two values stays where it is: its second value may fail to load.
func (h *hoister) hoist(b nodeID, along, aside func(*step) *nodeID) bool {
	value, ok := h.tested(b)
	if !ok {
		return false
	}
	inChain := func(id nodeID) bool {
		return id >= firstStep && *aside(&h.steps[id]) == *aside(&h.steps[b]) && h.dominates(b, id)
	}
	var link *nodeID // to the other value's test; nil for b's predecessors
	other := b
	for ; h.steps[other].test.a == value; other = *link {
		link = along(&h.steps[other])
		if !inChain(*link) {
			return false
		}
	}
	again := along(&h.steps[other])
	for ; inChain(*again); again = along(&h.steps[*again]) {
		if t := h.steps[*again].test; t.a == value && t.b == none {
			break
		}
	}
	if !inChain(*again) {
		return false
	}
	moved := *again
	rest := along(&h.steps[moved])
	*again, *rest = *rest, other
	if link != nil {
		*link = moved
		return true
	}
	for _, from := range h.in[b] {
		h.redirect(from, b, moved)
	}
	return true
}

// tested is the value that every predecessor of a step tests. ok is false if
// there is none, or if a move has changed the predecessors.
func (h *hoister) tested(id nodeID) (value valueID, ok bool) {
	for i, from := range h.in[id] {
		s := h.steps[from]
		if i > 0 && s.test.a != value || s.yes != id && s.no != id {
			return none, false
		}
		value = s.test.a
	}
	return value, len(h.in[id]) > 0
}

func (h *hoister) redirect(from, old, to nodeID) {
	s := &h.steps[from]
	if s.yes == old {
		s.yes = to
	} else if s.no == old {
		s.no = to
	}
}

func (h *hoister) dominates(a, b nodeID) bool {
	return h.first[a] <= h.first[b] && h.first[b] <= h.last[a]
}

// number computes the dominator tree and numbers it. Steps have higher ids
// than what they lead to, so that one descent suffices.
func (h *hoister) number(root nodeID) {
	parent := make([]nodeID, root+1)
	children := make([][]nodeID, root+1)
	for id := root - 1; id >= 0; id-- {
		if len(h.in[id]) == 0 {
			continue
		}
		p := h.in[id][0]
		for _, q := range h.in[id][1:] {
			for p != q {
				if p < q {
					p = parent[p]
				} else {
					q = parent[q]
				}
			}
		}
		parent[id] = p
		children[p] = append(children[p], id)
	}
	h.first, h.last = make([]int, root+1), make([]int, root+1)
	count := 0
	var visit func(nodeID)
	visit = func(id nodeID) {
		count++
		h.first[id] = count
		for _, c := range children[id] {
			visit(c)
		}
		h.last[id] = count
	}
	visit(root)
}
