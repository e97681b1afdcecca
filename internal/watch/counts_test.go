package watch

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A finder reports each FIN at once, unless it is off.
type finder struct {
	outcome *detectors.Outcome
	off     *bool
}

func (w *finder) Event(ev fsm.Event, r *detectors.Report) {
	if !*w.off {
		m := reassembly.MarkOf(ev.Seg)
		r.Emit(r.Find(w.outcome, ev.Side, ev.Seg.At, r.Evidence("FIN", ev.Side, &m)))
	}
}

func finderDetector(name string, off *bool, yieldsTo ...string) *detectors.Detector {
	o := &detectors.Outcome{Name: "fin", Severity: detectors.Info}
	return &detectors.Detector{
		Name: name, StartsOn: fsm.On(fsm.FinSent), SubscribesTo: fsm.On(fsm.FinSent),
		Outcomes: []*detectors.Outcome{o}, YieldsTo: yieldsTo,
		Watch: func(*detectors.Report) detectors.Watcher { return &finder{o, off} },
	}
}

// again has the wire begin another connection, in which A sends a FIN, and end it.
func (w *wire) again() []Found {
	w.conn, w.watchers, w.frame = fsm.Conn{}, 0, 0
	w.send(false, 0, ack, 1, 1)
	w.send(false, 0, fin, 1, 1)
	return w.End(w.watchers, &w.conn, detectors.Ending{At: w.at}, 0, nil)
}

// A thousand findings of a detector are listed. Further ones are counted, and there is
// room for as many again as were forgotten.
func TestCounts_forgottenMakeRoom(t *testing.T) {
	w := newWire(finderDetector("one", new(bool)))
	var listed []Found
	for range maxHeld + 5 {
		listed = append(listed, w.again()...)
	}
	if len(listed) != maxHeld || w.total() != 5 {
		t.Fatalf("%d findings are listed and %d counted; want %d and 5", len(listed), w.total(), maxHeld)
	}
	for i := range 3 {
		w.Forget(&listed[i])
	}
	more := 0
	for range 5 {
		more += len(w.again())
	}
	if more != 3 || w.total() != 5+3+2 {
		t.Errorf("three are forgotten: %d more are listed, %d counted; want 3 and 10", more, w.total())
	}
}

// total is how many findings are only counted.
func (w *wire) total() (n uint64) {
	for _, c := range w.Unlisted {
		n += c.N
	}
	return n
}

// A finding that another detector explains better takes no room.
func TestCounts_yieldedTakeNoRoom(t *testing.T) {
	off := false
	w := newWire(finderDetector("better", &off), finderDetector("worse", new(bool), "better"))
	listed := func(order int) (n int) {
		for _, f := range w.again() {
			if f.Order == order {
				n++
			}
		}
		return n
	}
	for range 10 {
		if n := listed(1); n != 0 {
			t.Fatalf("%d findings of the worse detector are listed", n)
		}
	}
	off = true
	for i := range maxHeld {
		if listed(1) != 1 {
			t.Fatalf("after %d findings, the next is not listed", i)
		}
	}
	if listed(1) != 0 {
		t.Error("too many findings are listed")
	}
}

// A finding that is only counted and that another explains better leaves no room for more.
func TestCounts_countedAndYielded(t *testing.T) {
	off := true
	w := newWire(finderDetector("better", &off), finderDetector("worse", new(bool), "better"))
	for range maxHeld {
		w.again()
	}
	off = false
	for range 3 {
		w.again()
	}
	off = true
	if listed := w.again(); len(listed) != 0 {
		t.Errorf("%d findings are listed where there was no room", len(listed))
	}
}

// A set that reports findings as they are found has room for all.
func TestCounts_live(t *testing.T) {
	w := newWire(finderDetector("one", new(bool)))
	w.Withdraw = func(a Anchor, _ bool) { t.Errorf("%v is withdrawn", a) }
	for n := range maxHeld + 5 {
		if len(w.again()) != 1 || w.total() != 0 {
			t.Fatalf("finding %d is not listed", n)
		}
	}
}

// What was reported, and another detector explains better at the end, is withdrawn then.
func TestEnd_withdraws(t *testing.T) {
	for _, better := range []bool{false, true} {
		at := finderDetector("at the end", new(bool))
		at.Watch = func(*detectors.Report) detectors.Watcher { return &endFinder{outcome: at.Outcomes[0], off: !better} }
		w := newWire(finderDetector("at once", new(bool), "at the end"), at)
		var reported, withdrawn int
		w.Withdraw = func(Anchor, bool) { withdrawn++ }
		w.send(false, 0, ack, 1, 1)
		w.send(false, 0, fin, 1, 1)
		w.Changes(w.watchers, func(detectors.Finding) { reported++ })
		listed := w.End(w.watchers, &w.conn, detectors.Ending{At: w.at}, 0, nil)
		if reported != 1 || len(listed) != 1 || (withdrawn == 1) != better {
			t.Errorf("explained better: %t: %d are reported, %d withdrawn, %d listed", better, reported, withdrawn, len(listed))
		}
	}
}

// An endFinder reports the FIN at the end.
type endFinder struct {
	outcome *detectors.Outcome
	fin     reassembly.Mark
	off     bool
}

func (w *endFinder) Event(ev fsm.Event, _ *detectors.Report) { w.fin = reassembly.MarkOf(ev.Seg) }

func (w *endFinder) End(e detectors.Ending, r *detectors.Report) {
	if !w.off {
		r.Emit(r.Find(w.outcome, reassembly.A, e.At, r.Evidence("FIN", reassembly.A, &w.fin)))
	}
}
