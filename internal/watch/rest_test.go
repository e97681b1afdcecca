package watch

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A guest leaves when it is idle.
type guest struct {
	seen   []fsm.Kind
	busy   bool
	left   *int
	report bool // it reports a finding
}

var guestOutcome = &detectors.Outcome{Name: "seen", Severity: detectors.Info}

func (w *guest) Event(ev fsm.Event, r *detectors.Report) {
	w.seen = append(w.seen, ev.Kind)
	if w.report {
		r.Emit(r.Find(guestOutcome, ev.Side, ev.Seg.At, detectors.Evidence{Seg: *ev.Seg}))
	}
}
func (w *guest) Idle(*detectors.Report) bool { return !w.busy }
func (w *guest) Leave()                      { *w.left++ }

// A watcher that is idle leaves a connection that has closed, unless it has reported something, and starts again with what
// starts it. The others, their order and the record of the close stay.
func TestRest(t *testing.T) {
	for name, test := range map[string]struct {
		guests []guest
		eager  bool
		closes bool // there is the record of a close, too
		left   int
	}{
		"one":                    {guests: make([]guest, 1), left: 1},
		"one, and a close":       {guests: make([]guest, 1), closes: true, left: 1},
		"one is busy":            {guests: []guest{{busy: true}}, closes: true},
		"one has found":          {guests: []guest{{report: true}}},
		"the first stays":        {guests: []guest{{busy: true}, {}, {}}, left: 2},
		"the second stays":       {guests: []guest{{}, {busy: true}, {}}, closes: true, left: 2},
		"the last stays":         {guests: []guest{{}, {}, {busy: true}}, left: 2},
		"findings are read soon": {guests: make([]guest, 1), eager: true},
	} {
		left := 0
		var started []*guest
		var list []*detectors.Detector
		for i := range test.guests {
			list = append(list, &detectors.Detector{
				Name: string(rune('a' + i)), Outcomes: []*detectors.Outcome{guestOutcome}, StartsOn: fsm.On(fsm.DataSent), SubscribesTo: fsm.On(fsm.DataSent),
				Watch: func(*detectors.Report) detectors.Watcher {
					w := test.guests[i]
					w.left = &left
					started = append(started, &w)
					return &w
				},
			})
		}
		if test.closes {
			list = append(list, recorderDetector("skips", true, new([]recorded)))
		}
		w := newWire(list...)
		w.Eager = test.eager
		w.send(false, 0, ack, 1, 1)
		w.send(true, 0, ack, 1, 1)
		w.sendData(5)
		w.send(false, time.Millisecond, fin, 6, 1)
		w.send(true, time.Millisecond, ack, 1, 7)
		w.send(true, time.Millisecond, fin, 1, 7)
		w.send(false, time.Millisecond, ack, 7, 2)
		w.watchers = w.Rest(w.watchers, w.conn.View())
		stay := len(test.guests) - test.left
		if left != test.left || w.Running(w.watchers) != stay {
			t.Errorf("%s: %d left and %d stay; want %d and %d", name, left, w.Running(w.watchers), test.left, stay)
		}
		if of, ok := w.Record(w.watchers); stay == 0 && (!ok || (of != nil) != test.closes) {
			t.Errorf("%s: with the record of its close: %t; want %t", name, of != nil, test.closes)
		}
		if of := w.closingOf(w.watchers); of != nil && of.grouped != (stay > 0) {
			t.Errorf("%s: the record of the close is that of watchers: %t", name, of.grouped)
		}
		before := len(started)
		w.watchers = w.Rest(w.watchers, w.conn.View())
		w.sendData(5)
		if again := len(started) - before; again != test.left || w.Running(w.watchers) < len(test.guests) {
			t.Errorf("%s: %d start again, %d run; want %d of %d", name, again, w.Running(w.watchers), test.left, len(test.guests))
		}
		for i, g := range started[before:] {
			if len(g.seen) != 1 {
				t.Errorf("%s: %d, started again, is given %d events, want the one that started it", name, i+1, len(g.seen))
			}
		}
		w.End(w.watchers, &w.conn, detectors.Ending{At: w.at}, 0, nil)
	}
}

// sendData delivers what payload of A brings, right behind what it has sent.
func (w *wire) sendData(n uint32) {
	w.at += int64(time.Millisecond)
	w.frame++
	out := w.conn.View().Stream(reassembly.A)
	seg := reassembly.Segment{At: w.at, Frame: w.frame, Flags: ack, Seq: out.Nxt, Ack: 1, Window: 1000, Len: n}
	seg.Src.Port, seg.Dst.Port = 1, 2
	w.watchers = w.Expire(w.watchers, w.at, w.conn.View())
	w.conn.Step(&seg, reassembly.A, nil, &w.ev)
	w.watchers = w.Deliver(w.watchers, 7, w.conn.View(), &w.ev)
}
