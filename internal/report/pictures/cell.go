package pictures

// maxCells bounds what is kept of one direction. It is more than a picture has
// columns, even right after a fold has halved them.
const maxCells = 2 * plotColumns

// fineCells bounds the same of a picture into which a reader can zoom: up to so many
// segments of one direction are drawn one by one.
const fineCells = fineColumns / 2

// A cell is what happened in one direction within one column of time. Sequence
// positions are offsets from the direction's first one; they do not wrap.
type cell struct {
	at           int64 // of its first segment
	sent, resent extent
	ack          int64 // the last acknowledged position
	edge         int64 // the last right edge of the window
	edges        extent
	known        bool // ack and edge are
	sacked       extent
	offered      extent // windows
	inFlight     int64  // at most
	carried      int64  // payload
	rtt          extent
	marks        markSet
	offset       [numMarks]int64 // of the last of each mark
}

// An extent is a range of sequence space; empty if lo == hi.
type extent struct{ lo, hi int64 }

func (e *extent) add(x extent) {
	switch {
	case x.lo == x.hi:
	case e.lo == e.hi:
		*e = x
	default:
		e.lo, e.hi = min(e.lo, x.lo), max(e.hi, x.hi)
	}
}

// merge adds what happened in the next cell.
func (c *cell) merge(next *cell) {
	c.sent.add(next.sent)
	c.resent.add(next.resent)
	if next.known {
		c.acknowledge(next.ack, next.edge)
		c.edges.lo, c.edges.hi = min(c.edges.lo, next.edges.lo), max(c.edges.hi, next.edges.hi)
	}
	for m := range numMarks {
		if next.marks.has(m) {
			c.mark(m, next.offset[m])
		}
	}
	c.sacked.add(next.sacked)
	c.offered.add(next.offered)
	c.rtt.add(next.rtt)
	c.carried += next.carried
	c.inFlight = max(c.inFlight, next.inFlight)
}

// acknowledge moves the ACK line and the window's edge.
func (c *cell) acknowledge(ack, edge int64) {
	if !c.known {
		c.edges = extent{edge, edge}
	}
	c.known, c.ack, c.edge = true, ack, edge
	c.edges.lo, c.edges.hi = min(c.edges.lo, edge), max(c.edges.hi, edge)
}

func (c *cell) mark(m mark, offset int64) {
	c.marks |= 1 << m
	c.offset[m] = offset
}

// A counter counts segments of a kind.
type counter struct {
	n           uint64
	first, last int64
}

func (c *counter) count(at int64) {
	if c.n == 0 {
		c.first = at
	}
	c.n++
	c.last = at
}

// cell is the column of a time that is not before the last one's.
func (d *direction) cell(at int64) *cell {
	d.unit = max(d.unit, 1)
	if n := len(d.cells); n > 0 && d.column(at) == d.column(d.cells[n-1].at) {
		return &d.cells[n-1]
	}
	if len(d.cells) == d.most {
		d.fold()
		return d.cell(at)
	}
	d.cells = append(d.cells, cell{at: at})
	return &d.cells[len(d.cells)-1]
}

func (d *direction) column(at int64) int64 { return (at - d.from) / d.unit }

// fold doubles the columns' width until half as many are enough.
func (d *direction) fold() {
	for len(d.cells) > d.most/2 {
		d.unit *= 2
		d.cells = merged(d.cells[:0], d.cells, d.column)
	}
}

// merged appends the cells to dst, one for each column.
func merged[N int | int64](dst, cells []cell, column func(at int64) N) []cell {
	for i := range cells {
		if n := len(dst); n > 0 && column(dst[n-1].at) == column(cells[i].at) {
			dst[n-1].merge(&cells[i])
		} else {
			dst = append(dst, cells[i])
		}
	}
	return dst
}
