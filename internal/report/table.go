package report

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A tableLayout places the cells of rows below each other. On a terminal, a table that is too wide goes on in
// further lines, column by column: no cell is broken, and none is lost. The last cell of a row may be prose.
type tableLayout struct {
	widths []int  // of all columns but the last
	last   int    // of the last column
	right  []bool // which columns are numbers
	room   int    // how wide lines may be, 0 for any width
	starts []int  // the columns with which lines begin
}

// foldIndent is before what goes on in a further line.
const foldIndent = "    "

// leastProse is how wide the last column is at least, if its cells are longer.
const leastProse = 24

// measure makes the columns as wide as the cells of a row. The last cell of a short row may be longer than its
// column.
func (l *tableLayout) measure(row []string) {
	n := len(l.widths)
	if l.widths = widen(l.widths, row); len(l.widths) > n {
		l.last = 0
	}
	if len(row) == len(l.widths)+1 {
		l.last = max(l.last, utf8.RuneCountInString(row[len(row)-1]))
	}
}

// fold decides where lines begin.
func (l *tableLayout) fold() {
	l.starts = []int{0}
	used := 0
	for i, width := range append(slices.Clip(l.widths), min(l.last, leastProse)) {
		if i > 0 && used+2+width > l.room {
			l.starts, used = append(l.starts, i), len(foldIndent)+width
			continue
		}
		used += width
		if i > 0 {
			used += 2
		}
	}
}

// lines is a row, once all have been measured.
func (l *tableLayout) lines(row []string) (lines []string) {
	if l.room == 0 {
		return []string{aligned(row, append(slices.Clip(l.widths), l.last), l.right)}
	}
	if l.starts == nil {
		l.fold()
	}
	for k, from := range l.starts {
		to := len(row)
		if k+1 < len(l.starts) {
			to = min(to, l.starts[k+1])
		}
		if from >= to || k > 0 && strings.Join(row[from:to], "") == "" {
			continue
		}
		indent := strings.Repeat(foldIndent, min(k, 1))
		widths, right := append(slices.Clip(l.widths), l.last)[from:], l.right[min(from, len(l.right)):]
		cells, prose := row[from:to:to], ""
		if to == len(row) {
			cells, prose = row[from:to-1:to-1], row[to-1]
		}
		offset := len(indent)
		for _, width := range widths[:len(cells)] {
			offset += width + 2
		}
		for i, p := range folded(prose, l.room-offset) {
			if i > 0 {
				cells = make([]string, len(cells))
			}
			lines = append(lines, strings.TrimRight(indent+aligned(append(cells, p), widths, right), " "))
		}
	}
	return lines
}

// folded is a cell in lines of a width.
func folded(cell string, width int) []string {
	if utf8.RuneCountInString(cell) <= width {
		return []string{cell}
	}
	return wrap(cell, max(width, leastProse))
}

// table writes rows below each other; right says which columns are numbers.
func (t *textWriter) table(indent string, rows [][]string, right ...bool) {
	for _, lines := range t.rows(indent, rows, right...) {
		t.lines(indent, lines)
	}
}

// rows are the lines of each row.
func (t *textWriter) rows(indent string, rows [][]string, right ...bool) (all [][]string) {
	l := tableLayout{right: right, room: t.o.room(len(indent))}
	for _, row := range rows {
		l.measure(row)
	}
	for _, row := range rows {
		all = append(all, l.lines(row))
	}
	return all
}

// room is how wide a table may be behind an indent: as wide as the terminal, otherwise as it is.
func (o *Options) room(indent int) int {
	if o.Width == 0 {
		return 0
	}
	return max(o.Width, narrowest) - indent
}
