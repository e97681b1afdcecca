package reassembly

// Seq is a TCP sequence number: a point on a circle of 2^32 (RFC 9293 3.4).
// Two points are ordered only when they lie less than 2^31 apart, which holds
// for everything inside one window.
type Seq uint32

// Before reports whether s lies before t on the shorter arc.
func (s Seq) Before(t Seq) bool { return int32(s-t) < 0 }

// AtOrBefore reports s == t or s.Before(t).
func (s Seq) AtOrBefore(t Seq) bool { return int32(s-t) <= 0 }

// After reports whether s lies after t on the shorter arc.
func (s Seq) After(t Seq) bool { return int32(s-t) > 0 }

// To returns the signed distance from s to t, in bytes: s.To(s+n) == n for
// |n| < 2^31.
func (s Seq) To(t Seq) int32 { return int32(t - s) }

// Max returns the later of s and t.
func (s Seq) Max(t Seq) Seq {
	if s.Before(t) {
		return t
	}
	return s
}
