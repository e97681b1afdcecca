package tracegen

import "math"

// An end is one end of a connection: its TCP, and what its application is
// about to do. Sequence numbers count from the end's own ISS: the SYN is 0,
// data begins at 1, the FIN is at limit.
type end struct {
	host
	stack  *stack
	iss    uint32
	tsBase uint32
	ipid   uint16
	mss    uint16 // as announced and agreed
	full   uint16 // payload of a full segment: mss less the timestamps
	scale  uint8  // of the windows it announces
	ts     bool   // both ends have timestamps

	closed  bool // has no connection any more, or none yet that answers
	aborted bool // closed by its own RST, or refusing: answers with RST
	gone    bool // the machine has vanished

	sender
	receiver

	app   action
	appAt int64
	want  uint32 // what the receiver must have before the application acts
}

// sender is the sending half of an end.
type sender struct {
	una   uint32 // oldest unacknowledged
	nxt   uint32 // next to be sent for the first time
	limit uint32 // behind the last byte that the application has written
	edge  uint32 // behind the last byte that the peer has room for

	closing bool // the application will write no more: a FIN belongs at limit
	passive bool // the peer's FIN was here before the own FIN left

	cwnd       int // congestion window, segments
	ssthresh   int
	grown      int // ACKs since cwnd grew, in congestion avoidance
	dups       int
	recovering bool
	recover    uint32 // recovery ends when this is acknowledged (RFC 6582)

	srtt, rttvar, rto int64
	backoff           uint
	timing            bool // the segment up to timedEnd is being timed
	timedEnd          uint32
	timedAt           int64
	rtoAt             int64 // retransmission and persist timer
}

// receiver is the receiving half of an end.
type receiver struct {
	rcvNxt   uint32
	early    [maxSACK]span // arrived ahead of a hole, latest first (RFC 2018 4)
	nearly   uint8
	tsRecent uint32

	rcvBuf    uint32
	buffered  uint32 // received and not read yet
	edgeOut   uint32 // the right edge that was announced
	readEvery int64  // how long a slow application leaves data lying: 0 not at all
	readAt    int64

	finAt   uint32 // where the peer's FIN is, once seen
	finRcvd bool
	unacked int   // segments since the last ACK
	ackNow  bool  // an ACK is owed at once
	ackAt   int64 // delayed ACK
	probes  int   // of a shut window, that arrived
}

const (
	initialCwnd = 10 // RFC 6928
	maxCwnd     = 64
	initialRTO  = 1e9   // RFC 6298 2.1
	minRTTVar   = 200e6 // Linux TCP_RTO_MIN, added to the SRTT
	maxRTO      = 120e9 // Linux TCP_RTO_MAX
	delayedACK  = 40e6  // Linux TCP_DELACK_MIN
	notWanted   = math.MaxUint32
)

// reset makes the end ready for another connection.
func (e *end) reset() {
	*e = end{
		sender: sender{
			limit: 1, cwnd: initialCwnd, ssthresh: maxCwnd,
			rto: initialRTO, rtoAt: never,
		},
		receiver: receiver{finAt: notWanted, readAt: never, ackAt: never},
		appAt:    never,
		want:     notWanted,
	}
}

// shut ends everything the end was about to do.
func (e *end) shut() {
	e.closed = true
	e.rtoAt, e.ackAt, e.readAt, e.appAt = never, never, never, never
}

// established reports whether the end's SYN was acknowledged.
func (e *end) established() bool { return e.una > 0 }

func (e *end) finSent() bool  { return e.closing && e.nxt > e.limit }
func (e *end) finAcked() bool { return e.closing && e.una > e.limit }
