package filter

import "maps"

// A nodeID names a step of a decision graph.
type nodeID int32

// The two ends of every graph.
const (
	reject nodeID = iota
	accept
	firstStep
)

// A step is a test and where to go if it holds and if it does not.
type step struct {
	test    test
	yes, no nodeID
}

// A graph is an acyclic decision graph: steps lead to steps with lower ids, and
// equal steps are one. Index 0 and 1 of steps are the ends.
type graph struct {
	steps []step
	ids   map[step]nodeID
	root  nodeID
}

func newGraph() *graph {
	return &graph{steps: make([]step, firstStep), ids: map[step]nodeID{}}
}

// add returns the step; one that leads to the same place either way is no step.
func (g *graph) add(s step) nodeID {
	if s.yes == s.no {
		return s.yes
	}
	id, ok := g.ids[s]
	if !ok {
		id = nodeID(len(g.steps))
		g.steps = append(g.steps, s)
		g.ids[s] = id
	}
	return id
}

// decide adds the steps of a condition and returns the first.
func (g *graph) decide(c *condition, yes, no nodeID) nodeID {
	switch c.op {
	case isAnd:
		return g.decide(c.l, g.decide(c.r, yes, no), no)
	case isOr:
		return g.decide(c.l, yes, g.decide(c.r, yes, no))
	case isNot:
		return g.decide(c.l, no, yes)
	case isTrue:
		return yes
	case isFalse:
		return no
	}
	return g.add(step{c.test, yes, no})
}

// simplified is the graph without the tests whose outcome is known on the way
// to them: a second look at the Ethernet type, for instance. A test is known
// only if its value was loaded before, so that no load that could fail is
// lost; but a test whose outcome does not matter goes, and its load with it,
// as in libpcap's optimizer.
func simplified(g *graph) *graph {
	for {
		next := g.threaded()
		if next.root == g.root && maps.Equal(next.ids, g.ids) {
			return next
		}
		g = next
	}
}

// threaded leads every branch past the steps that what is known decides.
func (g *graph) threaded() *graph {
	k := newKnowledge(g)
	steps := append([]step(nil), g.steps...)
	for id := g.root; id >= firstStep; id-- {
		if !k.reached(id) {
			continue
		}
		s := &steps[id]
		s.yes = k.follow(id, s.test, true, s.yes)
		s.no = k.follow(id, s.test, false, s.no)
		k.forget(id)
	}
	return rebuilt(steps, g.root)
}

// rebuilt is the graph of the steps that the root leads to.
func rebuilt(steps []step, root nodeID) *graph {
	needed := make([]bool, len(steps))
	needed[root] = true
	for id := root; id >= firstStep; id-- {
		if needed[id] {
			needed[steps[id].yes] = true
			needed[steps[id].no] = true
		}
	}
	g := newGraph()
	moved := make([]nodeID, len(steps))
	moved[accept] = accept
	for id := firstStep; id <= root; id++ {
		if s := steps[id]; needed[id] {
			moved[id] = g.add(step{s.test, moved[s.yes], moved[s.no]})
		}
	}
	g.root = moved[root]
	return g
}
