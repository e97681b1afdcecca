package waits_test

import (
	"fmt"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// TestSum_timeWentBack: a connection lasts to its latest segment, which need not be the last one.
func TestSum_timeWentBack(t *testing.T) {
	tr, err := scenario.Parse("back", []byte(nearServer+`.2 client > server P. 1:101(100) ack 1 win 64240
.9 server > client P. 1:401(400) ack 101 win 65160
.5 client > server P. 101:201(100) ack 401 win 64240
.6 server > client P. 401:501(100) ack 201 win 65160
.7 client > server F. 201:201(0) ack 501 win 64240
.7 server > client F. 501:501(0) ack 202 win 65160
.8 client > server . 202:202(0) ack 502 win 64240
5 end
`))
	if err != nil {
		t.Fatal(err)
	}
	r := scenariotest.Analyse(t, tr.Traces[0], engine.Options{Time: true})
	add(t, "back", r)
	if f := &r.Flows[0]; f.Last-f.First != 900_000_000 {
		t.Errorf("the connection lasts %d ns, want 900 ms", f.Last-f.First)
	}
}

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

// TestTransfer_otherSideResends: a transfer ends where its receiver sends again what the sender
// waits for, as it does with the receiver's new payload.
func TestTransfer_otherSideResends(t *testing.T) {
	text := nearClient + ".1 client > server P. 1:101(100) ack 1 win 64240\n.1 client > server P. 101:201(100) ack 1 win 64240\n"
	for i := range 20 { // too little for a transfer in each half
		at, ack := .2+.001*float64(i), 101
		if i >= 10 {
			at, ack = at+2, 201
		}
		text += fmt.Sprintf("%.3f server > client . %d:%d(1460) ack %d win 65160\n%.3f client > server . 201:201(0) ack %[3]d win 64240\n", at, 1+i*1460, 1+(i+1)*1460, ack, at)
		if i == 9 {
			text += "2.1 client > server P. 101:201(100) ack 14601 win 64240\n"
		}
	}
	tr, err := scenario.Parse("resends", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := scenariotest.Analyse(t, tr.Traces[0], engine.Options{Time: true}).Flows[0].Time.Transfers; len(got) != 0 {
		t.Errorf("transfers %+v, want none", got)
	}
}
