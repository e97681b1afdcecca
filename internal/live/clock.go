package live

import (
	"fmt"
	"time"
)

// steps notices that somebody sets the clock which the frames have their times from: beside
// one that nobody sets, and that stands still while the machine sleeps (CLOCK_MONOTONIC).
type steps struct {
	ahead   time.Duration // of the former to the latter
	known   bool
	forward uint64 // steps
}

// leastStep is how large a step is at least that is noticed. Deadlines are longer.
const leastStep = time.Second

// Stopwatch tells how long ago Stopwatch was called, by a clock that nobody sets.
func Stopwatch() func() time.Duration {
	started := time.Now()
	return func() time.Duration { return time.Since(started) }
}

// read reads the clock of the frames, and says by how much it has been set since it was read
// last. If elapsed is nil, nobody knows.
func (s *steps) read(clock func() time.Time, elapsed func() time.Duration) (now time.Time, step time.Duration) {
	if elapsed == nil {
		return clock(), 0
	}
	before := elapsed()
	now = clock()
	if elapsed()-before > leastStep/4 { // others had the processor meanwhile
		return now, 0
	}
	ahead := time.Duration(now.UnixNano()) - before
	if step = ahead - s.ahead; !s.known || step.Abs() < leastStep { // NTP slews it
		step = 0
	}
	if s.ahead, s.known = ahead, true; step > 0 {
		s.forward++
	}
	return now, step
}

// describeStep is what is said of a step. After one forward, what comes next seems to come late, and nobody
// knows how late it is: what did not come meanwhile is undecided, also for who reads the
// frames that are kept.
func describeStep(step time.Duration) string {
	if step < 0 {
		return fmt.Sprintf("the clock was set back by %v: later times are shifted so that time goes on", -step.Round(time.Millisecond))
	}
	return fmt.Sprintf("the clock was set forward by %v, or the machine was asleep: what did not come meanwhile is undecided", step.Round(time.Millisecond))
}

// readClock reads the clock of the frames. After a step back, trace time goes on.
func (l *Loop) readClock() time.Time {
	now, step := l.steps.read(l.Now, l.Elapsed)
	switch {
	case step > 0:
		l.Engine.ClockSet(l.compared)
	case step < 0:
		l.clock.Back(-step)
	}
	if step != 0 {
		l.note(now, describeStep(step))
	}
	l.compared = l.last
	return now
}

// note warns of something that happened to the source, also in the report.
func (l *Loop) note(now time.Time, text string) {
	l.Input.Warnings = appendBounded(l.Input.Warnings, now.UTC().Format(time.RFC3339)+" "+text)
	l.Warn(text)
}

// appendBounded appends up to a maximum number of sentences: an interface may come
// and go for weeks.
func appendBounded(news []string, text string) []string {
	const most = 20
	if len(news) < most {
		return append(news, text)
	}
	return news
}
