package waits

// A course is how many bytes of a run had been sent by when: at the beginnings of the latest two of its flights
// before which twice as many had been sent as at the one before.
type course [2]progress

// A progress is so many bytes in so many nanoseconds.
type progress struct {
	bytes uint64
	took  int64
}

// note notes the beginning of a flight, with which so many bytes have been sent in so many nanoseconds.
func (c *course) note(bytes uint64, took int64) {
	if bytes >= 2*c[1].bytes && took > 0 {
		c[0], c[1] = c[1], progress{bytes, took}
	}
}

// faster is how many times as fast the rest of the run was as its beginning, about half of its bytes; 0 if that is unknown. The last
// flight takes a round trip, too.
func (c *course) faster(bytes uint64, took, roundTrip int64) float64 {
	at := c[1]
	if 3*at.bytes > 2*bytes { // nearly the end
		at = c[0]
	}
	if at.took <= 0 || took <= at.took || at.bytes == 0 || bytes <= at.bytes {
		return 0
	}
	before, after := float64(at.bytes)/float64(at.took), float64(bytes-at.bytes)/float64(took-at.took+roundTrip)
	return after / before
}
