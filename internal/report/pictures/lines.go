package pictures

import (
	"slices"
	"strconv"
)

// lines are the paths of a direction, those on top last.
func (d *direction) lines(w *window, columns []cell, last int64) (lines []line) {
	var ack, edge stair
	var closed, ticks, sent, resent, sacked pen
	var dots [numMarks]pen
	var acks int
	var marks [numMarks]int
	open := true
	follow := func(c *cell, x int) {
		ack.step(x, w.row(c.ack))
		for _, e := range [...]int64{c.edges.lo, c.edges.hi, c.edge} { // within a column it may go up and down
			edge.step(x, w.row(e))
		}
		if !open {
			closed.to('H', x)
		}
		if open = c.ack != c.edge; !open {
			closed.to('M', x, w.row(c.ack))
		}
	}
	if d.before.known {
		follow(&d.before, 0)
	}
	for i := range columns {
		c := &columns[i]
		x := w.column(c.at)
		if c.known {
			follow(c, x)
			ticks.dot(x, w.row(c.ack))
			acks++
		}
		sent.bar(w, x, c.sent)
		resent.bar(w, x, c.resent)
		sacked.bar(w, x, c.sacked)
		for m := range numMarks {
			if c.marks.has(m) {
				dots[m].dot(x, min(max(w.row(c.offset[m]), dotRadius), plotRows-dotRadius)) // a RST's number may be anything
				marks[m]++
			}
		}
	}
	end := w.column(last)
	if !open {
		closed.to('H', end)
	}
	if acks > manyDots { // they cannot be told apart
		ticks = nil
	}
	lines = []line{
		{"edge", edge.end(end)}, {"closed", string(closed)}, {"ack", ack.end(end)}, {"ticks ack", string(ticks)},
		{"sent", string(sent)}, {"again", string(resent)}, {"sacked", string(sacked)},
	}
	for m := range numMarks {
		class := "dot "
		if marks[m] > manyDots { // they would hide the lines
			class = "speck "
		}
		lines = append(lines, line{class + Signs[m].Class, string(dots[m])})
	}
	return slices.DeleteFunc(lines, func(l line) bool { return l.Path == "" })
}

const (
	manyDots  = plotColumns / 4
	dotRadius = 20 // keeps dots at the border of the plot whole, in rows
	barLeast  = 10 // makes a bar of one byte visible, in rows
)

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

// bar is a vertical line for a range of sequence space, if there is any.
func (p *pen) bar(w *window, x int, e extent) {
	if e.lo != e.hi {
		bottom := w.row(e.lo)
		p.to('M', x, bottom)
		p.to('V', min(w.row(e.hi), bottom-barLeast))
	}
}

// dot is a line of hardly any length: its square cap is not stretched with the picture.
// Chromium prints no line that has none at all.
func (p *pen) dot(x, row int) {
	p.to('M', x, row)
	*p = append(*p, "h.1"...)
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
		return // the level continues
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
