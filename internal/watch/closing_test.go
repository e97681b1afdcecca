package watch

import (
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A recorder notes what it is given.
type recorder struct{ seen *[]recorded }

type recorded struct {
	kind  fsm.Kind
	side  reassembly.Side
	class fsm.Class
	mark  reassembly.Mark
}

func (w recorder) Event(ev fsm.Event, _ *detectors.Report) {
	*w.seen = append(*w.seen, recorded{ev.Kind, ev.Side, ev.Class, reassembly.MarkOf(ev.Seg)})
}

func recorderDetector(name string, skips bool, seen *[]recorded) *detectors.Detector {
	return &detectors.Detector{
		Name: name, StartsOn: fsm.On(fsm.FinSent), SkipsClose: skips,
		SubscribesTo: fsm.On(fsm.Advanced, fsm.FinAcked, fsm.FinSent, fsm.DataSent, fsm.FinResent, fsm.ResetSent, fsm.Sent),
		Watch:        func(*detectors.Report) detectors.Watcher { return recorder{seen} },
	}
}

const rst = reassembly.RST

// ordinaryClose has the connection close in order.
func (w *wire) ordinaryClose() {
	w.send(false, 0, ack, 1, 1)
	w.send(true, 0, ack, 1, 1)
	w.send(false, time.Millisecond, fin, 1, 1)
	w.send(true, time.Millisecond, ack, 1, 2)
	w.send(true, time.Millisecond, fin, 1, 2)
	w.send(false, time.Millisecond, ack, 2, 2)
}

// acks has the client repeat its last ACK so many times.
func (w *wire) acks(n int) {
	for range n {
		w.send(false, time.Millisecond, ack, 2, 2)
	}
}

// Whatever follows a close, a detector that skips ordinary ones is given the same as one
// that does not; and nothing if it stays an ordinary one.
func TestClosing_sameEvents(t *testing.T) {
	for name, test := range map[string]struct {
		then    func(w *wire)
		watched bool
	}{
		"nothing":                          {func(w *wire) {}, false},
		"another ACK":                      {func(w *wire) { w.send(false, time.Millisecond, ack, 2, 2) }, false},
		"an ACK, later":                    {func(w *wire) { w.send(false, time.Second, ack, 2, 2) }, true},
		"a RST":                            {func(w *wire) { w.send(true, time.Millisecond, rst, 2, 0) }, true},
		"the FIN again":                    {func(w *wire) { w.send(true, time.Millisecond, fin, 1, 2) }, true},
		"as many segments as are recorded": {func(w *wire) { w.acks(28) }, false},
		"more segments than recorded":      {func(w *wire) { w.acks(29) }, true},
		"many segments, and a RST": {func(w *wire) {
			w.acks(5)
			w.send(true, time.Millisecond, rst, 2, 0)
		}, true},
	} {
		for _, beside := range []string{"", "before", "after"} { // another watcher, which starts before the close or after it
			var seen, others [2][]recorded
			for i, d := range []*detectors.Detector{recorderDetector("all", false, &seen[0]), recorderDetector("skipping", true, &seen[1])} {
				w := newWire(d, &detectors.Detector{
					Name: "other", StartsOn: fsm.On(fsm.Transferred), SubscribesTo: fsm.On(fsm.FinSent, fsm.FinAcked, fsm.Sent),
					Watch: func(*detectors.Report) detectors.Watcher { return recorder{&others[i]} },
				})
				w.send(false, 0, ack, 1, 1)
				w.transfer(beside == "before")
				w.ordinaryClose()
				w.transfer(beside == "after")
				test.then(w)
			}
			all, skipping := seen[0], seen[1]
			switch {
			case !test.watched && len(skipping) > 0:
				t.Errorf("%s, %q: the detector that skips is given %d events", name, beside, len(skipping))
			case test.watched && !slices.Equal(skipping, all):
				t.Errorf("%s, %q: the detector that skips is given\n%v\nthe other\n%v", name, beside, skipping, all)
			}
			if !slices.Equal(others[0], others[1]) || beside == "before" && len(others[0]) == 0 {
				t.Errorf("%s, %q: another detector is given\n%v\nor, beside one that skips,\n%v", name, beside, others[0], others[1])
			}
		}
	}
}

// transfer says, if it is to, that a run of payload is over.
func (w *wire) transfer(is bool) {
	if is {
		w.watchers = w.Transferred(w.watchers, 7, w.conn.View(), w.at, &detectors.Transfer{})
	}
}

// A FIN that is not acknowledged for a second is watched, by the clock or at the end; one
// that is acknowledged in time is not.
func TestClosing_silence(t *testing.T) {
	for _, acked := range []bool{false, true} {
		for _, after := range []time.Duration{fsm.CloseGrace - 1, fsm.CloseGrace} {
			var seen []recorded
			w := newWire(recorderDetector("skipping", true, &seen))
			if acked {
				w.ordinaryClose()
			} else {
				w.send(false, 0, ack, 1, 1)
				w.send(false, 0, fin, 1, 1)
			}
			due := 0
			w.Due(w.at+int64(after), func(owner, watchers uint32, _ int64) {
				due++
				w.watchers = w.Expire(watchers, w.at+int64(after), w.conn.View())
			})
			if want := !acked && after == fsm.CloseGrace; (w.Running(w.watchers) > 0) != want || (due > 0) != want {
				t.Errorf("acknowledged: %t, %s after: %d are due, %d watchers", acked, after, due, w.Running(w.watchers))
			}
			w.End(w.watchers, &w.conn, detectors.Ending{At: w.at}, 0, nil)
			if (len(seen) > 0) == acked {
				t.Errorf("acknowledged: %t: at the end, the detector was given %d events", acked, len(seen))
			}
		}
	}
}
