package engine

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// close closes the feeder's connection from the client's side; the server
// acknowledges with the given flags.
func (f *feeder) close(server reassembly.Flags) *flow {
	f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.FIN | reassembly.ACK, Window: 1000})
	return f.give(true, reassembly.Segment{Seq: 1, Ack: 2, Flags: server, Window: 1000})
}

// A connection that closes within the second costs a place in a queue, no watch
// of its own.
func TestLapse_ordinaryClose(t *testing.T) {
	f := newFeeder()
	f.open()
	c := f.close(reassembly.ACK)
	before := len(f.watches.at(c.watch).list)
	f.ord += 900
	f.give(true, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.FIN | reassembly.ACK, Window: 1000})
	f.ord += 5000
	f.give(false, reassembly.Segment{Seq: 2, Ack: 2, Flags: reassembly.ACK, Window: 1000})
	if after := len(f.watches.at(c.watch).list); after != before || len(f.lapses.queue) != 0 {
		t.Errorf("%d watches before the connection was closed, %d after; %d wait", before, after, len(f.lapses.queue))
	}
}

// One that stays half closed for a second is watched: by the clock of the
// partition, whoever moves it.
func TestLapse_leftHalfClosed(t *testing.T) {
	f := newFeeder()
	f.open()
	c := f.close(reassembly.ACK)
	before := len(f.watches.at(c.watch).list)
	f.ord += 1000
	f.client++
	f.open()
	if after := len(f.watches.at(c.watch).list); after <= before {
		t.Errorf("%d watches before, %d a second after it was half closed", before, after)
	}
}

// The queue stays small where time stands still while connections come and go.
func TestLapse_timeStandsStill(t *testing.T) {
	f := newFeeder()
	f.bounds = newBounds(partitions) // one connection at a time
	f.still = true
	for range 100 * chunkSize {
		f.client++
		f.open()
		f.close(reassembly.ACK)
	}
	if n := cap(f.lapses.queue); n > 10*chunkSize {
		t.Errorf("room for %d connections in the queue, and there is one", n)
	}
}
