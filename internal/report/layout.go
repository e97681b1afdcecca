package report

import (
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
		line, used := "", 0
		for _, word := range strings.Fields(paragraph) {
			word = Clean(word)
			n := utf8.RuneCountInString(word)
			if used > 0 && used+1+n > width {
				lines = append(lines, line)
				line, used = "", 0
			}
			if used > 0 {
				line += " "
				used++
			}
			line += word
			used += n
		}
		lines = append(lines, line)
	}
	return lines
}

// padRight fills s up to width characters.
func padRight(s string, width int) string { return s + padding(s, width) }

// padLeft is padRight for numbers.
func padLeft(s string, width int) string { return padding(s, width) + s }

func padding(s string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// table aligns cells in columns, two spaces apart; right says which columns are
// numbers. The last cell of a row may be longer than its column. No line ends
// in a space.
func table(rows [][]string, right ...bool) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	lines := make([]string, len(rows))
	for n, row := range rows {
		line := ""
		for i, cell := range row[:len(row)-1] {
			if i < len(right) && right[i] {
				line += padLeft(cell, widths[i]) + "  "
			} else {
				line += padRight(cell, widths[i]) + "  "
			}
		}
		lines[n] = strings.TrimRight(line+row[len(row)-1], " ")
	}
	return lines
}
