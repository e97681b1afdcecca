package engine

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// maxHeld is how many findings of one detector a partition holds for the report,
// 64,000 in all. A finding with its sentence and frames takes some 3 KB, and a
// capture of a scan or a flood may bring one for each of its million connections:
// those beyond are counted.
const maxHeld = 1000

// ration says before a watcher speaks whether there is room for a finding of
// its detector.
func (p *partition) ration(x *watch) {
	if p.held[x.detector] >= maxHeld && x.listed == 0 {
		x.Brief()
	}
}

// account sees, after a watcher has spoken, how many findings stand.
func (p *partition) account(x *watch) {
	if x.IsBrief() {
		return
	}
	n := int32(len(x.Findings()))
	p.held[x.detector] += int(n - x.listed)
	x.listed = n
}

// A toll counts findings by what they have in common.
type toll map[kind]*result.Group

type kind struct {
	detector, outcome string
	verdict           detectors.Verdict
	absence           detectors.Absence
	finRank           int
}

func kindOf(f *detectors.Finding, finRank int) kind {
	return kind{f.Detector, f.Outcome, f.Verdict, f.Absence, finRank}
}

// add counts n findings, as many of which are listed.
func (t toll) add(k kind, severity detectors.Severity, n, listed uint64) {
	g := t[k]
	if g == nil {
		g = &result.Group{Detector: k.detector, Outcome: k.outcome, Verdict: k.verdict}
		t[k] = g
	}
	g.Severity = max(g.Severity, severity)
	g.N += n
	g.Listed += listed
}

// unlisted adds the findings of a partition that are not listed, in the light of
// the whole capture.
func (c *collector) unlisted(t toll) {
	for k, g := range t {
		if k.absence != detectors.NoAbsence && (c.limits&fsm.KernelDrops != 0 || hidden(k.absence, k.finRank, &c.counts) != 0) {
			k.verdict = detectors.Undecided
		}
		c.toll.add(kind{detector: k.detector, outcome: k.outcome, verdict: k.verdict}, g.Severity, g.N, 0)
	}
}

// groups are all findings, listed or not, in order of detectors, verdicts and
// outcomes.
func (c *collector) groups(parts []*partition) []result.Group {
	for _, p := range parts {
		c.unlisted(p.unlisted)
	}
	for i := range c.found {
		f := &c.found[i]
		c.toll.add(kind{detector: f.Detector, outcome: f.Outcome, verdict: f.Verdict}, f.Severity, 1, 1)
	}
	var groups []result.Group
	for _, g := range c.toll {
		groups = append(groups, *g)
	}
	order := map[string]int{}
	for i, d := range c.options.Detectors {
		order[d.Name] = i
	}
	slices.SortFunc(groups, func(a, b result.Group) int {
		return cmp.Or(cmp.Compare(order[a.Detector], order[b.Detector]), cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.Outcome, b.Outcome))
	})
	return groups
}
