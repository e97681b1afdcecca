package fsm

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What an ICMP error quotes is believed where it is in flight, or was sent last.
func TestConn_Quotes(t *testing.T) {
	w := newWire()
	w.iss[0] = 1<<32 - 5 // the numbers wrap within what is in flight
	w.send(0, 0, syn, 0, 0, 0)
	silent := reassembly.Segment{Seq: 0}
	if w.conn.Quotes(&silent, reassembly.B) {
		t.Error("a segment of a side that has sent nothing")
	}
	w.open(0)
	w.send(0, 0, ack, 1, 100, 1)
	w.send(1, 0, ack, 1, 0, 51)
	for _, c := range []struct {
		name string
		seq  int
		want bool
	}{
		{"acknowledged", 50, false}, {"SND.UNA", 51, true}, {"in flight", 70, true}, {"SND.NXT", 101, true}, {"beyond", 102, false}, {"sent last", 1, true},
	} {
		quote := reassembly.Segment{Seq: w.iss[0] + reassembly.Seq(c.seq)}
		if got := w.conn.Quotes(&quote, reassembly.A); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
