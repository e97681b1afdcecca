package flow

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// However often one four-tuple is used again, a segment costs the same, and memory
// stays. Each third use is answered with a RST, so that some are closed and some not.
func TestTable_oneTupleOverAndOver(t *testing.T) {
	d := newDriver(1 << 20)
	const uses = 20_000
	for n := range uint32(uses) {
		iss := reassembly.Seq(n) * 1_000_003
		d.give(1000, false, reassembly.Segment{Seq: iss, Flags: reassembly.SYN})
		if n%3 == 0 {
			d.give(1000, true, reassembly.Segment{Ack: iss + 1, Flags: reassembly.RST | reassembly.ACK})
		}
		if d.Len() > maxChain {
			t.Fatalf("after %d uses, %d connections of one four-tuple are held", n+1, d.Len())
		}
	}
	if got := d.Len() + d.left[Replaced]; got != uses {
		t.Errorf("%d connections held or replaced, of %d", got, uses)
	}
	if queue := d.closed.n; queue > 4*ChunkSize {
		t.Errorf("%d places in the queue of closed connections, %d are held", queue, d.Len())
	}
	if len(d.replaced) > maxChain {
		t.Errorf("%d connections are remembered as replaced", len(d.replaced))
	}
}

// The one that goes on stays, whoever else tries.
func TestMakeRoom_theOldestUseLeaves(t *testing.T) {
	d := newDriver(1 << 20)
	first := d.give(1000, false, reassembly.Segment{Seq: 1, Flags: reassembly.SYN}).Position
	for n := range uint32(maxChain) {
		d.give(1000, false, reassembly.Segment{Seq: reassembly.Seq(n+1) * 20_000_003, Flags: reassembly.SYN})
	}
	for _, f := range d.All() {
		if f.Position == first {
			t.Error("the oldest use of the four-tuple is still held")
		}
	}
}

// Closed connections go first, whoever came first.
func TestMakeRoom_closedFirst(t *testing.T) {
	d := newDriver(3)
	syn := reassembly.Segment{Seq: 1, Flags: reassembly.SYN}
	d.give(1001, false, syn)
	d.give(1002, false, syn)
	d.give(1002, true, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.RST | reassembly.ACK}) // refused: closed
	d.give(1003, false, syn)
	d.give(1004, false, syn)
	if d.holds(1002) || !d.holds(1001) || d.left[Closed] != 1 {
		t.Error("the fourth connection did not take the place of the closed one")
	}
	d.give(1005, false, syn)
	if d.holds(1001) || !d.holds(1003) || d.left[Evicted] != 1 {
		t.Error("with none closed, the oldest did not leave")
	}
}

// A connection that has just come is not taken for one that has been silent.
func TestMakeRoom_newIsNotSilent(t *testing.T) {
	d := newDriver(2)
	syn := reassembly.Segment{Seq: 1, Flags: reassembly.SYN}
	for client := range uint16(4) {
		d.give(client, false, syn)
		if client == 2 { // in the place of the first
			d.give(1, false, syn)
		}
	}
	if !d.holds(2) || !d.holds(3) {
		t.Error("the third connection left before the second")
	}
}

// A connection whose four-tuple was used again ends there, unless it goes on.
func TestReplace(t *testing.T) {
	d := newDriver(10)
	d.give(1000, false, reassembly.Segment{Seq: 1, Flags: reassembly.SYN})
	d.give(1000, false, reassembly.Segment{Seq: 1 << 20, Flags: reassembly.SYN})
	if at, is := d.ReplacedAt(1); !is || at != 2e6 {
		t.Errorf("the first connection was replaced at %d (%t), want 2 ms", at, is)
	}
	if !d.Replace(1, 3e6) {
		t.Error("the first connection is replaced again, and nobody says so")
	}
	d.give(1000, false, reassembly.Segment{Seq: 1, Flags: reassembly.SYN})
	if _, is := d.ReplacedAt(1); is {
		t.Error("the first connection goes on, and counts as replaced")
	}
}

func BenchmarkOneTupleOverAndOver(b *testing.B) {
	d := newDriver(1 << 20)
	for n := range b.N {
		d.give(1000, false, reassembly.Segment{Seq: reassembly.Seq(n) * 1_000_003, Flags: reassembly.SYN})
	}
}

// Any number of SYNs that nobody answers leaves the connection that they attack in the
// table, and ends nothing.
func TestMakeRoom_attempts(t *testing.T) {
	d := newDriver(1 << 20)
	d.give(1000, false, reassembly.Segment{Seq: 1, Flags: reassembly.SYN})
	d.give(1000, true, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.SYN | reassembly.ACK})
	d.give(1000, false, reassembly.Segment{Seq: 2, Ack: 2, Flags: reassembly.ACK})
	for n := range 10 * maxChain {
		d.give(1000, false, reassembly.Segment{Seq: reassembly.Seq(n+1) * 10_000_019, Flags: reassembly.SYN})
	}
	if f := d.At(1); !f.held || f.Conn.Packets(reassembly.A) != 2 {
		t.Error("the connection has left")
	}
	if at, is := d.ReplacedAt(1); is {
		t.Errorf("the connection ends at %d", at)
	}
}
