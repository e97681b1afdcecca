package watch

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A drafter drafts a finding of each FIN, and writes how many segments its connection had by then.
type drafter struct {
	fins    []reassembly.Mark
	packets []uint64
}

var draftOutcome = &detectors.Outcome{Name: "drafted", Severity: detectors.Warning}

func (w *drafter) Event(ev fsm.Event, r *detectors.Report) {
	m := reassembly.MarkOf(ev.Seg)
	f := r.Sketch(draftOutcome, ev.Side)
	if !r.Draft(&f, &m) {
		panic("not drafted, though nobody reads it before the end")
	}
	w.fins = append(w.fins, m)
}

func (w *drafter) Complete(r *detectors.Report) {
	w.packets = append(w.packets, r.Conn.Packets(reassembly.A)+r.Conn.Packets(reassembly.B))
	for i := range w.fins {
		if d := r.Drafted(&w.fins[i]); d != nil {
			f := r.Find(draftOutcome, d.Subject, w.fins[i].At, r.Evidence("FIN", d.Subject, &w.fins[i]))
			r.Complete(&f, d)
		}
	}
}

// A draft that rests on its connection as it is, is written before the connection's next segment is applied, once, and at the end if
// there is none.
func TestDraft_writtenBeforeTheNextSegment(t *testing.T) {
	for name, c := range map[string]struct {
		after func(*wire)
		want  []uint64
	}{
		"at the end":           {func(*wire) {}, []uint64{2}},
		"an ACK":               {func(w *wire) { w.send(true, time.Second, ack, 1, 2) }, []uint64{2}},
		"a clock that is back": {func(w *wire) { w.send(true, -time.Second, ack, 1, 2) }, []uint64{2}},
		"a FIN, too":           {func(w *wire) { w.send(true, time.Second, fin, 1, 2) }, []uint64{2, 3}},
		"two segments":         {func(w *wire) { w.send(true, 0, ack, 1, 2); w.send(true, 0, ack, 1, 2) }, []uint64{2}},
	} {
		watcher := new(drafter)
		d := &detectors.Detector{
			Name: "drafts", Outcomes: []*detectors.Outcome{draftOutcome}, StartsOn: fsm.On(fsm.FinSent), SubscribesTo: fsm.On(fsm.FinSent),
			Watch: func(*detectors.Report) detectors.Watcher { return watcher },
		}
		w := newWire(d)
		w.send(false, 0, ack, 1, 1)
		w.send(false, 0, fin, 1, 1)
		if w.Deaf(w.watchers, fsm.On(fsm.Sent), reassembly.B, w.at) {
			t.Errorf("%s: nobody is told of the next segment, though something is drafted", name)
		}
		c.after(w)
		w.watchers = w.Expire(w.watchers, w.at, w.conn.View())
		found := w.End(w.watchers, &w.conn, detectors.Ending{At: w.at}, 0, nil)
		if len(found) != len(watcher.fins) || len(found) != len(c.want) {
			t.Fatalf("%s: %d findings of %d FINs; want %d", name, len(found), len(watcher.fins), len(c.want))
		}
		for i, want := range c.want {
			if found[i].IsDraft() || len(found[i].Evidence) == 0 {
				t.Errorf("%s: finding %d is still a draft", name, i+1)
			}
			if i >= len(watcher.packets) || watcher.packets[i] != want || len(watcher.packets) != len(c.want) {
				t.Errorf("%s: written when the connection had %d segments; want %d", name, watcher.packets, c.want)
				break
			}
		}
	}
}

// What is drafted as the watcher ends is written, too.
func TestDraft_ofTheEnd(t *testing.T) {
	watcher := new(drafter)
	late := &detectors.Detector{
		Name: "drafts", Outcomes: []*detectors.Outcome{draftOutcome}, StartsOn: fsm.On(fsm.FinSent), SubscribesTo: fsm.On(fsm.FinSent),
		Watch: func(*detectors.Report) detectors.Watcher { return &lateDrafter{drafter: watcher} },
	}
	w := newWire(late)
	w.send(false, 0, ack, 1, 1)
	w.send(false, 0, fin, 1, 1)
	found := w.End(w.watchers, &w.conn, detectors.Ending{At: w.at}, 0, nil)
	if len(found) != 1 || found[0].IsDraft() {
		t.Errorf("%d findings of one FIN, or a draft", len(found))
	}
}

// A lateDrafter drafts when it ends.
type lateDrafter struct {
	*drafter
	ev fsm.Event
	at reassembly.Segment
}

func (w *lateDrafter) Event(ev fsm.Event, _ *detectors.Report) {
	w.ev, w.at = ev, *ev.Seg
	w.ev.Seg = &w.at
}

func (w *lateDrafter) End(_ detectors.Ending, r *detectors.Report) { w.drafter.Event(w.ev, r) }
