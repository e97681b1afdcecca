package report

import (
	"cmp"
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// screenful is groupFindings for a terminal or a ticket.
func screenful(r *result.Report, o *Options) []*group {
	groups := groupFindings(r, o)
	if len(groups) > manyGroups {
		shorten(groups)
	}
	return groups
}

// Of more groups only the worst are printed in full, so that people read the
// report to its end.
const (
	manyGroups   = 12
	classesFull  = 3 // classes that are printed in full, by their first host
	hostsOfClass = 3 // hosts that get a line, of each class
)

// A rank is what the order of classes depends on. Groups have it at hand: to look it up takes longer than all else of sorting them.
type rank struct {
	worst detectors.Severity
	first int // place of its first group
}

// shorten puts the groups of a class together, the worst classes first, and
// reduces the detail.
func shorten(groups []*group) {
	classes := map[class]*rank{}
	for i, g := range groups {
		if classes[g.class] == nil {
			classes[g.class] = &rank{first: i}
		}
		g.rank = classes[g.class]
		g.rank.worst = max(g.rank.worst, g.severity)
	}
	sorting.Stable(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.verdict, b.verdict), cmp.Compare(b.rank.worst, a.rank.worst), cmp.Compare(a.rank.first, b.rank.first),
			cmp.Compare(b.severity, a.severity))
	})
	count, hosts := 0, 0
	for i, g := range groups {
		if i == 0 || g.rank != groups[i-1].rank {
			count, hosts = count+1, 0
		}
		g.quota = repeatQuota
		switch hosts++; {
		case hosts > hostsOfClass:
			g.detail = counted
		case hosts == 1 && count <= classesFull && g.severity > detectors.Info && g.verdict == detectors.Seen:
			g.detail = full
		default:
			g.detail = brief
		}
	}
}

// maxSections bounds an HTML page, however large the trace is: a finding in full
// takes up to 100 KB for each of its pictures.
const maxSections = 50

// sections are the groups in the order of an HTML page: the worst first, what is
// undecided last. At most maxSections of their findings remain in full.
func sections(r *result.Report, o *Options) []*group {
	groups := groupFindings(r, o)
	left := maxSections
	for _, g := range groups {
		switch {
		case g.detail == full && left == 0:
			g.detail = brief
		case g.detail == full:
			g.quota.full = min(g.quota.full, left)
			left -= len(g.full())
		}
	}
	return groups
}

// omissions are the sentences about what is not printed: the groups that are
// only counted, by class in order of first appearance, and the findings that
// were too many to keep.
func omissions(r *result.Report, groups []*group, o *Options) (sentences []string) {
	type omission struct{ hosts, findings uint64 }
	var order []class
	omitted := map[class]*omission{}
	for _, g := range groups {
		if g.detail != counted {
			continue
		}
		if omitted[g.class] == nil {
			omitted[g.class] = new(omission)
			order = append(order, g.class)
		}
		omitted[g.class].hosts++
		omitted[g.class].findings += uint64(len(g.findings))
	}
	for _, c := range order {
		sentences = append(sentences, fmt.Sprintf("... and %s with %s (%s)%s",
			quantity.Count(omitted[c].hosts, "more host"), c, quantity.Count(omitted[c].findings, "finding"), o.listedIn()))
	}
	for _, g := range r.Totals.Groups {
		if more := g.N - g.Listed; more > 0 && (o.Undecided || g.Verdict == detectors.Seen) {
			sentences = append(sentences, fmt.Sprintf("... and %s of %s, which are counted but not listed",
				quantity.Count(more, "more finding"), class{g.Detector, g.Outcome, g.Verdict}))
		}
	}
	return sentences
}
