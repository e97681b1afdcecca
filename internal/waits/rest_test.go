package waits_test

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// TestRest: what is measured of a connection goes on where something follows its close.
func TestRest(t *testing.T) {
	tr, err := scenario.Parse("rest", []byte(nearServer+`.2 client > server F. 1:1(0) ack 1 win 64240
.2 server > client F. 1:1(0) ack 2 win 65160
.3 client > server . 2:2(0) ack 2 win 64240
2.3 client > server . 2:2(0) ack 2 win 64240
`))
	if err != nil {
		t.Fatal(err)
	}
	f := &scenariotest.Analyse(t, tr.Traces[0], engine.Options{Time: true}).Flows[0]
	if got := f.Time.Figures[0].IdleMax; got != 2_000_000_000 {
		t.Errorf("the longest pause is %d ns, want 2 s", got)
	}
	if got := f.Time.Waits.Sum(); got != f.Time.To-f.Time.From {
		t.Errorf("the waits are %d ns, the connection lasts %d ns", got, f.Time.To-f.Time.From)
	}
}
