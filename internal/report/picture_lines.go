package report

import "strconv"

// lines are the paths of a direction, those on top last.
func (d *oneWay) lines(w *window, last int64) []line {
	lines := []line{
		{"edge", d.edgeLine(w, last)},
		{"closed", d.closedLine(w, last)},
		{"ack", d.ackLine(w, last)},
		{"ticks ack", d.ackTicks(w)},
		{"sent", d.bars(w, func(c *cell) extent { return c.sent })},
		{"again", d.bars(w, func(c *cell) extent { return c.again })},
	}
	for m := range numMarks {
		path, n := d.dots(w, m)
		class := "dot "
		if n > plotColumns/4 { // they would hide the lines
			class = "speck "
		}
		lines = append(lines, line{class + markSigns[m].class, path})
	}
	kept := lines[:0]
	for _, l := range lines {
		if l.Path != "" {
			kept = append(kept, l)
		}
	}
	return kept
}

// A pen writes the commands of an SVG path (SVG 2, 9.3).
type pen []byte

func (p *pen) to(command byte, numbers ...int) {
	*p = append(*p, command)
	for i, n := range numbers {
		if i > 0 {
			*p = append(*p, ' ')
		}
		*p = strconv.AppendInt(*p, int64(n), 10)
	}
}

// barLeast is the least height of a bar, in rows: what is a byte high should
// still be seen.
const barLeast = 10

// bars are the extents, one for each column.
func (d *oneWay) bars(w *window, of func(*cell) extent) string {
	var p pen
	for c := range d.columns(w) {
		if e := of(c); !e.empty() {
			bottom := w.row(e.lo)
			p.to('M', w.column(c.at), bottom)
			p.to('V', min(w.row(e.hi), bottom-barLeast))
		}
	}
	return string(p)
}

// A stair is a line that keeps its level until the next segment changes it.
type stair struct {
	pen
	column, row int
	drawn       bool // the pen is at column, row
}

// step goes level to a column, and there up or down.
func (s *stair) step(column, row int) {
	switch {
	case !s.drawn:
		s.to('M', column, row)
	case row == s.row:
		return // the level goes on
	default:
		if column != s.column {
			s.to('H', column)
		}
		s.to('V', row)
	}
	s.column, s.row, s.drawn = column, row, true
}

// end goes level to a column.
func (s *stair) end(column int) string {
	if s.drawn && column != s.column {
		s.to('H', column)
	}
	return string(s.pen)
}

// ackLine is what the peer has acknowledged.
func (d *oneWay) ackLine(w *window, last int64) string {
	var s stair
	if d.before.told {
		s.step(0, w.row(d.before.ack))
	}
	for c := range d.columns(w) {
		if c.told {
			s.step(w.column(c.at), w.row(c.ack))
		}
	}
	return s.end(w.column(last))
}

// ackTicks are the single ACKs, where they can be told apart.
func (d *oneWay) ackTicks(w *window) string {
	var p pen
	n := 0
	for c := range d.columns(w) {
		if c.told {
			p.to('M', w.column(c.at), w.row(c.ack))
			p.to('h', 0)
			n++
		}
	}
	if n > plotColumns/4 {
		return ""
	}
	return string(p)
}

// edgeLine is the right edge of the peer's window. Within a column it may have
// gone up and down.
func (d *oneWay) edgeLine(w *window, last int64) string {
	var s stair
	if d.before.told {
		s.step(0, w.row(d.before.edge))
	}
	for c := range d.columns(w) {
		if c.told {
			x := w.column(c.at)
			s.step(x, w.row(c.edges.lo))
			s.step(x, w.row(c.edges.hi))
			s.step(x, w.row(c.edge))
		}
	}
	return s.end(w.column(last))
}

// closedLine is the stretches of the ACK line on which the window is closed.
func (d *oneWay) closedLine(w *window, last int64) string {
	var p pen
	open := true
	follow := func(c *cell, x int) {
		if !open {
			p.to('H', x)
		}
		if open = c.ack != c.edge; !open {
			p.to('M', x, w.row(c.ack))
		}
	}
	if d.before.told {
		follow(&d.before, 0)
	}
	for c := range d.columns(w) {
		if c.told {
			follow(c, w.column(c.at))
		}
	}
	if !open {
		p.to('H', w.column(last))
	}
	return string(p)
}

// dotRadius keeps dots whole at the border of the plot, in rows.
const dotRadius = 20

// dots are the places of a mark, and how many: lines of no length, whose square
// caps are not stretched with the picture.
func (d *oneWay) dots(w *window, m mark) (path string, n int) {
	var p pen
	for c := range d.columns(w) {
		if c.marks.has(m) {
			row := min(max(w.row(c.place[m]), dotRadius), plotRows-dotRadius) // a RST's number may be anything
			p.to('M', w.column(c.at), row)
			p.to('h', 0)
			n++
		}
	}
	return string(p), n
}

// columns are the cells as the plot has room for them, one for each column.
func (d *oneWay) columns(w *window) func(yield func(*cell) bool) {
	return func(yield func(*cell) bool) {
		for i := 0; i < len(d.cells); {
			c := d.cells[i]
			x := w.column(c.at)
			for i++; i < len(d.cells) && w.column(d.cells[i].at) == x; i++ {
				c.merge(&d.cells[i])
			}
			if !yield(&c) {
				return
			}
		}
	}
}
