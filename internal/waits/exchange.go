package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// exchange follows requests and answers through payload: a request is payload of the
// client that begins the connection or follows the server's.
func (s *step) exchange() {
	if !s.known {
		return
	}
	if s.side == reassembly.A {
		if s.asking && s.seg.At-s.request.At > max(s.roundTrip(), 50_000_000) {
			s.pipelined = true
		}
		s.asking, s.request = true, reassembly.MarkOf(s.seg)
		return
	}
	if !s.asking {
		return
	}
	if s.told.Exchange != nil {
		s.told.Exchange(&detectors.Exchange{
			Request: s.request, Answer: reassembly.MarkOf(s.seg), Pipelined: s.pipelined,
			Response: max(s.seg.At-s.request.At-s.own.rtt, 0),
		})
	}
	s.asking, s.pipelined = false, false
}

// endExchange tells of a request that nothing answered.
func (s *step) endExchange() {
	if s.asking && s.told.Exchange != nil {
		s.told.Exchange(&detectors.Exchange{Request: s.request, Response: max(s.from-s.request.At-s.ends[1].rtt, 0), Pipelined: s.pipelined})
	}
	s.asking = false
}
