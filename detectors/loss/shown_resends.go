package loss

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// shownResends are the first retransmissions and the last, for evidence.
type shownResends struct {
	marks [2 * shownEach]reassembly.Mark
	n     int // retransmissions in all
}

const shownEach = 4

func (s *shownResends) add(seg *reassembly.Segment) {
	s.n++
	*s.last() = reassembly.MarkOf(seg)
}

// last is the last of them, if there is one.
func (s *shownResends) last() *reassembly.Mark {
	i := max(s.n-1, 0)
	if i >= shownEach {
		i = shownEach + (i-shownEach)%shownEach
	}
	return &s.marks[i]
}

// append adds those after the first to the evidence.
func (s *shownResends) append(all []detectors.Evidence, side reassembly.Side, r *detectors.Report) []detectors.Evidence {
	for i := 1; i < min(s.n, shownEach); i++ {
		all = append(all, r.Evidence("retransmission", side, &s.marks[i]))
	}
	for i := max(s.n-shownEach, shownEach); i < s.n; i++ {
		all = append(all, r.Evidence("retransmission", side, &s.marks[shownEach+(i-shownEach)%shownEach]))
	}
	return all
}
