package report

// A cell is what happened in one direction of a connection within one column of
// time. Points of the sequence space are offsets from the direction's first
// one; they do not wrap.
type cell struct {
	at          int64 // of its first segment
	sent, again extent
	ack         int64 // the last acknowledged point
	edge        int64 // the last right edge of the window
	edges       extent
	told        bool // ack and edge mean something
	marks       markSet
	place       [numMarks]int64 // of the last of each mark
}

// An extent is a stretch of sequence space; empty if lo == hi.
type extent struct{ lo, hi int64 }

func (e *extent) empty() bool { return e.lo == e.hi }

// add widens the extent to hold another.
func (e *extent) add(x extent) {
	switch {
	case x.empty():
	case e.empty():
		*e = x
	default:
		e.lo, e.hi = min(e.lo, x.lo), max(e.hi, x.hi)
	}
}

// merge adds what happened in the next cell.
func (c *cell) merge(next *cell) {
	c.sent.add(next.sent)
	c.again.add(next.again)
	if next.told {
		c.tell(next.ack, next.edge)
		c.edges.lo, c.edges.hi = min(c.edges.lo, next.edges.lo), max(c.edges.hi, next.edges.hi)
	}
	for m := range numMarks {
		if next.marks.has(m) {
			c.note(m, next.place[m])
		}
	}
}

// tell moves the ACK line and the window's edge.
func (c *cell) tell(ack, edge int64) {
	if !c.told {
		c.edges = extent{edge, edge}
	}
	c.told, c.ack, c.edge = true, ack, edge
	c.edges.lo, c.edges.hi = min(c.edges.lo, edge), max(c.edges.hi, edge)
}

func (c *cell) note(m mark, place int64) {
	c.marks |= 1 << m
	c.place[m] = place
}
