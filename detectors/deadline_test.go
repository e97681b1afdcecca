package detectors

import (
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// patient waits on two sides, for as long as its limits say.
type patient struct {
	due    [2]Deadline
	limit  [2]int64 // after Since
	calls  []Overdue
	sides  []int
	act    func(i int, r *Report) // instead of a finding
	events func(ev fsm.Event, r *Report)
}

func (w *patient) Event(ev fsm.Event, r *Report) { w.events(ev, r) }
func (w *patient) Deadlines() []Deadline         { return w.due[:] }

func (w *patient) Limit(i int, _ *Report) int64 { return w.due[i].Since() + w.limit[i] }

func (w *patient) Overdue(i int, o Overdue, r *Report) {
	w.calls, w.sides = append(w.calls, o), append(w.sides, i)
	if w.act != nil {
		w.act(i, r)
		return
	}
	seg := reassembly.Segment{At: w.due[i].Since(), Frame: uint32(i + 1)}
	w.due[i].Emit(r.Find(late, 0, o.At, Evidence{Role: "anchor", Seg: seg}), r)
}

var late = &Outcome{Name: "late"}

// start is a run of the watcher, armed on both sides at 1 s.
func (w *patient) start(t *testing.T, arm ...int) (*Run, *Report) {
	t.Helper()
	var c fsm.Conn
	c.Begin(&reassembly.Segment{At: 1, Flags: reassembly.SYN})
	x := new(Run)
	d := &Detector{Name: "patient", Outcomes: []*Outcome{late}, SubscribesTo: fsm.On(fsm.Sent), Watch: func(r *Report) Watcher {
		for _, i := range arm {
			w.due[i].Arm(second, r)
		}
		return w
	}}
	r := NewReport(&Settings{}).About(x, d, c.View())
	if !x.Start(r) {
		t.Fatal("the watcher does not start")
	}
	return x, r
}

const second = int64(time.Second)

func (w *patient) do(x *Run, r *Report, what func(r *Report)) {
	w.events = func(_ fsm.Event, r *Report) { what(r) }
	x.Event(fsm.Event{Kind: fsm.Sent, Seg: new(reassembly.Segment)}, 0, r)
}

func TestDeadline_limitGrows(t *testing.T) {
	w := &patient{limit: [2]int64{3 * second, 5 * second}}
	x, r := w.start(t, 0, 1)
	if x.Next() != 4*second {
		t.Fatalf("next deadline at %d, want 4 s", x.Next())
	}
	w.limit[0] = 4 * second // an RTO that has grown meanwhile
	if x.Expire(4*second, r); len(w.calls) != 0 || x.Next() != 5*second {
		t.Fatalf("overdue %v, next deadline at %d; want none, and 5 s", w.calls, x.Next())
	}
	if x.Expire(5*second, r); len(w.calls) != 1 || w.sides[0] != 0 || w.calls[0] != (Overdue{At: 5 * second, Now: 5 * second}) {
		t.Fatalf("overdue %v of %v, want side 0 at 5 s", w.calls, w.sides)
	}
	if x.Next() != 6*second {
		t.Errorf("next deadline at %d, want the other side's at 6 s", x.Next())
	}
	if n := len(x.Findings()); n != 1 {
		t.Errorf("%d findings, want 1", n)
	}
}

func TestDeadline_satisfied(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(d *Deadline, r *Report)
		left int  // findings
		asks bool // there is a next deadline
	}{
		{"Satisfy withdraws", func(d *Deadline, r *Report) { d.Satisfy(r) }, 0, false},
		{"Disarm lets stand", func(d *Deadline, r *Report) { d.Disarm() }, 1, false},
		{"Satisfy after Disarm does nothing", func(d *Deadline, r *Report) { d.Disarm(); d.Satisfy(r) }, 1, false},
		{"Withdraw waits on, for whoever extends it", func(d *Deadline, r *Report) { d.Withdraw(r); d.Extend(10*second, r) }, 0, true},
		{"Extend lets stand", func(d *Deadline, r *Report) { d.Extend(10*second, r) }, 1, true},
		{"Extend after Satisfy does nothing", func(d *Deadline, r *Report) { d.Satisfy(r); d.Extend(10*second, r) }, 0, false},
		{"Arm starts again", func(d *Deadline, r *Report) { d.Arm(10*second, r) }, 1, true},
	} {
		w := &patient{limit: [2]int64{second, second}}
		x, r := w.start(t, 0)
		x.Expire(2*second, r)
		w.do(x, r, func(r *Report) { c.do(&w.due[0], r) })
		if n := len(x.Findings()); n != c.left {
			t.Errorf("%s: %d findings, want %d", c.name, n, c.left)
		}
		if asks := x.Next() == 11*second; asks != c.asks || !asks && x.Next() != 0 {
			t.Errorf("%s: next deadline at %d", c.name, x.Next())
		}
	}
}

// What was reported is not reported twice, but looked at again at the end; what is
// not due by then is given how much was missing.
func TestDeadline_end(t *testing.T) {
	w := &patient{limit: [2]int64{second, 5 * second}}
	x, r := w.start(t, 0, 1)
	x.Expire(2*second, r)
	x.Expire(3*second, r)
	x.End(Ending{At: 4 * second}, 0, r)
	want := []Overdue{
		{At: 2 * second, Now: 2 * second},
		{At: 2 * second, Now: 4 * second, Ended: true},
		{At: 4 * second, Now: 4 * second, Short: 2 * second, Ended: true},
	}
	if !slices.Equal(w.calls, want) || !slices.Equal(w.sides, []int{0, 0, 1}) {
		t.Errorf("overdue %+v of %v, want %+v of [0 0 1]", w.calls, w.sides, want)
	}
	if n := len(x.Findings()); n != 2 {
		t.Errorf("%d findings, want one for each side", n)
	}
}

// A watcher that has nothing to report when a deadline comes is asked again only
// once it has moved.
func TestDeadline_unreported(t *testing.T) {
	w := &patient{limit: [2]int64{second, second}, act: func(int, *Report) {}}
	x, r := w.start(t, 0)
	if x.Expire(2*second, r); len(w.calls) != 1 || x.Next() != 0 {
		t.Fatalf("%d calls, next deadline at %d; want 1, and none", len(w.calls), x.Next())
	}
	w.do(x, r, func(*Report) {})
	if x.Next() != 0 {
		t.Errorf("an event that moves nothing asks for a deadline at %d", x.Next())
	}
}
