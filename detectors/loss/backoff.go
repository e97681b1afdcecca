package loss

import "github.com/tcptrace-go/tcptrace/detectors"

// A backoff is stalls that follow one another, each ended by one retransmission, and each nearly twice as long as the one before:
// the sender's timer goes on doubling, whatever is acknowledged. Without SACK and timestamps it takes no sample of the round trip
// while it repairs one hole after the other (RFC 6298 3).
type backoff struct {
	last  int64 // how long the last lasted; 0 if it is none of them
	ended int64
	n     int // how often that doubled
}

// doubles takes a stall that is over, and reports whether it goes on with at least two others.
func (a *resender) doubles(s *stall, r *detectors.Report) bool {
	b, ended := &a.backoff, s.ended.At
	follows := b.last > 0 && s.since-b.ended <= int64(r.Conn.RTT()+ackClock) && s.lasted() >= b.last+b.last/2
	switch {
	case s.before.At != 0 || ended-s.resent.At > int64(r.Conn.RTT()+ackClock):
		*b = backoff{}
	case follows:
		*b = backoff{s.lasted(), ended, b.n + 1}
	default:
		*b = backoff{s.lasted(), ended, 0}
	}
	return b.n >= 2
}

// ownBackoff reports whether most of the time of stalls is such a timer's.
func (a *resender) ownBackoff() bool {
	return a.stalls.backoff > 0 && 2*a.stalls.backoff >= a.stalls.total
}
