package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// State is an RFC 9293 3.3.2 connection state of one end.
type State uint8

// The eleven states. CLOSED is the zero value: nothing is known, or it is over.
const (
	Closed State = iota
	Listen
	SynSent
	SynReceived
	Established
	FinWait1
	FinWait2
	CloseWait
	Closing
	LastAck
	TimeWait
	numStates
)

var stateNames = [numStates]string{
	"CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1",
	"FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT",
}

// String is the RFC's name with underscores: "FIN_WAIT_1".
func (s State) String() string {
	if s >= numStates {
		return "?"
	}
	return stateNames[s]
}

// Short names keep the table's columns under gofmt.
const (
	cls = Closed
	lis = Listen
	sst = SynSent
	srx = SynReceived
	est = Established
	fw1 = FinWait1
	fw2 = FinWait2
	cwt = CloseWait
	cng = Closing
	tmw = TimeWait
)

// stateOf reads one end's state off both directions: its own phase, and the
// peer's phase, which only its own acknowledgments move. A FIN that it has not
// acknowledged does not move it: crossing FINs are FIN_WAIT_1 on both sides,
// then CLOSING, never LAST_ACK.
var stateOf = [5][5]State{
	/* own \ peer   Idle Opng PhaseOpen PhaseFinSent PhaseFinAcked */
	PhaseIdle:     {cls, lis, est, est, cwt},
	PhaseOpening:  {sst, sst, srx, srx, cwt},
	PhaseOpen:     {est, sst, est, est, cwt},
	PhaseFinSent:  {fw1, fw1, fw1, fw1, cng},
	PhaseFinAcked: {fw2, fw2, fw2, fw2, tmw},
}

// readState is the side's state, as long as no RST and no other connection has closed it.
func (c *Conn) readState(side reassembly.Side) State {
	return stateFrom(&c.ends[side].dir, c.seenByPeer(side.Peer()))
}

// stateFrom is the state of the side whose direction is own, and which knows its peer's to be in
// that phase.
func stateFrom(own *direction, peer Phase) State {
	return stateOf[own.seenBySelf()][peer].closedSecond(own.bits)
}

// closedSecond is the state in place of s of a side that closed second, if it did: RFC 9293
// figure 5's left branch.
func (s State) closedSecond(bits directionBits) State {
	if bits&closedSecond != 0 {
		switch s {
		case Closing:
			return LastAck
		case TimeWait:
			return Closed
		}
	}
	return s
}

// isReset reports whether a RST, its own or its peer's, has closed the side, for all that
// is known.
func (c *Conn) isReset(side reassembly.Side) bool {
	return c.bits&(resetByA|resetByB) != 0 && (c.bits&resetBit(side) != 0 || c.bits&openBit(side) == 0)
}

// State is one end's state at trace time at, and since when. A time later than
// the last segment's only lets TIME_WAIT, which lasts timeWait, run out.
// TIME_WAIT starts again with whatever the peer sends into it, as Linux does
// and RFC 9293 3.10.7.4 asks for a repeated FIN.
func (c *Conn) State(side reassembly.Side, at int64, timeWait time.Duration) (s State, since int64) {
	own := &c.ends[side]
	if own.state == TimeWait {
		over := max(own.since, c.ends[side.Peer()].last.At) + int64(timeWait)
		if at >= over {
			return Closed, over
		}
	}
	return own.state, own.since
}

// isPlain reports whether the side's state is not bounded, and stays as it is whatever the time.
func (c *Conn) isPlain(side reassembly.Side) bool {
	own := &c.ends[side]
	return c.bits&(outlivedA|outlivedB|resetByA|resetByB) == 0 && own.state != SynSent && own.state != TimeWait && !own.dir.is(doubted)
}

// Bounded reports whether the side's state rests on an ACK that was seen but
// is not known to have arrived: the side is at most there. So is a side that was in
// TIME_WAIT when its peer sent a RST: it has closed, or has ignored the RST (RFC 1337 3;
// gVisor always does, Linux with net.ipv4.tcp_rfc1337). And so is a side of which nothing
// shows yet whether its SYN is its own, or forged while it had another connection.
func (c *Conn) Bounded(side reassembly.Side) bool {
	own := &c.ends[side]
	switch {
	case c.bits&outlivedBit(side) != 0:
		return false
	case c.isReset(side):
		return c.bits&resetBit(side) == 0 && c.readState(side) == TimeWait
	case own.state == SynSent:
		return c.bits&contested != 0 && side == reassembly.A
	case !own.dir.is(doubted):
		return false
	}
	switch own.state {
	case Established, FinWait2, TimeWait, Closed:
		return true
	}
	return false
}

// Over reports whether nothing more is due: reset, or both FINs acknowledged.
func (c *Conn) Over() bool {
	return c.bits&(resetByA|resetByB) != 0 || c.ends[0].dir.Phase == PhaseFinAcked && c.ends[1].dir.Phase == PhaseFinAcked
}
