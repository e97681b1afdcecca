package taps

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// crossed reports whether the two places see the segments of the two directions in
// opposite order, as they do on one clock. If the clocks differ by more than the
// delay, everything comes first from the same place.
func (s *scan) crossed(pairs *[2][]doubling) bool {
	var ttl [2]int // how often the first record is nearer to the sender
	for side := range pairs {
		for _, p := range pairs[side] {
			switch a, o := s.records[p.first].ttl, s.records[p.second].ttl; {
			case a > o:
				ttl[side]++
			case a < o:
				ttl[side]--
			}
		}
	}
	if ttl[0] != 0 && ttl[1] != 0 {
		return ttl[0] > 0 == (ttl[1] > 0)
	}
	// No tap sees an answer before its question. Slow answers prove nothing.
	before, all := 0, 0
	for side := range pairs {
		b, n := s.hasty(pairs[side], pairs[1-side])
		before, all = before+b, all+n
	}
	return 10*before <= all
}

// hasty counts the answers whose first record is earlier than the second of the question: of each
// question, the first segment that acknowledges exactly it.
func (s *scan) hasty(questions, answers []doubling) (n, all int) {
	type asked struct {
		tuple uint32
		end   reassembly.Seq
	}
	arrived := map[asked]int64{}
	for _, p := range questions {
		r, at := &s.records[p.first], s.records[p.second].at
		q := asked{r.tuple, r.end()}
		if was, again := arrived[q]; r.seqLen() > 0 && (!again || at < was) {
			arrived[q] = at
		}
	}
	answers = slices.Clone(answers)
	sorting.Stable(answers, func(a, b doubling) int { return cmp.Compare(a.first, b.first) })
	for _, p := range answers {
		r := &s.records[p.first]
		q := asked{r.tuple, r.ack}
		if at, is := arrived[q]; is && r.flags&reassembly.ACK != 0 {
			delete(arrived, q)
			all++
			if r.at < at {
				n++
			}
		}
	}
	return n, all
}

// further are the sides whose segments go from the place of the first record to that of the
// second, if all come first from one place: their pairs are further apart, by a round trip.
func (s *scan) further(pairs *[2][]doubling) (further [2]bool) {
	var median [2]int64
	for side := range pairs {
		var d []int64
		for _, p := range pairs[side] {
			d = append(d, s.records[p.second].at-s.records[p.first].at)
		}
		slices.Sort(d)
		median[side] = d[len(d)/2]
	}
	further[0] = median[0] >= median[1]
	further[1] = !further[0]
	return further
}
