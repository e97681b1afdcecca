package engine

import (
	"cmp"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/watch"
)

// unlisted adds the findings of a partition that are not listed, in the light of the
// whole capture.
func (c *collector) unlisted(counts watch.Counts) {
	for k, n := range counts {
		if k.Refusal && k.Verdict == detectors.Seen && c.counts.Scans.All() {
			n.Severity = detectors.Info
		}
		if k.Absence != detectors.NoAbsence && (c.limits&fsm.KernelDrops != 0 || hidden(k.Absence, k.FINRank, &c.counts) != 0) {
			k.Verdict = detectors.Undecided
		}
		c.kinds.Add(watch.Kind{Detector: k.Detector, Outcome: k.Outcome, Verdict: k.Verdict}, n.Severity, n.N, 0)
	}
}

// groups are all findings, listed or not, in order of detectors, verdicts and
// outcomes.
func (c *collector) groups(parts []*partition) []result.Group {
	for _, p := range parts {
		c.unlisted(p.watch.Unlisted)
	}
	for i := range c.found {
		f := &c.found[i]
		c.kinds.Add(watch.Kind{Detector: f.Detector, Outcome: f.Outcome, Verdict: f.Verdict}, f.Severity, 1, 1)
	}
	var groups []result.Group
	for k, n := range c.kinds {
		groups = append(groups, result.Group{Detector: k.Detector, Outcome: k.Outcome, Verdict: k.Verdict, Severity: n.Severity, N: n.N, Listed: n.Listed})
	}
	order := map[string]int{}
	for i, d := range c.options.Detectors {
		order[d.Name] = i
	}
	sorting.Stable(groups, func(a, b result.Group) int {
		return cmp.Or(cmp.Compare(order[a.Detector], order[b.Detector]), cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.Outcome, b.Outcome))
	})
	return groups
}
