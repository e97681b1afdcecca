package report

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// lineWidth is the width of sentences in characters: tickets and mails break
// what is much wider.
const lineWidth = 100

// wrap breaks prose into lines of at most width characters. White space counts
// as in Markdown: a line break is a space, an empty line separates paragraphs;
// a word that is too long stays whole.
func wrap(prose string, width int) []string {
	var lines []string
	for _, paragraph := range strings.Split(strings.TrimSpace(prose), "\n\n") {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		line := ""
		for _, word := range quantities(strings.Fields(paragraph)) {
			switch word = Clean(word); {
			case line == "":
				line = word
			case utf8.RuneCountInString(line+" "+word) > width:
				lines = append(lines, line)
				line = word
			default:
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// units are what stays in the line of its number.
var units = []string{"%", "s", "ms", "µs", "min", "bytes", "bytes/s", "kB", "kB/s", "MB", "MB/s", "GB", "GB/s"}

// quantities are words, of which a number and its unit are one; a share is one with what it is a share of ("loss 4 %").
func quantities(words []string) (list []string) {
	for _, word := range words {
		unit := strings.TrimRight(word, ".,;:)")
		if n := len(list); n > 0 && endsInDigit(list[n-1]) && slices.Contains(units, unit) {
			list[n-1] += " " + word
			if unit == "%" && n > 1 && !strings.HasSuffix(list[n-2], ",") {
				list[n-2] += " " + list[n-1]
				list = list[:n-1]
			}
			continue
		}
		list = append(list, word)
	}
	return list
}

func endsInDigit(s string) bool {
	last := s[len(s)-1]
	return '0' <= last && last <= '9'
}

// table aligns cells in columns; right says which columns are numbers.
func table(rows [][]string, right ...bool) []string {
	var widths []int
	for _, row := range rows {
		widths = widen(widths, row)
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		lines[i] = aligned(row, widths, right)
	}
	return lines
}

// widen makes the columns as wide as the cells of a row. The last cell of a row
// may be longer than its column.
func widen(widths []int, row []string) []int {
	for i, cell := range row[:len(row)-1] {
		if i == len(widths) {
			widths = append(widths, 0)
		}
		widths[i] = max(widths[i], utf8.RuneCountInString(cell))
	}
	return widths
}

// aligned is a row of a table, its cells two spaces apart. It does not end in a
// space.
func aligned(row []string, widths []int, right []bool) string {
	var b strings.Builder
	last := len(row) - 1
	for i, cell := range row[:last] {
		if i < len(right) && right[i] {
			b.WriteString(padding(cell, widths[i]) + cell + "  ")
		} else {
			b.WriteString(cell + padding(cell, widths[i]) + "  ")
		}
	}
	if last < len(right) && right[last] && last < len(widths) {
		b.WriteString(padding(row[last], widths[last]))
	}
	return strings.TrimRight(b.String()+row[last], " ")
}

// padding fills s up to width characters.
func padding(s string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
