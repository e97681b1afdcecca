package opening

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A waiterClock is what the timestamps (RFC 7323 3) of the side that waited for a late answer say about how long it waited. It
// sent what was answered before that passed the capture point, and its next segment after the answer did: by its clock, no less
// time went by than in the capture, if the capture's times are right.
type waiterClock struct {
	asked   uint32 // timestamp of what was answered, as the answer echoes it
	after   uint32 // of its next segment
	afterAt int64  // when that passed the capture point; 0 if it has not
	known   bool   // asked is
	counted uint32 // ticks after that, if these refute the time
	within  int64  // in so long; 0 if nothing refutes it
}

// start notes what the late answer echoes.
func (c *waiterClock) start(v fsm.View, answer *reassembly.Segment) {
	echo, is := detectors.Echo(v, answer)
	c.asked, c.known = uint32(echo), is && echo != 0
}

// maxHeld is how many times as long as the wait the path may have held up the side's segments after it: then many ticks
// pass the capture point in a short time.
const maxHeld = 2

// note reads the clock from a segment of the side that waited, and reports whether that refutes the capture's time of so
// long: as many ticks as it counted meanwhile would take much longer afterwards than they do. No host's clock runs so unevenly.
func (c *waiterClock) note(seg *reassembly.Segment, took int64) bool {
	if !c.known || c.within != 0 || seg.Opts.Has&reassembly.HasTimestamps == 0 {
		return false
	}
	if c.afterAt == 0 {
		c.after, c.afterAt = seg.Opts.TSVal, seg.At
		c.known = int32(c.after-c.asked) >= 0
		return false
	}
	waited, since, ticks := int64(c.after-c.asked), seg.At-c.afterAt, int64(int32(seg.Opts.TSVal-c.after))
	least := took / (waited + 1) // that a tick takes: the wait may have begun and ended within one
	if since <= 0 || ticks < 2 || (ticks-1)*least-since <= maxHeld*took {
		return false
	}
	c.counted, c.within = uint32(ticks), since
	return true
}

// doubt is why the time is not certain.
func (c *waiterClock) doubt() string {
	return fmt.Sprintf("the host that waited counted %s by its timestamps until its next segment, and %d in the %s after that: the capture's clock was set, its frames were timed in batches, or that host stood still",
		detectors.Counted(c.after-c.asked, "tick", "ticks"), c.counted, detectors.Span(c.within))
}
