package waits

// A course is how many bytes of a run had been sent by when: at the beginnings of the latest of its flights
// before which a quarter more had been sent than at the one before, or half as much more anywhere. These go back to less than half of all.
type course [5]progress

// A progress is so many bytes in so many nanoseconds.
type progress struct {
	bytes uint64
	took  int64
}

// note notes a segment, which may begin a flight, with which so many bytes have been sent in so many nanoseconds.
func (c *course) note(bytes uint64, took int64, begins bool) {
	last := len(c) - 1
	if before := c[last].bytes; took > 0 && (begins && 4*bytes >= 5*before || 2*bytes >= 3*before) {
		copy(c[:], c[1:])
		c[last] = progress{bytes, took}
	}
}

// faster is how many times as fast the second half of the run's bytes was as the first; 0 if that is unknown. The last
// flight takes a round trip, too.
func (c *course) faster(bytes uint64, took, roundTrip int64) float64 {
	i := len(c) - 1
	for i > 0 && 2*c[i].bytes > bytes {
		i--
	}
	at := c[i]
	if at.took <= 0 || took <= at.took || at.bytes == 0 || bytes <= at.bytes {
		return 0
	}
	before, after := float64(at.bytes)/float64(at.took), float64(bytes-at.bytes)/float64(took-at.took+roundTrip)
	return after / before
}
