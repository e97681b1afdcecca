package loss

// A timer is the intervals after which segments were sent again that were alone in flight.
type timer struct {
	n           uint32
	least, most int64 // nanoseconds
	answered    int64 // within how many nanoseconds all were acknowledged then
}

func (t *timer) add(interval int64) {
	if t.n++; t.n == 1 {
		t.least = interval
	}
	t.least, t.most = min(t.least, interval), max(t.most, interval)
}
