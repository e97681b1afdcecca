package detectors

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// A Run is one watcher at work on one connection. Engines drive it; detectors need
// not know of it.
type Run struct {
	watcher Watcher
	report  Report
}

// Start starts a watcher for the connection. ok is false if the connection is of no
// interest to the detector.
func (x *Run) Start(d *Detector, c fsm.View, s *Settings) (ok bool) {
	x.report = Report{Conn: c, Settings: s, detector: d, subscribed: [2]fsm.Kinds{d.SubscribesTo, d.SubscribesTo}}
	if x.watcher = d.Watch(&x.report); x.watcher == nil {
		return false
	}
	x.schedule()
	return true
}

// schedule asks for the limits of the deadlines that were armed or extended, as few events do.
func (x *Run) schedule() {
	if !x.report.moved {
		return
	}
	if w, is := x.watcher.(Waiter); is {
		x.report.schedule(w)
	}
}

// Subscribed are the kinds of event that the watcher wants now, by the side of the event.
func (x *Run) Subscribed() *[2]fsm.Kinds { return &x.report.subscribed }

// Deliver gives the watcher those of a segment's events that it wants.
func (x *Run) Deliver(events *fsm.Events) {
	kinds := x.report.subscribed // it may change them, from the next segment on
	x.report.Before = events.Before
	for i := range events.Len() {
		if events.Has(i, &kinds) {
			x.watcher.Event(events.At(i), &x.report)
		}
	}
	if x.report.moved {
		x.schedule()
	}
}

// Event gives the watcher an event that no segment of the connection brought, at
// trace time at.
func (x *Run) Event(ev fsm.Event, at int64) {
	x.report.Before = x.report.StatesNow(at)
	x.watcher.Event(ev, &x.report)
	x.schedule()
}

// Time gives the watcher an event about where the time went, at trace time at: of x,
// or of t.
func (x *Run) Time(ev fsm.Event, at int64, e *Exchange, t *Transfer) {
	x.report.Exchange, x.report.Transfer = e, t
	x.Event(ev, at)
	x.report.Exchange, x.report.Transfer = nil, nil
}

// Next is the watcher's next deadline in trace time; 0 if there is none.
func (x *Run) Next() int64 { return x.report.wake }

// Expire has the watcher report what is overdue at trace time now.
func (x *Run) Expire(now int64) {
	x.report.wake = 0
	x.report.Before = x.report.StatesNow(now)
	if w, is := x.watcher.(Waiter); is {
		x.report.expire(w, now, false, 0)
	}
}

// End ends the watcher: nothing more will come. limits are those of the whole
// capture, for this connection.
func (x *Run) End(e Ending, limits fsm.Limits) {
	x.report.Capture |= limits
	x.report.Before = x.report.StatesNow(e.At)
	if w, is := x.watcher.(Waiter); is {
		x.report.expire(w, e.At, true, e.Why)
	}
	if w, is := x.watcher.(Ender); is {
		w.End(e, &x.report)
	}
}

// ReadAtEnd says that findings are read only at the end: see [Report.ReadAtEnd].
func (x *Run) ReadAtEnd() { x.report.readAtEnd = true }

// Findings are those that stand.
func (x *Run) Findings() []Standing { return x.report.Findings() }

// Omitted is how many findings were reported and left out again, because too many
// stood already.
func (x *Run) Omitted() int {
	if x.report.found == nil {
		return 0
	}
	return x.report.found.omitted
}

// Changed reports whether something was reported or withdrawn since it was last asked.
func (x *Run) Changed() bool {
	was := x.report.changed
	x.report.changed = false
	return was
}

// Err is an error of the detector itself: it used an outcome that it does not declare.
func (x *Run) Err() error {
	if x.report.found == nil || x.report.found.undeclared == "" {
		return nil
	}
	return fmt.Errorf("the detector %s reported the outcome %q, which it does not declare", x.report.detector.Name, x.report.found.undeclared)
}
