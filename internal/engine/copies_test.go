package engine

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// TestCopies: each frame of a burst is captured once more, in the same order
// and half a millisecond later.
func TestCopies(t *testing.T) {
	for _, c := range []struct {
		name   string
		burst  int
		step   reassembly.Seq // from one segment's number to the next's
		missed uint64         // while the cache has not grown to what it needs
	}{
		{"the same ACK, again and again", 40, 0, 0},
		{"a hundred different segments", 100, 1000, 2},
		{"two thousand", 2000, 1000, 50},
	} {
		p := newPartition(&Options{Detectors: catalogue.All, Settings: &detectors.Settings{}, MaxFlows: DefaultMaxFlows})
		var ev fsm.Events
		var f *flow
		take := func(i int, at int64, ttl uint8) {
			seg := reassembly.Segment{At: at, Frame: 1, Seq: 1 + reassembly.Seq(i)*c.step, Ack: 1, Flags: reassembly.ACK, IPID: uint16(i) + 1,
				TTL: ttl, Src: reassembly.Endpoint{Port: 1}, Dst: reassembly.Endpoint{Port: 2}}
			f = p.take(&seg, uint64(at), p.table.hashOf(&seg), 0, fingerprint(dealing.hash(&seg), &seg), &ev)
		}
		take(0, 1e9, 64) // that the capture holds copies shows early
		take(0, 1e9+1, 63)
		const lag = 500_000
		gap := int64(2 * lag / c.burst)
		for i, j := 1, 1; j <= c.burst; i++ {
			at := 2e9 + int64(i)*gap
			if i <= c.burst {
				take(i, at, 64)
			}
			for ; j <= c.burst && 2e9+int64(j)*gap+lag <= at; j++ {
				take(j, at, 63)
			}
		}
		if want := uint64(c.burst) + 1; f.conn.Copies()+c.missed < want {
			t.Errorf("%s: %d copies of %d were recognised", c.name, f.conn.Copies(), want)
		}
		if n := len(p.copies.recent); n > mostCrowds {
			t.Errorf("%s: %d sets of frames are remembered, more than %d", c.name, n, mostCrowds)
		}
	}
}
