package report

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A table that is wider than a terminal goes on below, column by column.
func TestTableLayout(t *testing.T) {
	head := []string{"ID", "ADDRESS", "BYTES", "ENDED", "LIMITS"}
	rows := [][]string{
		head,
		{"1", "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:40000", "7", "closed", ""},
		{"22", "10.0.0.1:1", "123,456,789", "half-closed", "midstream, one-sided, window-unknown, scale-unknown, kernel-drops, holes"},
		{"", "... and more of them, in a row that is shorter than the others and longer than a line of a terminal has columns"},
	}
	numbers := []bool{0: true, 2: true}
	for _, room := range []int{0, 80, 100, 200} {
		o := Options{Width: room}
		writer := newTextWriter(new(strings.Builder), one(flow(1, "10.0.0.1:1", "10.0.0.2:2")), &o)
		all := writer.rows("", rows, numbers...)
		for i, lines := range all {
			if room == 0 && len(lines) != 1 {
				t.Errorf("width %d: %q", room, lines)
			}
			for _, l := range lines {
				if room > 0 && utf8.RuneCountInString(l) > room {
					t.Errorf("%d columns of %d: %s", utf8.RuneCountInString(l), room, l)
				}
			}
			words := func(s string) []string { return strings.Fields(s) }
			if got := words(strings.Join(lines, " ")); !slices.Equal(got, words(strings.Join(rows[i], " "))) {
				t.Errorf("width %d: %q of %q", room, lines, rows[i])
			}
		}
		if room == 80 {
			got := strings.Join(slices.Concat(all[:3]...), "\n")
			want := `ID  ADDRESS                                            BYTES  ENDED
    LIMITS
 1  [2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:40000            7  closed
22  10.0.0.1:1                                   123,456,789  half-closed
    midstream, one-sided, window-unknown, scale-unknown, kernel-drops, holes`
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		}
	}
}
