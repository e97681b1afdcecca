package watch

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// held is how many findings there are by now, without those that are only counted.
func held(s *Set) (n int) {
	for i := range s.rooms {
		n += s.rooms[i].total
	}
	return n
}

// graded is a detector that reports each FIN with the severity that is set.
func graded(severity *detectors.Severity) *detectors.Detector {
	var outcomes []*detectors.Outcome
	for _, s := range []detectors.Severity{detectors.Info, detectors.Warning, detectors.Critical} {
		outcomes = append(outcomes, &detectors.Outcome{Name: s.String(), Severity: s})
	}
	return &detectors.Detector{
		Name: "graded", StartsOn: fsm.On(fsm.FinSent), SubscribesTo: fsm.On(fsm.FinSent), Outcomes: outcomes,
		Watch: func(*detectors.Report) detectors.Watcher { return &grader{outcomes, severity} },
	}
}

type grader struct {
	outcomes []*detectors.Outcome
	severity *detectors.Severity
}

func (w *grader) Event(ev fsm.Event, r *detectors.Report) {
	m := reassembly.MarkOf(ev.Seg)
	f := r.Find(w.outcomes[*w.severity], ev.Side, ev.Seg.At, r.Evidence("FIN", ev.Side, &m))
	f.Message = "a sentence"
	r.Emit(f)
}

// Where a partition has found as much as it keeps, the worst is kept, whether the
// connections of what is milder have ended or not, and of these the earliest.
func TestRoom_worstFirst(t *testing.T) {
	for _, ended := range []bool{true, false} {
		severity := detectors.Info
		w := newWire(graded(&severity))
		type open struct {
			conn     fsm.Conn
			watchers uint32
		}
		var conns []open
		var all []Found
		end := func(c *open) { all = w.End(c.watchers, &c.conn, detectors.Ending{At: w.at}, 0, all) }
		give := func(s detectors.Severity, n int) {
			for severity = s; n > 0; n-- {
				w.conn, w.watchers, w.frame = fsm.Conn{}, 0, 0
				w.send(false, 1, ack, 1, 1)
				w.send(false, 1, fin, 1, 1)
				conns = append(conns, open{w.conn, w.watchers})
				if ended {
					end(&conns[len(conns)-1])
				}
			}
		}
		give(detectors.Info, maxHeld+10)
		give(detectors.Critical, 20)
		give(detectors.Warning, 30)
		give(detectors.Info, 5)
		if n := held(&w.Set); n != maxHeld {
			t.Errorf("%d findings are kept", n)
		}
		for i := range conns {
			if !ended {
				end(&conns[i])
			}
		}
		var n [3]int
		latest := int64(0)
		for _, f := range all {
			if f.IsShort() {
				continue // to be left out by whoever has it
			}
			if n[f.Severity]++; f.Message == "" {
				t.Error("a finding that is listed has no sentence")
			}
			if f.Severity == detectors.Info {
				latest = max(latest, f.Start)
			}
		}
		if want := [3]int{maxHeld - 50, 30, 20}; n != want {
			t.Errorf("ended %t: info, warning, critical: %v are listed, want %v", ended, n, want)
		}
		if first := all[0].Start; latest != first+2*(maxHeld-50-1) {
			t.Errorf("ended %t: the last that is mild comes %d after the first", ended, latest-first)
		}
		if w.total() != 65 {
			t.Errorf("ended %t: %d are only counted, want 65", ended, w.total())
		}
	}
}

// A finding that becomes worse takes the place of a milder one.
func TestRoom_becomesWorse(t *testing.T) {
	severity := detectors.Info
	w := newWire(graded(&severity))
	for range maxHeld {
		w.again()
	}
	w.conn, w.watchers, w.frame = fsm.Conn{}, 0, 0
	w.send(false, 0, ack, 1, 1)
	w.send(false, 0, fin, 1, 1)
	severity = detectors.Critical
	w.frame--
	w.send(true, 0, fin, 1, 1) // found again, of the same frame
	all := w.End(w.watchers, &w.conn, detectors.Ending{At: w.at}, 0, nil)
	if len(all) != 1 || all[0].Severity != detectors.Critical || all[0].Message == "" || w.total() != 1 {
		t.Errorf("%d are listed, %d only counted", len(all), w.total())
	}
}
