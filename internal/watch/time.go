package watch

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Answered gives those who subscribe the event that the server's answer is over, or will
// not come, and starts the watchers that it calls for. It returns who watches the
// connection from now on.
func (s *Set) Answered(watchers, owner uint32, c fsm.View, at int64, x *detectors.Exchange) uint32 {
	side, m := reassembly.B, &x.Answer
	if m.At == 0 {
		side, m = reassembly.A, &x.Request
	}
	seg := m.Segment(c.Endpoint(side), c.Endpoint(side.Peer()))
	ev := fsm.Event{Kind: fsm.Answered, Side: reassembly.B, Seg: &seg}
	return s.bring(watchers, owner, c, ev.Kind, func(w *watcher) { w.Time(ev, at, x, nil, s.about(w, c)) })
}

// Transferred does the same for a run of payload that is over.
func (s *Set) Transferred(watchers, owner uint32, c fsm.View, at int64, t *detectors.Transfer) uint32 {
	seg := t.Last.Segment(c.Endpoint(t.From), c.Endpoint(t.From.Peer()))
	ev := fsm.Event{Kind: fsm.Transferred, Side: t.From, Seg: &seg}
	return s.bring(watchers, owner, c, ev.Kind, func(w *watcher) { w.Time(ev, at, nil, t, s.about(w, c)) })
}
