package fsm

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
