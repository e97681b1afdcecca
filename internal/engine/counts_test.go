package engine

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A FIN counts if it was acknowledged or should have been.
func TestCount_fins(t *testing.T) {
	fin := reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.FIN | reassembly.ACK, Window: 1000}
	for name, c := range map[string]struct {
		then  *reassembly.Segment // from the other side
		later uint64              // milliseconds
		want  stats.FINs
	}{
		"no answer":                      {want: stats.FINs{Sent: 1}},
		"an ACK":                         {&reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.ACK, Window: 1000}, 10, stats.FINs{Sent: 1, Acked: 1}},
		"an ACK of less, that crossed":   {&reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.ACK, Window: 1000}, 900, stats.FINs{Sent: 1}},
		"an ACK of less after a timeout": {&reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.ACK, Window: 1000}, 1100, stats.FINs{}},
		"a RST":                          {&reassembly.Segment{Seq: 1, Flags: reassembly.RST}, 10, stats.FINs{}},
	} {
		f := newFeeder()
		f.client++
		f.open()
		f.give(false, fin)
		f.position += c.later
		if c.then != nil {
			f.give(true, *c.then)
		}
		for _, fl := range f.flows.All() {
			count(&f.counts, fl, 1)
		}
		if f.counts.FINs[0] != c.want {
			t.Errorf("%s: %+v, want %+v", name, f.counts.FINs[0], c.want)
		}
	}
}
