package flowcontrol

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Once the receiver's next segment has shown that the data was allowed, the watcher waits
// for the next suspect, and is not given each segment of the connection.
func TestWindowOverrun_subscribesWhileSuspect(t *testing.T) {
	var c fsm.Conn
	var ev fsm.Events
	var run detectors.Run
	r := detectors.NewReport(&detectors.Settings{})
	const syn, ack = reassembly.SYN, reassembly.ACK
	started := false
	for i, s := range []struct {
		fromB    bool
		flags    reassembly.Flags
		seq, ack reassembly.Seq
		size     uint32
		window   uint16
		want     fsm.Kinds
	}{
		{false, syn, 0, 0, 0, 1000, 0},
		{true, syn | ack, 0, 1, 0, 1000, 0},
		{false, ack, 1, 1, 1200, 1000, WindowOverrun.SubscribesTo},
		{true, ack, 1, 1201, 0, 1000, WindowOverrun.StartsOn}, // the capture has missed a window update
		{false, ack, 1201, 1, 1200, 1000, WindowOverrun.SubscribesTo},
		{true, ack, 1, 1201, 0, 1000, WindowOverrun.SubscribesTo}, // beyond it, and not acknowledged
		{true, ack, 1, 2401, 0, 1000, WindowOverrun.StartsOn},
	} {
		seg := reassembly.Segment{At: int64(i+1) * 1e6, Frame: uint32(i + 1), Flags: s.flags, Seq: s.seq, Ack: s.ack, Len: s.size, Window: s.window}
		seg.Src.Port, seg.Dst.Port = 1, 2
		if s.fromB {
			seg.Src.Port, seg.Dst.Port = 2, 1
		}
		if i == 0 {
			c.Begin(&seg)
		}
		_, fromLo := reassembly.KeyOf(&seg)
		c.Step(&seg, c.SideOf(fromLo), nil, &ev)
		if !started && ev.Kinds.Has(fsm.Overran) {
			started = run.Start(r.About(&run, WindowOverrun, c.View()))
		}
		if !started {
			continue
		}
		if run.Deliver(&ev, r); *run.Subscribed() != [2]fsm.Kinds{s.want, s.want} {
			t.Errorf("after segment %d, it subscribes to %b, want %b", i+1, run.Subscribed()[0], s.want)
		}
	}
	if !started || len(run.Findings()) != 1 {
		t.Errorf("started: %t; %d findings, want 1", started, len(run.Findings()))
	}
}
