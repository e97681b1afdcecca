package fsm

import "testing"

// The states of a side by what it sent and its peer acknowledged (down), and
// what it acknowledged of its peer (across), as the package comment has them.
func TestStateFrom(t *testing.T) {
	want := [5][5]string{
		PhaseIdle:     {"CLOSED", "LISTEN", "ESTABLISHED", "ESTABLISHED", "CLOSE_WAIT"},
		PhaseOpening:  {"SYN_SENT", "SYN_SENT", "SYN_RECEIVED", "SYN_RECEIVED", "CLOSE_WAIT"},
		PhaseOpen:     {"ESTABLISHED", "SYN_SENT", "ESTABLISHED", "ESTABLISHED", "CLOSE_WAIT"},
		PhaseFinSent:  {"FIN_WAIT_1", "FIN_WAIT_1", "FIN_WAIT_1", "FIN_WAIT_1", "CLOSING"},
		PhaseFinAcked: {"FIN_WAIT_2", "FIN_WAIT_2", "FIN_WAIT_2", "FIN_WAIT_2", "TIME_WAIT"},
	}
	for own := range Phase(5) {
		for peer := range Phase(5) {
			a, b := &direction{Phase: own}, &direction{Phase: peer}
			if got := stateFrom(a, b.seenByPeer()).String(); got != want[own][peer] {
				t.Errorf("phase %d against %d is %s, want %s", own, peer, got, want[own][peer])
			}
			second := want[own][peer]
			switch second {
			case "CLOSING":
				second = "LAST_ACK"
			case "TIME_WAIT":
				second = "CLOSED"
			}
			a.bits = closedSecond
			if got := stateFrom(a, b.seenByPeer()).String(); got != second {
				t.Errorf("phase %d against %d, closed second, is %s, want %s", own, peer, got, second)
			}
		}
	}
}

// What casts doubt on a half puts its own side one step back.
func TestStateFrom_doubt(t *testing.T) {
	for _, c := range []struct {
		own, peer direction
		want      State
	}{
		{direction{Phase: PhaseOpen, bits: synAckLost}, direction{Phase: PhaseOpen}, SynReceived},
		{direction{Phase: PhaseOpen, bits: synAckLost | spoke}, direction{Phase: PhaseOpen}, Established},
		{direction{Phase: PhaseFinAcked, bits: finAckLost}, direction{Phase: PhaseOpen}, FinWait1},
		{direction{Phase: PhaseFinAcked, bits: finAckLost}, direction{Phase: PhaseFinAcked}, Closing},
		{direction{Phase: PhaseFinAcked, bits: finAckLost | closedSecond}, direction{Phase: PhaseFinAcked}, LastAck},
		{direction{Phase: PhaseOpen}, direction{Phase: PhaseFinSent, bits: finFirst}, SynSent},
	} {
		if got := stateFrom(&c.own, c.peer.seenByPeer()); got != c.want {
			t.Errorf("%+v against %+v is %v, want %v", c.own, c.peer, got, c.want)
		}
	}
}

func TestState_names(t *testing.T) {
	seen := map[string]bool{}
	for s := range numStates {
		if n := s.String(); n == "" || n == "?" || seen[n] {
			t.Errorf("state %d is called %q", s, n)
		} else {
			seen[n] = true
		}
	}
	if State(200).String() != "?" {
		t.Error("a state that is none has a name")
	}
	for c := range numClasses {
		if n := c.String(); n == "" && c != Plain || seen[n] {
			t.Errorf("class %d is called %q", c, n)
		} else {
			seen[n] = true
		}
	}
}
