package engine

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/watch"
)

// maxListed is how many bytes of findings a report lists, about as JSON has them. A flood
// brings findings on hundreds of thousands of connections; nobody reads them all, and a
// report of 140 MB opens nowhere.
const maxListed = 32 << 20

// withinBudget keeps the worst findings, and of these the earliest, up to so many bytes.
// The others are counted by group.
func (c *collector) withinBudget(budget int) {
	total := 0
	for i := range c.found {
		total += listedSize(c.found[i].Finding)
	}
	if total <= budget {
		return
	}
	sorting.Stable(c.found, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Start, b.Start),
			cmp.Compare(a.conn, b.conn), cmp.Compare(a.Order, b.Order))
	})
	kept := 0
	for used := 0; kept < len(c.found); kept++ {
		if used += listedSize(c.found[kept].Finding); used > budget {
			break
		}
	}
	for i := kept; i < len(c.found); i++ {
		f := &c.found[i]
		c.kinds.Add(watch.Kind{Detector: f.Detector, Outcome: f.Outcome, Verdict: f.Verdict}, f.Severity, 1, 0)
	}
	if c.options.live != nil {
		c.reportUnlisted(c.found[kept:])
	}
	clear(c.found[kept:])
	c.found = c.found[:kept]
	c.dropRows()
}

// reportUnlisted reports the findings, for the last time, that the closing report only
// counts.
func (c *collector) reportUnlisted(all []found) {
	rowOf := make(map[uint64]*result.Flow, len(c.rows))
	for i := range c.rows {
		rowOf[c.rows[i].ID] = &c.rows[i]
	}
	for i := range all {
		c.options.live.update(all[i].Finding, rowOf[all[i].conn], true)
	}
}

// dropRows leaves out the rows of connections without findings, unless they are asked for.
func (c *collector) dropRows() {
	if c.options.AllFlows {
		return
	}
	has := map[uint64]bool{}
	for i := range c.found {
		has[c.found[i].conn] = true
	}
	c.rows = slices.DeleteFunc(c.rows, func(f result.Flow) bool { return !has[f.ID] && f.TCB == nil })
}

// listedSize is about how many bytes a finding takes as JSON, its connection's row included.
func listedSize(f *detectors.Finding) int {
	const fixed, frame, metric = 2000, 200, 30
	return fixed + len(f.Message) + len(f.Reason) + frame*len(f.Evidence) + metric*len(f.Metrics)
}
