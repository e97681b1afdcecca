package report

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/browsertest"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/waits"
)

// waitedForAll is a report with a connection that waited for everything, the same time for each, to
// which the rest of the report does not matter.
func waitedForAll() *result.Report {
	r := everything()
	f := &r.Flows[0]
	f.Initiator = result.InitiatorA
	f.Time = &waits.Record{From: after(0), To: after(1)}
	for w := range f.Time.Waits {
		f.Time.Waits[w] = 1e9
	}
	return r
}

// TestTimeGrids: columns in which no row has anything are left out.
func TestTimeGrids(t *testing.T) {
	r := waitedForAll()
	r.Flows[0].Time.Waits[0] = 0
	grids := timeGrids(r)
	if len(grids) != 3 {
		t.Fatalf("%d tables, want 3", len(grids))
	}
	for _, g := range grids {
		for _, name := range []string{"connect", "MEDIAN", "REFUSED"} {
			if slices.Contains(g.Head, name) {
				t.Errorf("%s: there is a column %s", g.Title, name)
			}
		}
		for _, row := range g.Rows {
			if len(row) != len(g.Head) || len(g.Numbers) != len(g.Head) && len(g.Numbers) != 0 {
				t.Errorf("%s: %d cells below %d names, of which %d are known to be numbers or not", g.Title, len(row), len(g.Head), len(g.Numbers))
			}
		}
	}
}

// TestTimeGrids_verdicts: each format says whom the connection waited for.
func TestTimeGrids_verdicts(t *testing.T) {
	t.Parallel()
	o := testOptions()
	o.Time = true
	for _, c := range []struct {
		write writer
		want  string
	}{{Text, "  1: Network. "}, {HTML, "<p><b>Network.</b> "}, {Markdown, "- 1: **Network.** "}} {
		r := waitedForAll()
		r.Flows[0].Time.Waits[detectors.Loss] = 1e11
		if got := string(written(t, c.write, r, o)); strings.Count(got, c.want) != 1 {
			t.Errorf("%q is not in it once:\n%.3000s", c.want, got)
		}
	}
}

// TestTime_onPhone: a bar is as wide as the page, however many columns its table has.
func TestTime_onPhone(t *testing.T) {
	t.Parallel()
	o := testOptions()
	o.Time = true
	file := filepath.Join(t.TempDir(), "x.html")
	if err := os.WriteFile(file, written(t, HTML, waitedForAll(), o), 0o644); err != nil {
		t.Fatal(err)
	}
	p := browsertest.Open(t)
	for _, width := range []int{360, 1100} {
		p.Screen(width, 800, false)
		p.Go("file://" + file)
		var seen struct{ Left, Right, Page float64 }
		p.Eval(&seen, `(b => ({Left: b.left, Right: b.right, Page: document.documentElement.scrollWidth}))(document.querySelector(".bars svg").getBoundingClientRect())`)
		if seen.Left < 0 || seen.Right > float64(width) || seen.Page > float64(width) {
			t.Errorf("on a screen of %d pixels, the page has %v, and a bar goes from %v to %v", width, seen.Page, seen.Left, seen.Right)
		}
	}
}
