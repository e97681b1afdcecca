package report

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A socket's timer in words: Linux gives a socket in FIN_WAIT_2 that no program has the timer of
// TIME_WAIT, which it is not.
func TestTimer(t *testing.T) {
	for _, c := range []struct {
		s    result.Socket
		want string
	}{
		{result.Socket{State: fsm.FinWait2, Timer: "timewait"}, "FIN_WAIT_2 timer (tcp_fin_timeout)"},
		{result.Socket{State: fsm.TimeWait, Timer: "timewait"}, "TIME-WAIT timer"},
		{result.Socket{State: fsm.FinWait2, Timer: "keepalive", Retries: 1}, "keep-alive timer, 1 attempt without an answer"},
		{result.Socket{State: fsm.Established}, ""},
	} {
		if got := timer(&c.s); got != c.want {
			t.Errorf("%v with %q: %q, want %q", c.s.State, c.s.Timer, got, c.want)
		}
	}
}

// A kernel's reason has its meaning beside it, if that is known; its name is not trusted.
func TestReason(t *testing.T) {
	for name, want := range map[string]string{
		"NO_SOCKET": "reason NO_SOCKET (no socket there)",
		"NEW":       "reason NEW",
		"\x1b[2J":   `reason \x1b[2J`,
	} {
		if got := reason(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
