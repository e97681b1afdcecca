package engine

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// feeder gives a partition segments from a client's port to port 80 and back.
type feeder struct {
	*partition
	ev       fsm.Events
	position uint64
	client   uint16 // its port
	address  string // of the client, if not the usual one
	still    bool   // time does not go on
	late     bool   // SYNs are not captured
	nearer   bool   // payload of the server has passed fewer routers than its SYN-ACK
}

func newFeeder() *feeder { return boundFeeder(DefaultMaxFlows) }

// boundFeeder is one that holds so many connections at a time, per partition.
func boundFeeder(maxFlows int) *feeder {
	o := &Options{Detectors: catalogue.All, Settings: &detectors.Settings{TimeWait: DefaultTimeWait}, MaxFlows: maxFlows * partitions}
	return &feeder{client: 1000, partition: newPartition(o, flow.NewSeed())}
}

func (f *feeder) give(fromServer bool, seg reassembly.Segment) *flow.Flow {
	f.position++
	seg.At, seg.Frame, seg.IPID = int64(f.position)*int64(time.Millisecond), uint32(f.position), uint16(f.position)
	seg.Src.Port, seg.Dst.Port = f.client, 80
	if f.still {
		seg.At = 1
	}
	if fromServer {
		seg.Src, seg.Dst = seg.Dst, seg.Src
	}
	h := f.flows.Hashes(&seg)
	return f.flows.At(f.process(&seg, f.position, &h, &f.ev))
}

// A connection that has to leave ends, with its findings, before its place is used
// again: also where the SYN that takes the place is of the same four-tuple, and uses
// the ports of the one that leaves early.
func TestPartition_evictedEndsFirst(t *testing.T) {
	f := boundFeeder(1)
	f.open()
	f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.FIN | reassembly.ACK, Window: 1000})
	f.give(true, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.FIN | reassembly.ACK, Window: 1000})
	f.give(false, reassembly.Segment{Seq: 2, Ack: 2, Flags: reassembly.ACK, Window: 1000})
	fl := f.give(true, reassembly.Segment{Seq: 1 << 20, Flags: reassembly.SYN, Window: 1000})
	if f.dropped != 1 || f.flows.Len() != 1 {
		t.Fatalf("%d connections dropped, %d held", f.dropped, f.flows.Len())
	}
	if was := f.predecessors[fl.Position]; was.Conn != 1 || was.Frames != 6 {
		t.Errorf("the ports were those of %+v, want connection 1 of 6 frames", was)
	}
	if f.watch.Running(fl.Watchers) == 0 {
		t.Error("nobody watches the connection that took ports early")
	}
}
