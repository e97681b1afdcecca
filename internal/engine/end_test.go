package engine

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// waiter notes the order of what a watcher is given after a FIN.
type waiter struct {
	deadline [1]detectors.Deadline
	calls    []string
	now      []int64
}

func (w *waiter) note(call string, now int64) {
	w.calls, w.now = append(w.calls, call), append(w.now, now)
}
func (w *waiter) Deadlines() []detectors.Deadline { return w.deadline[:] }
func (w *waiter) Limit(int, *detectors.Report) int64 {
	return w.deadline[0].Since() + int64(time.Second)
}
func (w *waiter) End(e detectors.Ending, _ *detectors.Report) { w.note("end", e.At) }

func (w *waiter) Event(ev fsm.Event, r *detectors.Report) {
	w.note("event", ev.Seg.At)
	if ev.Kind == fsm.FinSent {
		w.deadline[0].Arm(ev.Seg.At, r)
	}
}

func (w *waiter) Overdue(_ int, o detectors.Overdue, _ *detectors.Report) {
	w.note("overdue", o.Now)
	w.deadline[0].Disarm()
}

// When a connection ends, first its deadlines pass, each at its time, then a doubtful
// RST counts, and then nothing more comes.
func TestPartition_end(t *testing.T) {
	w := new(waiter)
	d := &detectors.Detector{
		Name: "waiter", StartsOn: fsm.On(fsm.FinSent), SubscribesTo: fsm.On(fsm.FinSent, fsm.ResetSent),
		Watch: func(*detectors.Report) detectors.Watcher { return w },
	}
	o := &Options{Detectors: []*detectors.Detector{d}, Settings: &detectors.Settings{TimeWait: DefaultTimeWait}, MaxFlows: DefaultMaxFlows}
	f := &feeder{client: 1000, partition: newPartition(o, flow.NewSeed())}
	f.open()
	f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.FIN | reassembly.ACK, Window: 1000})
	fin := f.now
	fl := f.give(true, reassembly.Segment{Seq: 500, Flags: reassembly.RST}) // in the window, but out of place
	rst := f.now
	if _, is := fl.Conn.ResetBy(); is {
		t.Fatal("the RST is not doubtful")
	}
	end := fin + int64(time.Minute)
	f.end(1, fl, detectors.Ending{At: end}, 0, nil)
	want := []int64{fin, fin + int64(time.Second), rst, end}
	for i, call := range []string{"event", "overdue", "event", "end"} {
		if i >= len(w.calls) || w.calls[i] != call || w.now[i] != want[i] {
			t.Fatalf("the watcher is given %v at %v, want %s at %d as number %d", w.calls, w.now, call, want[i], i)
		}
	}
	if len(w.calls) != 4 || fl.Watchers != 0 {
		t.Errorf("the watcher is given %v, and watchers are %d afterwards", w.calls, fl.Watchers)
	}
}
