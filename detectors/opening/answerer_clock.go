package opening

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An answererClock is what the timestamps (RFC 7323 3) of the side that answered late say about when the answer left: by its clock,
// which counts no faster than once in a millisecond (5.4), at least so much time went by until its next segment.
type answererClock struct {
	at    int64 // when the answer passed the capture point; 0 if it has no timestamp, or the next segment did
	stamp uint32
	held  int64  // by how much sooner it left than it passed, at least, as against the next segment; 0 if that is not shown
	frame uint32 // the next segment
}

// tick is the shortest time that a timestamp may take to count one, in nanoseconds (RFC 7323 5.4).
const tick = 1_000_000

func (c *answererClock) start(answer *reassembly.Segment) {
	if answer.Opts.Has&reassembly.HasTimestamps != 0 {
		c.at, c.stamp = answer.At, answer.Opts.TSVal
	}
}

// note reads the clock from the next segment of the side that has another timestamp: half of the time that the answer took must be its way. A clock that says more than
// all of it counts faster.
func (c *answererClock) note(seg *reassembly.Segment, took int64) {
	if c.at == 0 || seg.Opts.Has&reassembly.HasTimestamps == 0 || seg.Opts.TSVal == c.stamp {
		return // of the answer itself, too
	}
	held := (int64(int32(seg.Opts.TSVal-c.stamp))-1)*tick - (seg.At - c.at)
	if c.at = 0; 2*held >= took && held <= took {
		c.held, c.frame = held, seg.Frame
	}
}

// doubt is why the host may not have been late. answer names what came late.
func (c *answererClock) doubt(answer string) string {
	return fmt.Sprintf("by the timestamps of the host that answered, the %s left %s before it passed the capture point, or earlier, as compared with its next segment (frame %d): "+
		"the path held it up, or the host that captured stood still", answer, detectors.Span(c.held), c.frame)
}
