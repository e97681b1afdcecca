package capture

import (
	"time"

	"github.com/tcptrace-go/tcptrace/internal/stats"
)

const (
	// A stamp this far before the latest one is the clock stepping back; less
	// is the reordering of queues and processors.
	stepBack = int64(time.Second)
	// A step larger than this that the next jump forward makes good was no
	// step but a stray stamp, such as the zeros of a broken writer.
	strayStep = int64(time.Hour)
	// Beyond this many steps a file's stamps are noise, and time stands still
	// rather than following them.
	maxSteps = 4096
)

// A clock turns the times of one file into trace time, which never goes back by
// more than a second.
type clock struct {
	max     int64 // latest trace time of a frame
	stated  int64 // latest end that the file states, in trace time; 0 if none
	offset  int64 // what is added now
	before  int64 // what was added before the last step back
	last    int64 // the last time as recorded
	several bool  // frames of several interfaces, whose clocks may differ
	steps   stats.ClockSteps
}

// tell gives the trace time of a frame, and whether the clock stepped before it.
func (c *clock) tell(frame uint32, raw int64) (at int64, stepped bool) {
	if len(c.steps) > 0 && c.makesGood(raw) {
		c.step(frame, c.before)
		stepped = true
	}
	at = raw + c.offset
	if at < c.max-stepBack {
		at = c.max
		if len(c.steps) < maxSteps {
			c.before = c.offset
			c.step(frame, c.max-raw)
			stepped = true
		}
	}
	at = min(at, maxTime)
	c.max = max(c.max, at)
	c.last = raw
	return at, stepped
}

// makesGood reports whether a time undoes the last step back: the step was that
// of a single stray stamp, or of the other of two interfaces whose clocks differ.
func (c *clock) makesGood(raw int64) bool {
	size, jump := c.offset-c.before, raw-c.last
	if size <= 0 || jump < size || len(c.steps) >= maxSteps {
		return false
	}
	return size > strayStep || c.several
}

func (c *clock) step(frame uint32, offset int64) {
	c.offset = offset
	c.steps = append(c.steps, stats.ClockStep{Frame: frame, Offset: offset})
}

// state takes an end that the file states, by its clock of the moment.
func (c *clock) state(raw int64) {
	c.stated = max(c.stated, min(raw+c.offset, maxTime))
}

// end is the latest time that the file vouches for.
func (c *clock) end() int64 { return max(c.max, c.stated) }

// A Clock turns the stamps of live frames into trace time, as reading the frames
// from a file would. The zero value is ready.
type Clock struct{ clock clock }

// Tell gives the trace time of a frame, and whether the clock stepped before it.
func (c *Clock) Tell(frame uint32, stamp int64) (at int64, stepped bool) {
	return c.clock.tell(frame, stamp)
}

// Now is the trace time of a moment without a frame.
func (c *Clock) Now(stamp int64) int64 { return stamp + c.clock.offset }
