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
			a, b := &Half{Phase: own}, &Half{Phase: peer}
			if got := stateFrom(a, b).String(); got != want[own][peer] {
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
			if got := stateFrom(a, b).String(); got != second {
				t.Errorf("phase %d against %d, closed second, is %s, want %s", own, peer, got, second)
			}
		}
	}
}

// What casts doubt on a half puts its own side one step back.
func TestStateFrom_doubt(t *testing.T) {
	for _, c := range []struct {
		own, peer Half
		want      State
	}{
		{Half{Phase: PhaseOpen, bits: synAckLost}, Half{Phase: PhaseOpen}, SynReceived},
		{Half{Phase: PhaseOpen, bits: synAckLost | spoke}, Half{Phase: PhaseOpen}, Established},
		{Half{Phase: PhaseFinAcked, bits: finAckLost}, Half{Phase: PhaseOpen}, FinWait1},
		{Half{Phase: PhaseFinAcked, bits: finAckLost}, Half{Phase: PhaseFinAcked}, Closing},
		{Half{Phase: PhaseFinAcked, bits: finAckLost | closedSecond}, Half{Phase: PhaseFinAcked}, LastAck},
		{Half{Phase: PhaseOpen}, Half{Phase: PhaseFinSent, bits: finFirst}, SynSent},
	} {
		if got := stateFrom(&c.own, &c.peer); got != c.want {
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
