package report

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// fit is the table for lines of so many characters, and what it leaves out: the short one if there is one, or without
// as many of its spare columns as must go. What does not fit even so is folded.
func (g *grid) fit(room int) (narrow *grid, gone []string) {
	if g.width() <= room {
		return g, nil
	}
	if g.Short != nil {
		return g.Short, nil
	}
	n := *g
	n.Head, n.Numbers, n.Rows = slices.Clone(g.Head), slices.Clone(g.Numbers), slices.Clone(g.Rows)
	for _, name := range g.Spare {
		if n.width() <= room {
			break
		}
		if i := slices.Index(n.Head, name); i >= 0 {
			n.drop(i)
			gone = append(gone, name)
		}
	}
	return &n, gone
}

// width is how long its lines are.
func (g *grid) width() (n int) {
	for i := range g.Head {
		wide := utf8.RuneCountInString(g.Head[i])
		for _, row := range g.Rows {
			wide = max(wide, utf8.RuneCountInString(row[i]))
		}
		n += wide + 2
	}
	return n - 2
}

// drop removes a column.
func (g *grid) drop(i int) {
	g.Head, g.Numbers = slices.Delete(g.Head, i, i+1), slices.Delete(g.Numbers, i, i+1)
	for k, row := range g.Rows {
		g.Rows[k] = slices.Delete(slices.Clone(row), i, i+1)
	}
}

// mostWaits is how many waits a short table names for each connection.
const mostWaits = 3

// shares are the longest waits with their share of the time: "loss 71 %, network 29 %".
func shares(w *detectors.Waits) string {
	order := make([]detectors.Wait, detectors.NumWaits)
	for i := range order {
		order[i] = detectors.Wait(i)
	}
	sorting.Stable(order, func(a, b detectors.Wait) int { return cmp.Compare(w[b], w[a]) })
	var list []string
	for _, wait := range order {
		if p := part(w[wait], w.Sum()); p != "" && len(list) < mostWaits {
			list = append(list, wait.String()+" "+p)
		}
	}
	return strings.Join(list, ", ")
}
