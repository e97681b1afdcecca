package report

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestGrid_fit: on a narrow terminal a table of --time has lines that are not folded. It names the longest waits,
// and says which columns are left out. On a wide one, nothing is.
func TestGrid_fit(t *testing.T) {
	r := waitedForAll()
	for w := range r.Flows[0].Time.Waits {
		r.Flows[0].Time.Waits[w] = int64(w+1) * 1e9
	}
	for _, g := range timeGrids(r) {
		if wide, gone := g.fit(g.width()); wide != &g || gone != nil {
			t.Errorf("%s: does not fit a terminal of its own width", g.Title)
		}
		narrow, gone := g.fit(g.width() - 1)
		if narrow == &g || narrow.width() >= g.width() {
			t.Fatalf("%s: no narrower table", g.Title)
		}
		if g.Short != nil {
			if got, want := narrow.Rows[0][3], "unknown 15 %, peer-silent 14 %, close 13 %"; got != want {
				t.Errorf("waited for %s, want %s", got, want)
			}
			continue
		}
		for i, name := range g.Head {
			if left := slices.Contains(narrow.Head, name); left == slices.Contains(gone, name) {
				t.Errorf("%s: column %s is shown: %v, and these are said to be gone: %q", g.Title, name, left, gone)
			} else if left && narrow.Rows[0][slices.Index(narrow.Head, name)] != g.Rows[0][i] {
				t.Errorf("%s: the narrow table has %v below %s", g.Title, narrow.Rows[0], name)
			}
		}
	}
}

// TestTime_narrow: no line of --time is wider than a terminal of 80 columns.
func TestTime_narrow(t *testing.T) {
	t.Parallel()
	o := testOptions()
	o.Time, o.Width = true, 80
	text, _, _ := strings.Cut(string(written(t, Text, waitedForAll(), o)), "\n\nCRITICAL")
	if !strings.Contains(text, "WAITED FOR") || strings.Count(text, "\nA wider terminal also shows ") > 1 {
		t.Fatalf("no short table:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// TestWrap_units: a number and its unit stay in one line.
func TestWrap_units(t *testing.T) {
	for prose, want := range map[string]string{
		"it took 100 % of it":      "it|took 100 %|of it",
		"it took 3.5 s, then 2 ms": "it took|3.5 s,|then 2 ms",
		"connection s took longer": "connection|s took|longer",
		"close 2 %, loss 33 %":     "close 2 %,|loss 33 %",
	} {
		if got := strings.Join(wrap(prose, 10), "|"); got != want {
			t.Errorf("%s: %s, want %s", prose, got, want)
		}
	}
}
