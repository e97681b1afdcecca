package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

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
