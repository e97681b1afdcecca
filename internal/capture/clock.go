package capture

import (
	"time"

	"github.com/tcptrace-go/tcptrace/internal/stats"
)

const (
	// A timestamp this much before the latest one is a clock step. Smaller
	// differences come from reordering in queues and processors.
	stepBack = int64(time.Second)
	// A larger step that the next jump forward undoes was not a clock step, but a
	// single wrong timestamp, such as the zeros of a broken writer.
	wrongStamp = int64(time.Hour)
	// After this many steps a file's timestamps are noise. Time then stands still
	// instead of following them.
	maxSteps = 4096
	// Of a clock that is set, times go on from there. If they have gone back and forth so often, the file is not in order
	// of time: a program with several queues may have written it.
	minSwings = 8
)

// A clock turns the times of one file into trace time, which never goes back by
// more than a second.
type clock struct {
	shift   int64 // Options.Shift; see begins
	max     int64 // latest trace time of a frame
	stated  int64 // latest end that the file states, in trace time; 0 if none
	offset  int64 // added to the file's times now
	before  int64 // added before the last step back
	last    int64 // the last time, as recorded
	several bool  // there are several interfaces, whose clocks may differ
	back    int64 // by how much the time went back last, until it has gone forward as far at once; 0 if it has
	swings  int   // how often it did, and that was neither a wrong timestamp nor another interface's clock
	steps   stats.ClockSteps
}

// begins takes the first time of the file. Where times are relative, it is 0, which everywhere else means that there is no
// time: all are a nanosecond later.
func (c *clock) begins(at int64) {
	if at+c.shift == 0 {
		c.shift++
	}
}

// shifted is a time as the file has it, shifted as was asked for; never 0.
func (c *clock) shifted(at int64) int64 {
	if at = min(at, maxTime-c.shift) + c.shift; at == 0 {
		at = 1
	}
	return at
}

// traceTime returns the trace time of a frame, and whether the clock stepped just
// before it.
func (c *clock) traceTime(frame uint32, raw int64) (at int64, stepped bool) {
	if c.offset == 0 && len(c.steps) == 0 && uint64(raw-c.max) <= uint64(maxTime-c.max) { // it goes on
		c.max, c.last = raw, raw
		return raw, false
	}
	switch {
	case len(c.steps) > 0 && c.undoesStep(raw):
		c.step(frame, c.before)
		c.back, stepped = 0, true
	case c.back > 0 && raw-c.last >= c.back:
		c.back = 0
		c.swings++
	}
	at = raw + c.offset
	if at < c.max-stepBack {
		c.back = max(c.last-raw, stepBack)
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

// undoesStep reports whether a time undoes the last step back, because that was a
// single wrong timestamp, or because two interfaces have different clocks.
func (c *clock) undoesStep(raw int64) bool {
	size, jump := c.offset-c.before, raw-c.last
	if size <= 0 || jump < size || len(c.steps) >= maxSteps {
		return false
	}
	return size > wrongStamp || c.several
}

func (c *clock) step(frame uint32, offset int64) {
	c.offset = offset
	c.steps = append(c.steps, stats.ClockStep{Frame: frame, Offset: offset})
}

// state notes an end that the file states, by its clock at this point.
func (c *clock) state(raw int64) {
	c.stated = max(c.stated, min(raw+c.offset, maxTime))
}

// end is the latest time that the file covers.
func (c *clock) end() int64 { return max(c.max, c.stated) }

// A Clock turns the timestamps of live frames into trace time, as reading these
// frames from a file does. The zero value is ready.
type Clock struct {
	clock clock
	back  int64 // by how much it is known to have been set back since the last frame
}

// TraceTime returns the trace time of a frame in nanoseconds, and whether the
// clock stepped just before it, and nobody knows by how much.
func (c *Clock) TraceTime(frame uint32, stamp int64) (at int64, stepped bool) {
	if back := c.back; back != 0 {
		c.back = 0
		if k := &c.clock; stamp+k.offset < k.max-stepBack && stamp+k.offset+back >= k.max-stepBack && len(k.steps) < maxSteps {
			k.before = k.offset
			k.step(frame, k.offset+back)
		}
	}
	return c.clock.traceTime(frame, stamp)
}

// Back says that the clock was set back, by so much. Without frames, trace time goes on.
func (c *Clock) Back(by time.Duration) { c.back += int64(by) }

// Now is the trace time of a timestamp that belongs to no frame.
func (c *Clock) Now(stamp int64) int64 { return stamp + c.clock.offset + c.back }
