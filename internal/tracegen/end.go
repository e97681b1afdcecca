package tracegen

import "math"

// An end is one end of a connection: its TCP, and the next action of its
// application. Sequence numbers are relative to its ISS: the SYN is 0, data begins
// at 1, and the FIN is at limit.
type end struct {
	host
	stack  *stack
	iss    uint32
	tsBase uint32
	ipid   uint16
	mss    uint16 // of both ends
	full   uint16 // payload of a full segment: mss minus the timestamps
	scale  uint8  // of the windows it announces
	ts     bool   // both ends have timestamps

	closed  bool // has no connection any more, or does not listen
	aborted bool // closed by its own RST, or refused: answers with RST
	gone    bool // the machine has vanished

	sender
	receiver

	app   action
	appAt int64
	want  uint32 // what the receiver must have before the application acts
}

// sender is the sending side of an end.
type sender struct {
	una   uint32 // oldest unacknowledged
	nxt   uint32 // next to be sent for the first time
	limit uint32 // after the last byte that the application has written
	edge  uint32 // right edge of the peer's window

	closing bool // the application writes no more: a FIN follows at limit
	passive bool // the peer's FIN came before the own FIN was sent

	cwnd       int // congestion window, segments
	ssthresh   int
	grown      int // ACKs since cwnd grew, in congestion avoidance
	dups       int
	recovering bool
	recover    uint32 // recovery ends when this is acknowledged (RFC 6582)

	srtt, rttvar, rto int64
	backoff           uint
	timing            bool // measuring the RTT of the segment up to timedEnd
	timedEnd          uint32
	timedAt           int64
	rtoAt             int64 // retransmission and persist timer
}

// receiver is the receiving side of an end.
type receiver struct {
	rcvNxt   uint32
	ahead    [maxSACK]span // received after a hole, latest first (RFC 2018 4)
	nAhead   uint8
	tsRecent uint32

	rcvBuf    uint32
	buffered  uint32 // received and not read yet
	edgeOut   uint32 // the right edge that was announced
	readEvery int64  // interval of a slow application's reads; 0: it reads at once
	readAt    int64

	finAt   uint32 // where the peer's FIN is, once seen
	finRcvd bool
	unacked int   // segments since the last ACK
	ackNow  bool  // an ACK is due immediately
	ackAt   int64 // delayed ACK
	probes  int   // zero-window probes received
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

// shut closes the end and stops its timers.
func (e *end) shut() {
	e.closed = true
	e.rtoAt, e.ackAt, e.readAt, e.appAt = never, never, never, never
}

// established reports whether the end's SYN was acknowledged.
func (e *end) established() bool { return e.una > 0 }

func (e *end) finSent() bool  { return e.closing && e.nxt > e.limit }
func (e *end) finAcked() bool { return e.closing && e.una > e.limit }
