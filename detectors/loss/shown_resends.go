package loss

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// shownResends are the first retransmissions and the last, for evidence.
type shownResends struct {
	marks []reassembly.Mark // up to shownEach of both
	n     int               // retransmissions in all
}

const shownEach = mostRoom / 2

var shownRooms rooms[reassembly.Mark]

func (s *shownResends) add(seg *reassembly.Segment) {
	if s.n++; s.n <= 2*shownEach {
		s.marks = append(shownRooms.more(s.marks), reassembly.MarkOf(seg))
		return
	}
	s.marks[s.place()] = reassembly.MarkOf(seg)
}

// place is where the last of them is.
func (s *shownResends) place() int {
	if s.n <= shownEach {
		return s.n - 1
	}
	return shownEach + (s.n-1-shownEach)%shownEach
}

// first is the first of them, if there is one.
func (s *shownResends) first() *reassembly.Mark {
	if s.n == 0 {
		return new(reassembly.Mark)
	}
	return &s.marks[0]
}

// last is the last of them, if there is one.
func (s *shownResends) last() (m reassembly.Mark) {
	if s.n > 0 {
		m = s.marks[s.place()]
	}
	return m
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
