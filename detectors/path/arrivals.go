package path

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// arrivals are how much a side has shown of what arrived from its peer, whose direction the capture may lack.
type arrivals struct {
	ack, echo      reassembly.Seq
	acked, stamped bool // there is one
}

// shows reports whether a segment of the retrying side shows that something came from its peer, which was not captured, since the
// last that was: it acknowledges more, says that something came twice (RFC 2883 4), or echoes a later
// timestamp (RFC 7323 4.3). What was captured last may have arrived a timeout later.
func (v *retryRun) shows(seg *reassembly.Segment, rto time.Duration) bool {
	if seg.Flags&reassembly.ACK == 0 {
		return false
	}
	k := &v.known
	_, is := seg.Opts.Twice(seg.Ack)
	is = is || k.acked && seg.Ack.After(k.ack) && seg.Ack.After(v.heard.End())
	if !k.acked || seg.Ack.After(k.ack) {
		k.ack, k.acked = seg.Ack, true
	}
	if echo := reassembly.Seq(seg.Opts.TSEcr); echo != 0 && seg.Opts.Has&reassembly.HasTimestamps != 0 {
		is = is || k.stamped && echo.After(k.echo)
		if !k.stamped || echo.After(k.echo) {
			k.echo, k.stamped = echo, true
		}
	}
	return is && seg.At-v.heard.At > int64(rto)
}

// notSince is from when on nothing can have been acknowledged that the capture does not have, unless it lacks what the peer
// sent. Holes are known to the second.
func (v *retryRun) notSince() int64 {
	if v.heard.At == 0 {
		return v.first.At
	}
	return v.heard.At + 2*int64(time.Second)
}
