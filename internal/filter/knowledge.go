package filter

// A knowledge holds, for the steps of a graph, the tests whose outcome is the
// same on every way to them.
type knowledge struct {
	graph *graph
	index map[test]int      // of the bit of a test in facts
	tests []test            // by index
	about map[valueID][]int // the tests of a value against constants
	facts []facts           // by nodeID; nil before a way there was seen
}

// facts are two sets of tests: those known to hold and those known not to.
type facts struct{ holds, fails bits }

type bits []uint64

func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bits) add(i int)      { b[i/64] |= 1 << (i % 64) }

func (b bits) keep(other bits) {
	for i := range b {
		b[i] &= other[i]
	}
}

func newKnowledge(g *graph) *knowledge {
	k := &knowledge{graph: g, index: map[test]int{}, about: map[valueID][]int{}, facts: make([]facts, len(g.steps))}
	for _, s := range g.steps[firstStep:] {
		if _, ok := k.index[s.test]; ok {
			continue
		}
		i := len(k.tests)
		k.index[s.test] = i
		k.tests = append(k.tests, s.test)
		if s.test.b == none {
			k.about[s.test.a] = append(k.about[s.test.a], i)
		}
	}
	k.facts[g.root] = k.nothing()
	return k
}

func (k *knowledge) nothing() facts {
	words := (len(k.tests) + 63) / 64
	return facts{make(bits, words), make(bits, words)}
}

func (k *knowledge) reached(id nodeID) bool { return k.facts[id].holds != nil }

func (k *knowledge) forget(id nodeID) { k.facts[id] = facts{} }

// follow returns where the branch from a step really leads, and adds what is
// known on it to what is known there.
func (k *knowledge) follow(from nodeID, t test, outcome bool, to nodeID) nodeID {
	f := k.after(k.facts[from], t, outcome)
	for to >= firstStep {
		s := k.graph.steps[to]
		switch i := k.index[s.test]; {
		case f.holds.has(i):
			to = s.yes
			continue
		case f.fails.has(i):
			to = s.no
			continue
		}
		break
	}
	if k.reached(to) {
		k.facts[to].holds.keep(f.holds)
		k.facts[to].fails.keep(f.fails)
	} else {
		k.facts[to] = f
	}
	return to
}

// after is what is known when a test came out so. Equality with a constant
// settles every other test of the same value.
func (k *knowledge) after(before facts, t test, outcome bool) facts {
	f := k.nothing()
	copy(f.holds, before.holds)
	copy(f.fails, before.fails)
	f.learn(k.index[t], outcome)
	if t.op == jumpEq && t.b == none && outcome {
		for _, i := range k.about[t.a] {
			f.learn(i, k.tests[i].outcome(t.k))
		}
	}
	return f
}

func (f facts) learn(i int, outcome bool) {
	if outcome {
		f.holds.add(i)
	} else {
		f.fails.add(i)
	}
}
