package stats

import "time"

// batches are what the pauses of a file show of its times. Who captured may have taken frames from a buffer at intervals, and given each the
// time at which it was taken: then all frames are in batches, with pauses of about the same length between.
type batches struct {
	pauses uint32
	paused int64 // nanoseconds in all
	runs   uint8 // of frames that were looked at one by one
	mixed  bool  // a pause was neither within a batch nor between two
}

// Within a batch there is no pause longer than withinBatch, between two none shorter than betweenBatches: what hosts do takes any time between
// these. There are so many pauses at least, and only maxRuns runs of frames are looked at.
const (
	withinBatch    = int64(20 * time.Millisecond)
	betweenBatches = int64(200 * time.Millisecond)
	minBatches     = 20
	maxRuns        = 64
)

// pause takes a pause longer than withinBatch.
func (b *batches) pause(length int64) {
	if b.mixed = b.mixed || length < betweenBatches; !b.mixed {
		b.pauses++
		b.paused += length
	}
}

// decided reports whether more frames tell no more.
func (b *batches) decided() bool { return b.mixed || b.runs == maxRuns }

// every is the pause between two batches on average, in nanoseconds; 0 if the times do not come in batches.
func (b *batches) every() int64 {
	if b.mixed || b.pauses < minBatches {
		return 0
	}
	return b.paused / int64(b.pauses)
}

// minInstant is how many servers of public addresses, with instantRouters between, answered within MaxInstant in a trace whose times come in
// batches: what polls devices of its own network also makes batches.
const (
	minInstant     = 3
	InstantRouters = 5
	MaxInstant     = time.Millisecond
)

// BatchedEvery is the time between two batches in which the times of an input come, in nanoseconds; 0 if they don't. c are
// the counts of the whole trace.
func (t *Trace) BatchedEvery(file uint16, c *Counts) int64 {
	if c.Instant < minInstant || int(file) >= len(t.Captures) {
		return 0
	}
	return t.Captures[file].Batches
}
