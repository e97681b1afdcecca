package engine

import (
	"cmp"
	"iter"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// A lateAnswer is a finding about one, which is doubtful if another host was as late.
type lateAnswer struct {
	f *detectors.Finding
	*detectors.Outage
}

// stalls makes undecided how late a host answered, if another one was late at the same time to answer the same host, in whatever: that
// they have in common.
func stalls(findings iter.Seq[*detectors.Finding], delays stats.Delays) {
	of := map[[16]byte][]lateAnswer{}
	for f := range findings {
		if f.Late != nil {
			of[f.Late.From.Addr] = append(of[f.Late.From.Addr], lateAnswer{f, f.Late})
		}
	}
	for from, all := range of {
		sorting.Stable(all, func(a, b lateAnswer) int {
			return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Frame, b.Frame))
		})
		before := overlaps(all, 0, 1, func(a, b *detectors.Outage) bool { return a.End > b.End })
		after := overlaps(all, len(all)-1, -1, func(a, b *detectors.Outage) bool { return a.Start <= b.Start })
		others := delays.Of(from)
		for i, x := range all {
			if x.f.Verdict != detectors.Seen {
				continue
			}
			if o := cmp.Or(before[i], after[i]); o != nil {
				x.f.Stalled(o.Frame, detectors.OtherConnection)
			} else if frame, is := others.With(x.To.Addr, x.Start, x.End); is {
				x.f.Stalled(frame, detectors.WholeCapture)
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
