package filter

import "slices"

// A branch is a step with one of its outcomes: 2*id if the test holds, 2*id+1
// if not.
type branch int

func branchOf(id nodeID, holds bool) branch {
	if holds {
		return branch(2 * id)
	}
	return branch(2*id + 1)
}

// A branchSet is a set of branches, as bits.
type branchSet []uint64

func (s branchSet) has(b branch) bool { return s[b/64]&(1<<(b%64)) != 0 }
func (s branchSet) add(b branch)      { s[b/64] |= 1 << (b % 64) }

func (s branchSet) keep(other branchSet) {
	for i := range s {
		s[i] &= other[i]
	}
}

// A knowledge holds, for the steps of a graph, the branches that every way to
// them takes.
type knowledge struct {
	steps  []step
	about  map[valueID][]nodeID // the steps that test a value
	passed []branchSet          // by nodeID
}

// learn computes the knowledge of a graph whose steps are all led to by others,
// of higher ids, except the root.
func (g *graph) learn() *knowledge {
	k := &knowledge{steps: g.steps, about: map[valueID][]nodeID{}, passed: make([]branchSet, len(g.steps))}
	words := (2*len(g.steps) + 63) / 64
	k.passed[g.root] = make(branchSet, words)
	scratch := make(branchSet, words)
	for id := g.root; id >= firstStep; id-- {
		s := g.steps[id]
		k.about[s.test.a] = append(k.about[s.test.a], id)
		for _, holds := range []bool{true, false} {
			copy(scratch, k.passed[id])
			scratch.add(branchOf(id, holds))
			to := s.after(holds)
			if k.passed[to] == nil {
				k.passed[to] = slices.Clone(scratch)
			} else {
				k.passed[to].keep(scratch)
			}
		}
	}
	return k
}

// after is where a step leads.
func (s step) after(holds bool) nodeID {
	if holds {
		return s.yes
	}
	return s.no
}

// destination is where a branch of a step really leads, past all the steps
// whose outcome is known on it.
func (k *knowledge) destination(from nodeID, holds bool) nodeID {
	passed := slices.Clone(k.passed[from])
	passed.add(branchOf(from, holds))
	to := k.steps[from].after(holds)
	for to >= firstStep {
		holds, known := k.outcome(to, passed)
		if !known {
			break
		}
		to = k.steps[to].after(holds)
	}
	return to
}

// outcome is what the test of a step comes to after some branches, if that is
// known: the same test was made, or one found the value equal to another
// constant. More could be concluded, but is not in libpcap, which then makes
// loads that we would not.
func (k *knowledge) outcome(id nodeID, passed branchSet) (holds, known bool) {
	t := k.steps[id].test
	for _, other := range k.about[t.a] {
		o := k.steps[other].test
		switch found := passed.has(branchOf(other, true)); {
		case o == t && (found || passed.has(branchOf(other, false))):
			return found, true
		case found && o.op == jumpEq && t.op == jumpEq && o.b == none && t.b == none:
			return false, true
		}
	}
	return false, false
}
