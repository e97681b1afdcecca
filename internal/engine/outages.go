package engine

import (
	"cmp"
	"iter"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// A hostPair is a host that sends, and the one that it sends to.
type hostPair [2][16]byte

// outages makes undecided what rests on FINs of one connection not having arrived, if all of them were sent while
// another connection of the two hosts was not answered either, and that was answered afterwards: the path
// was down.
func outages(findings iter.Seq[*detectors.Finding]) {
	var doubtful []*detectors.Finding
	for f := range findings {
		if f.Outage != nil && f.Outage.Frame == 0 && f.Verdict == detectors.Seen {
			doubtful = append(doubtful, f)
		}
	}
	if doubtful == nil {
		return
	}
	over := map[hostPair][]*detectors.Outage{}
	for f := range findings {
		if o := f.Outage; o != nil && o.Frame != 0 && f.Verdict == detectors.Seen {
			pair := hostPair{o.From.Addr, o.To.Addr}
			over[pair] = append(over[pair], o)
		}
	}
	for _, f := range doubtful {
		var first *detectors.Outage // whatever the order of the findings
		for _, o := range over[hostPair{f.Outage.From.Addr, f.Outage.To.Addr}] {
			if o.Covers(f.Outage) && (first == nil || cmp.Or(cmp.Compare(o.End, first.End), cmp.Compare(o.Frame, first.Frame)) < 0) {
				first = o
			}
		}
		if first != nil {
			f.CutOff(first)
		}
	}
}

// A lateAnswer is a finding about one, which is doubtful if another host was as late.
type lateAnswer struct {
	f *detectors.Finding
	*detectors.Outage
}

// stalls makes undecided how late a host answered, if another one was late at the same time to answer the same host: that they have in
// common.
func stalls(findings iter.Seq[*detectors.Finding]) {
	of := map[[16]byte][]lateAnswer{}
	for f := range findings {
		if f.Late != nil && f.Verdict == detectors.Seen {
			of[f.Late.From.Addr] = append(of[f.Late.From.Addr], lateAnswer{f, f.Late})
		}
	}
	for _, all := range of {
		slices.SortFunc(all, func(a, b lateAnswer) int {
			return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Frame, b.Frame))
		})
		before := overlaps(all, 0, 1, func(a, b *detectors.Outage) bool { return a.End > b.End })
		after := overlaps(all, len(all)-1, -1, func(a, b *detectors.Outage) bool { return a.Start <= b.Start })
		for i := range all {
			if o := cmp.Or(before[i], after[i]); o != nil {
				all[i].f.Stalled(o)
			}
		}
	}
}

// alongside reports whether a late answer shared half of its time at least with another.
func alongside(o, by *detectors.Outage) bool {
	return 2*(min(o.End, by.End)-max(o.Start, by.Start)) >= o.End-o.Start
}

// overlaps is, for each late answer, another host's that it came alongside, of those before it by the given steps: the
// farthest-reaching. Of all of these it needs two: the farthest-reaching, and that of other hosts than it.
func overlaps(all []lateAnswer, from, step int, farther func(a, b *detectors.Outage) bool) []*detectors.Outage {
	found := make([]*detectors.Outage, len(all))
	var best, other *detectors.Outage
	for i := from; i >= 0 && i < len(all); i += step {
		o := all[i].Outage
		by := best
		if best != nil && best.To.Addr == o.To.Addr {
			by = other
		}
		if by != nil && alongside(o, by) {
			found[i] = by
		}
		switch {
		case best == nil || best.To.Addr == o.To.Addr:
			if best == nil || farther(o, best) {
				best = o
			}
		case farther(o, best):
			best, other = o, best
		case other == nil || farther(o, other):
			other = o
		}
	}
	return found
}
