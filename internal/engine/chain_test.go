package engine

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// feeder gives a partition segments from a client's port to port 80 and back.
type feeder struct {
	*partition
	ev     fsm.Events
	ord    uint64
	client uint16 // its port
	still  bool   // time does not go on
}

func newFeeder() *feeder {
	return &feeder{client: 1000, partition: newPartition(&Options{Detectors: catalogue.All, Settings: &detectors.Settings{TimeWait: DefaultTimeWait}, MaxFlows: DefaultMaxFlows})}
}

func (f *feeder) give(fromServer bool, seg reassembly.Segment) *flow {
	f.ord++
	seg.At, seg.Frame, seg.IPID = int64(f.ord)*int64(time.Millisecond), uint32(f.ord), uint16(f.ord)
	seg.Src.Port, seg.Dst.Port = f.client, 80
	if f.still {
		seg.At = 1
	}
	if fromServer {
		seg.Src, seg.Dst = seg.Dst, seg.Src
	}
	return f.take(&seg, f.ord, f.table.hashOf(&seg), 0, fingerprint(dealing.hash(&seg), &seg), &f.ev)
}

// However often one four-tuple is used again, a segment costs the same, and
// memory stays. Each use but the first few is answered with a RST, so that some
// are closed and some not.
func TestPartition_oneTupleOverAndOver(t *testing.T) {
	f := newFeeder()
	const uses = 20_000
	for n := range uint32(uses) {
		iss := reassembly.Seq(n) * 1_000_003
		f.give(false, reassembly.Segment{Seq: iss, Flags: reassembly.SYN})
		if n%3 == 0 {
			f.give(true, reassembly.Segment{Ack: iss + 1, Flags: reassembly.RST | reassembly.ACK})
		}
		if f.table.count > maxChain {
			t.Fatalf("after %d uses, %d connections of one four-tuple are held", n+1, f.table.count)
		}
	}
	if got := uint64(f.table.count) + f.dropped; got != uses {
		t.Errorf("%d connections held or dropped, of %d", got, uses)
	}
	if queue := len(f.bounds.closed); queue > 4*chunkSize {
		t.Errorf("%d places in the queue of closed connections, %d are held", queue, f.table.count)
	}
	if len(f.next) > maxChain {
		t.Errorf("%d connections are remembered as replaced", len(f.next))
	}
}

// The one that goes on stays, whoever else tries.
func TestPartition_theOldestUseLeaves(t *testing.T) {
	f := newFeeder()
	first := f.give(false, reassembly.Segment{Seq: 1, Flags: reassembly.SYN}).ordinal
	for n := range uint32(maxChain) {
		f.give(false, reassembly.Segment{Seq: reassembly.Seq(n+1) * 20_000_003, Flags: reassembly.SYN})
	}
	for i := range f.table.made {
		if fl := f.table.flow(i); fl.live && fl.ordinal == first {
			t.Error("the oldest use of the four-tuple is still held")
		}
	}
}

func BenchmarkOneTupleOverAndOver(b *testing.B) {
	f := newFeeder()
	for n := range b.N {
		f.give(false, reassembly.Segment{Seq: reassembly.Seq(n) * 1_000_003, Flags: reassembly.SYN})
	}
}
