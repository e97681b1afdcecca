package engine

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// A SYN inside the window of a connection whose SYN-ACK is not acknowledged yet is refused,
// and ends that, too (random kernel case 9).
func TestRun_refusalEndsHalfOpened(t *testing.T) {
	report := run(t, Options{AllFlows: true}, text(t, `
iss client 700000000
0.000  client > server  S   0:0(0)             win 64240
iss client 700000500
+.001  client > server  S   0:0(0)             win 64240
iss client 700000000
+.050  server > client  S.  0:0(0)     ack 1   win 2896
iss client 700000500
+.001  server > client  R.  -200000000:-200000000(0) ack 1 win 0
+1.00  end
`))
	for i := range report.Flows {
		if got := report.Flows[i].State; got != [2]fsm.State{fsm.Closed, fsm.Closed} {
			t.Errorf("connection %d is left in %v", i+1, got)
		}
	}
	if n := len(report.Flows); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}
