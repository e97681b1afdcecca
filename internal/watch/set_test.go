package watch

import (
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A toy waits for a while after a FIN; what it does then is the test's.
type toy struct {
	deadline [1]detectors.Deadline
	wait     time.Duration
	since    int64 // of the first FIN
	overdue  func(w *toy, o detectors.Overdue, r *detectors.Report)
}

func (w *toy) Event(ev fsm.Event, r *detectors.Report) {
	if w.since == 0 {
		w.since = ev.Seg.At
	}
	w.deadline[0].Arm(w.since, r)
}
func (w *toy) End(detectors.Ending, *detectors.Report)                 {}
func (w *toy) Deadlines() []detectors.Deadline                         { return w.deadline[:] }
func (w *toy) Limit(int, *detectors.Report) int64                      { return w.deadline[0].Since() + int64(w.wait) }
func (w *toy) Overdue(_ int, o detectors.Overdue, r *detectors.Report) { w.overdue(w, o, r) }

func toyDetector(name string, wait time.Duration, overdue func(w *toy, o detectors.Overdue, r *detectors.Report)) *detectors.Detector {
	return &detectors.Detector{
		Name: name, StartsOn: fsm.On(fsm.FinSent), SubscribesTo: fsm.On(fsm.FinSent),
		Watch: func(*detectors.Report) detectors.Watcher { return &toy{wait: wait, overdue: overdue} },
	}
}

// A wire is one connection with its watchers, at the time of its last segment.
type wire struct {
	Set
	conn     fsm.Conn
	ev       fsm.Events
	watchers uint32
	at       int64
	frame    uint32
}

func newWire(list ...*detectors.Detector) *wire {
	return &wire{Set: NewSet(list, &detectors.Settings{TimeWait: time.Minute}), at: int64(time.Hour)}
}

// send delivers what a segment of A, or of B, brings after a while.
func (w *wire) send(fromB bool, after time.Duration, flags reassembly.Flags, seq, ack reassembly.Seq) {
	w.at += int64(after)
	w.frame++
	seg := reassembly.Segment{At: w.at, Frame: w.frame, Flags: flags, Seq: seq, Ack: ack, Window: 1000}
	seg.Src.Port, seg.Dst.Port = 1, 2
	if fromB {
		seg.Src.Port, seg.Dst.Port = 2, 1
	}
	if w.frame == 1 {
		w.conn.Begin(&seg)
	}
	if w.watchers != 0 {
		w.watchers = w.Expire(w.watchers, w.at, w.conn.View())
	}
	_, fromLo := reassembly.KeyOf(&seg)
	w.conn.Step(&seg, w.conn.SideOf(fromLo), nil, &w.ev)
	w.watchers = w.Deliver(w.watchers, 7, w.conn.View(), &w.ev)
}

const (
	ack = reassembly.ACK
	fin = reassembly.FIN | reassembly.ACK
)

// One that asks again for a moment that has come waits for its next event. Nobody
// else's deadline is disturbed by that, nor is it called when that passes.
func TestExpire_deadlinesAreIndependent(t *testing.T) {
	for _, first := range []bool{true, false} {
		asked, late := 0, 0
		again := toyDetector("again", time.Second, func(w *toy, o detectors.Overdue, r *detectors.Report) {
			asked++
			w.deadline[0].Arm(o.At-int64(time.Second), r) // due at o.At, now
		})
		later := toyDetector("later", 1500*time.Millisecond, func(w *toy, o detectors.Overdue, r *detectors.Report) {
			late++
			w.deadline[0].Disarm()
		})
		list := []*detectors.Detector{again, later}
		if !first {
			list = []*detectors.Detector{later, again}
		}
		w := newWire(list...)
		w.send(false, 0, ack, 1, 1)
		w.send(false, 0, fin, 1, 1)
		w.send(true, 2*time.Second, ack, 1, 1)
		if asked != 1 || late != 1 {
			t.Errorf("with the restless one first: %t: %d calls of it, %d of the other; want one each", first, asked, late)
		}
		w.watchers = w.Expire(w.watchers, w.at, w.conn.View())
		if asked != 1 {
			t.Errorf("the restless one was asked %d times without an event", asked)
		}
		w.send(true, 0, fin, 1, 1)
		if w.Expire(w.watchers, w.at, w.conn.View()); asked != 2 {
			t.Errorf("the restless one was asked %d times, its second event included; want 2", asked)
		}
	}
}

// Of two deadlines, each passes at its own time, the earlier first.
func TestExpire_inOrder(t *testing.T) {
	var order []int64
	note := func(w *toy, o detectors.Overdue, r *detectors.Report) {
		order = append(order, o.At)
		if len(order) < 4 {
			w.deadline[0].Arm(o.At, r)
		} else {
			w.deadline[0].Disarm()
		}
	}
	w := newWire(toyDetector("one", time.Second, note), toyDetector("two", time.Second, note))
	w.send(false, 0, ack, 1, 1)
	w.send(false, 0, fin, 1, 1)
	begin := w.at
	w.send(true, time.Minute, ack, 1, 1)
	s := int64(time.Second)
	for i, want := range []int64{s, s, 2 * s, 2 * s} {
		if i >= len(order) || order[i] != begin+want {
			t.Fatalf("deadlines passed at %v, %d after the FIN; want 1 s, 1 s, 2 s, 2 s", order, begin)
		}
	}
}

// A deadline is due at its time, and not once the connection has ended.
func TestSet_endAndDue(t *testing.T) {
	w := newWire(toyDetector("one", time.Second, func(w *toy, _ detectors.Overdue, _ *detectors.Report) { w.deadline[0].Disarm() }))
	w.send(false, 0, ack, 1, 1)
	if w.watchers != 0 || w.Running(w.watchers) != 0 {
		t.Fatal("a watcher runs before anything starts one")
	}
	w.send(false, 0, fin, 1, 1)
	due := 0
	count := func(owner, watchers uint32, at int64) {
		if owner != 7 || watchers != w.watchers || at != w.at+int64(time.Second) {
			t.Errorf("due at %d: ID %d, watchers %d", at, owner, watchers)
		}
		due++
	}
	if w.Due(w.at+int64(time.Second)-1, count); due != 0 {
		t.Error("due too early")
	}
	if w.Due(w.at+int64(time.Second), count); due != 1 || w.Running(w.watchers) != 1 {
		t.Errorf("%d connections are due, %d watchers run; want one each", due, w.Running(w.watchers))
	}
	w.End(w.watchers, &w.conn, detectors.Ending{At: w.at}, 0, nil)
	if w.Due(w.at+int64(time.Hour), count); due != 1 {
		t.Error("a connection that has ended is due")
	}
}

// A half-closed connection's timer fires a second after the ACK of its FIN, and is
// gone once it need not run.
func TestHalfCloses(t *testing.T) {
	w := newWire(toyDetector("one", time.Second, func(*toy, detectors.Overdue, *detectors.Report) {}))
	w.send(false, 0, ack, 1, 1)
	w.send(true, 0, ack, 1, 1)
	w.Timers.Arm(3, 5, &w.conn)
	if w.Timers.Len() != 0 {
		t.Fatal("a timer runs before any FIN")
	}
	w.send(false, 0, fin, 1, 1)
	w.send(true, 0, ack, 1, 2)
	w.Timers.Arm(3, 5, &w.conn)
	first := w.at + int64(fsm.HalfCloseGrace)
	w.send(true, time.Millisecond, ack, 1, 2)
	w.Timers.Arm(4, 6, &w.conn)
	due := w.at + int64(fsm.HalfCloseGrace)
	if w.Timers.Due(first-1) || !w.Timers.Due(first) || w.Timers.Len() != 2 {
		t.Error("two timers run, the first due after a second: not so")
	}
	if w.Timers.Prune(func(h *HalfClose) bool { return h.Owner == 4 }); w.Timers.Due(due - 1) {
		t.Error("what was pruned is due")
	}
	h, at, is := w.Timers.Next(due)
	if !is || at != due || h.Owner != 4 || h.Position != 6 || h.Side != reassembly.A {
		t.Errorf("%+v fires at %d (%t), want that of connection 4 at %d", h, at, is, due)
	}
	if _, _, is := w.Timers.Next(due); is {
		t.Error("another timer is due")
	}
	for n := range latest + 2 {
		w.Timers.Arm(uint32(n), uint64(n), &w.conn)
	}
	w.Timers.Stop(0) // not one of the latest
	w.Timers.Stop(latest + 1)
	w.Timers.Stop(5)
	if n := w.Timers.Len(); n != latest || !w.Timers.Due(due) {
		t.Errorf("%d timers run, or none is due; want %d, as two of the latest were stopped", n, latest)
	}
	var left []uint64
	for h, _, is := w.Timers.Next(due); is; h, _, is = w.Timers.Next(due) {
		left = append(left, h.Position)
	}
	if want := []uint64{0, 1, 2, 3, 4, 6, 7, 8}; !slices.Equal(left, want) {
		t.Errorf("timers of %d fire, want %d", left, want)
	}
	w.Timers.Arm(3, 5, &w.conn)
	if w.Timers.Stop(5); w.Timers.Len() != 0 || w.Timers.Due(due) {
		t.Error("the only timer runs on after it was stopped")
	}
}
