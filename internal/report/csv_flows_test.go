package report

import (
	"bytes"
	"encoding/csv"
	"testing"
)

// TestCSVLine: cells are quoted as encoding/csv quotes them.
func TestCSVLine(t *testing.T) {
	cells := []string{"1", "", "a", "a,b", `"`, `a "b" c`, " a", "a\nb", "midstream, one-sided", "-1", "=1+1", "é", ` "`}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	row := make([]string, len(cells))
	var l csvLine
	for i, c := range cells {
		row[i], l = plainCell(c), l.text(c)
	}
	if err := w.Write(row); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	if got := string(l) + "\n"; got != b.String() {
		t.Errorf("got  %swant %s", got, b.String())
	}
}
