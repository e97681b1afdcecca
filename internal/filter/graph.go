package filter

import "slices"

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

// A graph is an acyclic decision graph: steps lead to steps with lower ids.
// Index 0 and 1 of steps are the ends.
type graph struct {
	steps []step
	root  nodeID
}

func newGraph() *graph { return &graph{steps: make([]step, firstStep)} }

// add appends a step and returns its id; one that leads to the same place
// either way is no step.
func (g *graph) add(s step) nodeID {
	if s.yes == s.no {
		return s.yes
	}
	g.steps = append(g.steps, s)
	return nodeID(len(g.steps) - 1)
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

// maxRounds bounds the simplification, which in rare cases moves the same
// steps to and fro; libpcap stops after as many.
const maxRounds = 100

// simplified is the graph without the tests whose outcome is known on the way
// to them: a second look at the Ethernet type, for instance. A test is known
// only if its value was loaded before, so that no load that could fail is
// lost; but a test whose outcome does not matter goes, and its load with it,
// as in libpcap's optimizer.
func (g *graph) simplified() *graph {
	g = relinked(g.steps, g.root)
	for range maxRounds {
		threaded := g.threaded()
		next, moved := threaded.hoisted()
		if !moved && slices.Equal(threaded.steps, g.steps) {
			break
		}
		g = next
	}
	return g
}

// threaded leads every branch past the steps that what is known decides.
func (g *graph) threaded() *graph {
	k := g.learn()
	steps := slices.Clone(g.steps)
	for id := firstStep; id <= g.root; id++ {
		steps[id].yes = k.destination(id, true)
		steps[id].no = k.destination(id, false)
	}
	return relinked(steps, g.root)
}

// relinked is the graph of the steps that the root leads to, which may have
// ids in any order. A root without effect stays unless it leads to an end,
// because libpcap keeps its load.
func relinked(steps []step, root nodeID) *graph {
	g := newGraph()
	if root < firstStep {
		g.root = root
		return g
	}
	done := make([]bool, len(steps))
	to := make([]nodeID, len(steps))
	done[reject], done[accept], to[accept] = true, true, accept
	var visit func(nodeID) nodeID
	visit = func(id nodeID) nodeID {
		if !done[id] {
			s := steps[id]
			no := visit(s.no)
			to[id] = g.add(step{s.test, visit(s.yes), no})
			done[id] = true
		}
		return to[id]
	}
	s := steps[root]
	no, yes := visit(s.no), visit(s.yes)
	if g.root = yes; yes != no || yes >= firstStep {
		g.root = nodeID(len(g.steps))
		g.steps = append(g.steps, step{s.test, yes, no})
	}
	return g
}
