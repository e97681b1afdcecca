package detectors

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ResendTimeout is how long a side may wait at most, without backoff, before it sends again: [fsm.View.RTO], or, if that is longer, three times
// the round trip that it sees itself, as after its first sample (RFC 6298 2.2). Its own data shows the part between the capture point and its
// peer, its peer's data the part between its host and the capture point. The round trip counts to 10 ms, as a capture that was cut has fewer samples.
func ResendTimeout(v fsm.View, side reassembly.Side) time.Duration {
	trip := (v.SRTT(side) + v.SRTT(side.Peer())).Round(10 * time.Millisecond)
	return min(max(v.RTO(side), 3*trip), MaxTimeout)
}
