package engine

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// close closes the feeder's connection from the client's side; the server
// acknowledges with the given flags.
func (f *feeder) close(server reassembly.Flags) *flow.Flow {
	f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.FIN | reassembly.ACK, Window: 1000})
	return f.give(true, reassembly.Segment{Seq: 1, Ack: 2, Flags: server, Window: 1000})
}

// A connection that closes within the second costs a place in a queue and the record of
// its close, no watcher.
func TestHalfClose_ordinaryClose(t *testing.T) {
	f := newFeeder()
	f.open()
	c := f.close(reassembly.ACK)
	f.position += 900
	f.give(true, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.FIN | reassembly.ACK, Window: 1000})
	f.give(false, reassembly.Segment{Seq: 2, Ack: 2, Flags: reassembly.ACK, Window: 1000})
	f.position += 5000
	f.client++
	f.open()
	if n := f.watch.Running(c.Watchers); n != 0 || f.watch.Timers.Len() != 0 {
		t.Errorf("%d watchers after the connection was closed; %d wait", n, f.watch.Timers.Len())
	}
}

// One that stays half closed for a second is watched: by the clock of the
// partition, whoever moves it.
func TestHalfClose_leftHalfClosed(t *testing.T) {
	f := newFeeder()
	f.open()
	c := f.close(reassembly.ACK)
	before := f.watch.Running(c.Watchers)
	f.position += 1000
	f.client++
	f.open()
	if after := f.watch.Running(c.Watchers); after <= before {
		t.Errorf("%d watchers before, %d a second after it was half closed", before, after)
	}
}

// The queue stays small where time stands still while connections come and go.
func TestHalfClose_timeStandsStill(t *testing.T) {
	f := boundFeeder(1)
	f.still = true
	for range 100 * flow.ChunkSize {
		f.client++
		f.open()
		f.close(reassembly.ACK)
	}
	if n := f.watch.Timers.Len(); n > 3*flow.ChunkSize {
		t.Errorf("%d connections in the queue, and there is one", n)
	}
}
