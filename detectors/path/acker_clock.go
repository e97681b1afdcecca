package path

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An ackerClock is what the timestamps (RFC 7323 3) of the side that acknowledges say about when it made an ACK: one that
// passed the capture point late need not have been held by its sender.
type ackerClock struct {
	first  reading    // the first there was
	latest [2]reading // those behind the latest two segments of the side that waits, the later one last
}

// A reading is the timestamp that a segment echoes, and by when the acker had sent it.
type reading struct {
	at    int64 // when the acker's last segment passed the capture point
	frame uint32
	file  uint16
	val   reassembly.Seq
	is    bool
}

// note reads the clock from a segment of the side that waits.
func (c *ackerClock) note(seg *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	if last := &c.latest[1]; last.frame == seg.Frame && last.file == seg.File {
		return
	}
	x := reading{at: r.Conn.Last(side.Peer()).At, frame: seg.Frame, file: seg.File}
	x.val, x.is = detectors.Echo(r.Conn, seg)
	if c.latest[0], c.latest[1] = c.latest[1], x; !c.first.is {
		c.first = x
	}
}

const (
	// shortestHold is the shortest timer of a delayed ACK: Linux has 40 ms, and timers are not exact.
	shortestHold = int64(35 * time.Millisecond)
	// The rate of the clock is known after so many ticks and so long, to one part in tickError.
	minTicks   = 32
	minReading = int64(time.Second)
	tickError  = 8
)

// refutes reports whether the acker made the ACK of the data too soon for a timer to have run. The clock had read no
// less than what the data echoes when the acker's segment before it passed the capture point.
func (c *ackerClock) refutes(data *reassembly.Mark) bool {
	before, now := &c.latest[0], &c.latest[1]
	if !before.is || !now.is || before.frame != data.Frame || before.file != data.File {
		return false
	}
	ran, ticks, held := now.at-c.first.at, int64(c.first.val.To(now.val)), int64(before.val.To(now.val))
	if ran < minReading || ticks < minTicks || held <= 0 {
		return false
	}
	most := (held + 1) * (ran / ticks)
	return before.at+most+most/tickError-data.At < shortestHold
}
