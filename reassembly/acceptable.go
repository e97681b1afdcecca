package reassembly

// reach is how far beyond the offered window, or behind what is acknowledged,
// a segment may lie and still be acceptable: one MiB, and 16 MiB while the
// window scale is unknown (RFC 7323 2.2 allows windows up to 1 GiB; a blind
// forger hits such a stretch of the 4 GiB circle once in 256 tries).
const (
	reach        = 1 << 20
	reachUnknown = 1 << 24
)

// Acceptable reports whether a segment at seq of n sequence numbers can belong
// to this stream: between what is acknowledged and what the peer offered, with
// some reach to either side. wide says that windows are only lower bounds.
func (s *Stream) Acceptable(seq Seq, n uint32, maxWnd uint32, wide bool) bool {
	if s.known&KnowNxt == 0 {
		return true
	}
	r := Seq(reach)
	if wide {
		r = reachUnknown
	}
	r = min(r+Seq(maxWnd), 1<<28) // the window may be as large as 1 GiB itself, and half the circle is 2
	low, high := s.Nxt, s.Nxt
	if s.known&KnowUna != 0 {
		low = s.Una
	}
	if s.known&KnowEdge != 0 {
		high = high.Max(s.Edge)
	}
	return (low - r).AtOrBefore(seq) && (seq + Seq(n)).AtOrBefore(high+r)
}

// Reject remembers a sequence number that was not acceptable, in case more evidence
// comes.
func (s *Stream) Reject(seq Seq) {
	s.noted = seq
	s.known = s.known&^knowShown | knowRejected
}

// RejectedAt reports whether seq is the last sequence number that was not acceptable.
func (s *Stream) RejectedAt(seq Seq) bool {
	return s.known&knowRejected != 0 && s.noted == seq
}

// NearRejected reports whether seq lies near the last sequence number that was not
// acceptable.
func (s *Stream) NearRejected(seq Seq) bool {
	return s.known&knowRejected != 0 && uint32(seq-s.noted+reach) < 2*reach
}
