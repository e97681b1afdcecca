package tracegen

import "math"

// never is the time of an event that does not happen.
const never = math.MaxInt64

// An agenda orders the actors of a trace by the time of their next event. Each
// actor has exactly one entry, so the usual operation is to give the first one its
// next time. It is a heap with four children per node; the entries of 20,000
// connections fit into the second-level cache.
type agenda []entry

type entry struct {
	at    int64
	actor int
}

// add adds an actor.
func (a *agenda) add(at int64, actor int) {
	h := append(*a, entry{})
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if h[parent].at <= at {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = entry{at, actor}
	*a = h
}

// first is the entry due next.
func (a agenda) first() entry { return a[0] }

// postpone gives the first entry's actor its next time.
func (a agenda) postpone(at int64) {
	e := entry{at, a[0].actor}
	i := 0
	for {
		child := 4*i + 1
		if child >= len(a) {
			break
		}
		least := child
		for j := child + 1; j < min(child+4, len(a)); j++ {
			if a[j].at < a[least].at {
				least = j
			}
		}
		if a[least].at >= at {
			break
		}
		a[i] = a[least]
		i = least
	}
	a[i] = e
}
