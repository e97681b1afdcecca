package outcome

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tcptrace-go/tcptrace/beam/internal/chunk"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// Sums are the sums over many connections, before these have their numbers.
type Sums struct {
	Counts    stats.Counts
	Oversized chunk.Position // of the connection in Counts.Oversized
	Flows     uint64
	Evicted   uint64
	Unlisted  []result.Group // findings that are only counted
	Rows      []Slice        // connections by the time of their first segments
	Findings  []Slice        // by the time at which they are reported
}

// A Slice is a number of connections or findings in a slice of time.
type Slice struct {
	Time  int64 // from SliceOf
	Count uint64
}

// Add adds the sums of other connections, except slices.
func (s *Sums) Add(t *Sums) {
	oversized := s.Counts.Oversized
	s.Counts.Add(&t.Counts)
	s.Counts.Oversized = oversized // its position is relative to its four-tuple
	if t.Counts.Oversized.Position != 0 && (oversized.Position == 0 || t.Oversized.Compare(s.Oversized) < 0) {
		s.Oversized, s.Counts.Oversized = t.Oversized, t.Counts.Oversized
	}
	s.Flows += t.Flows
	s.Evicted += t.Evicted
	s.Unlisted = append(s.Unlisted, t.Unlisted...)
}

// Merge adds up sums.
func Merge(all []*Sums) *Sums {
	m := new(Sums)
	var rows, findings []Slice
	for _, s := range all {
		m.Add(s)
		rows = append(rows, s.Rows...)
		findings = append(findings, s.Findings...)
	}
	m.Rows, m.Findings = add(rows), add(findings)
	return m
}

// add adds up slices of the same time, and sorts them.
func add(slicesOfTime []Slice) []Slice {
	sums := map[int64]uint64{}
	for _, s := range slicesOfTime {
		sums[s.Time] += s.Count
	}
	return FromMap(sums)
}

// FromMap returns slices in the order of time.
func FromMap(counts map[int64]uint64) []Slice {
	all := make([]Slice, 0, len(counts))
	for _, t := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, Slice{t, counts[t]})
	}
	return all
}

// Groups adds up findings by kind, in the order of the detectors.
func Groups(groups []result.Group, list []*detectors.Detector) []result.Group {
	type kind struct {
		detector, outcome string
		verdict           detectors.Verdict
	}
	sums := map[kind]*result.Group{}
	for _, g := range groups {
		k := kind{g.Detector, g.Outcome, g.Verdict}
		sum := sums[k]
		if sum == nil {
			sum = &result.Group{Detector: g.Detector, Outcome: g.Outcome, Verdict: g.Verdict}
			sums[k] = sum
		}
		sum.Severity = max(sum.Severity, g.Severity)
		sum.N += g.N
		sum.Listed += g.Listed
	}
	order := map[string]int{}
	for i, d := range list {
		order[d.Name] = i
	}
	var all []result.Group
	for _, g := range sums {
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b result.Group) int {
		return cmp.Or(cmp.Compare(order[a.Detector], order[b.Detector]), cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.Outcome, b.Outcome))
	})
	return all
}
