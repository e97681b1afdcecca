package filter

import "math/big"

// A nodeID names a node of a decision graph: one of its two ends or a step.
type nodeID int32

const (
	reject nodeID = iota
	accept
	firstStep
)

// A step is a test and where its outcome leads: next[0] if it fails, next[1]
// if it holds.
type step struct {
	test test
	next [2]nodeID
}

// A graph is an acyclic decision graph: steps lead to nodes with lower IDs.
// Index 0 and 1 of steps are the ends.
type graph struct {
	steps []step
	root  nodeID
}

func newGraph() *graph { return &graph{steps: make([]step, firstStep)} }

func (g *graph) add(s step) nodeID {
	g.steps = append(g.steps, s)
	return nodeID(len(g.steps) - 1)
}

// simplified is the graph without tests whose outcome is known on every way to
// them, such as a second look at the Ethernet type, and without tests whose
// outcome does not matter.
func (g *graph) simplified() *graph {
	g = g.rebuilt()
	g.thread()
	return g.rebuilt()
}

// rebuilt is the graph without the steps that lead to the same node either
// way. The root stays, unless it leads to an end: libpcap keeps its load too,
// which can reject a packet.
func (g *graph) rebuilt() *graph {
	out := newGraph()
	to := make([]nodeID, len(g.steps))
	to[accept] = accept
	for id := firstStep; id <= g.root; id++ {
		s := g.steps[id]
		s.next = [2]nodeID{to[s.next[0]], to[s.next[1]]}
		if s.next[0] == s.next[1] && (id != g.root || s.next[0] < firstStep) {
			to[id] = s.next[0]
		} else {
			to[id] = out.add(s)
		}
	}
	out.root = to[g.root]
	return out
}

// thread leads the outcomes of every step past the steps that are decided by
// what was tested on all ways there.
func (g *graph) thread() {
	f := factsAbout(g.steps)
	known := make([]*big.Int, len(g.steps))
	known[g.root] = new(big.Int)
	for id := g.root; id >= firstStep; id-- {
		if known[id] == nil {
			continue // nothing leads here any more
		}
		s := &g.steps[id]
		for i, to := range s.next {
			now := new(big.Int).SetBit(known[id], f.bit(s.test, i), 1)
			for to >= firstStep {
				outcome, ok := f.outcome(g.steps[to].test, now)
				if !ok {
					break
				}
				to = g.steps[to].next[outcome]
			}
			s.next[i] = to
			if known[to] == nil {
				known[to] = now
			} else {
				known[to].And(known[to], now)
			}
		}
	}
}

// facts number the outcomes of tests, so that a set of bits says what is known.
type facts struct {
	number map[test]int
	about  map[valueID][]test
}

func factsAbout(steps []step) facts {
	f := facts{map[test]int{}, map[valueID][]test{}}
	for _, s := range steps[firstStep:] {
		if _, ok := f.number[s.test]; !ok {
			f.number[s.test] = len(f.number)
			f.about[s.test.a] = append(f.about[s.test.a], s.test)
		}
	}
	return f
}

// bit is that of a test which failed (0) or held (1).
func (f facts) bit(t test, outcome int) int { return 2*f.number[t] + outcome }

// outcome is what a test comes to, if that is known. The value was then loaded
// before, so that no load that rejects a packet gets lost.
func (f facts) outcome(t test, known *big.Int) (outcome int, ok bool) {
	for outcome := range 2 {
		if known.Bit(f.bit(t, outcome)) == 1 {
			return outcome, true
		}
	}
	for _, other := range f.about[t.a] {
		equal := other.op == jumpEq && other.b == none && known.Bit(f.bit(other, 1)) == 1
		if equal && t.op == jumpEq && t.b == none { // to another number
			return 0, true
		}
	}
	return 0, false
}

// ways counts the outcomes that lead to each node; 0 for those that cannot be
// reached.
func (g *graph) ways() []int {
	ways := make([]int, len(g.steps))
	ways[g.root] = 1
	for id := g.root; id >= firstStep; id-- {
		if ways[id] > 0 {
			ways[g.steps[id].next[0]]++
			ways[g.steps[id].next[1]]++
		}
	}
	return ways
}

// pullUp moves a test of the value in the accumulator up to step id, from
// further down its chain: steps that one outcome leads to the same node, and
// the other to the next step, which nothing else leads to. Their order does not
// matter to the result, but to the loads: `port 80 or 443` then loads each port
// once (or_pullup and and_pullup of libpcap's optimize.c).
func (g *graph) pullUp(id nodeID, held valueID, ways []int) {
	if g.steps[id].test.a == held {
		return
	}
	for leave := range 2 {
		exit := g.steps[id].next[leave]
		chain := []nodeID{id}
		for to := g.steps[id].next[1-leave]; to >= firstStep && ways[to] == 1 && g.steps[to].next[leave] == exit; {
			chain = append(chain, to)
			if t := g.steps[to].test; t.a == held && t.b == none {
				for i := len(chain) - 1; i > 0; i-- {
					g.steps[chain[i]].test = g.steps[chain[i-1]].test
				}
				g.steps[id].test = t
				return
			}
			to = g.steps[to].next[1-leave]
		}
	}
}
