package detectors

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// A Run is one watcher at work on one connection. Engines drive it; detectors need
// not know of it. There may be a hundred thousand at a time, so what all of them are given is apart: the
// Report that is about them while they are called.
type Run struct {
	watcher    Watcher
	subscribed [2]fsm.Kinds // by the side of the event
	wake       int64        // the next deadline; 0 = none
	found      *findings    // nil until something is reported: nearly every run stays without
}

// Start starts a watcher for the connection that the report is about. ok is false if the connection is of no
// interest to the detector.
func (x *Run) Start(r *Report) (ok bool) {
	x.subscribed = [2]fsm.Kinds{r.detector.SubscribesTo, r.detector.SubscribesTo}
	if x.watcher = r.detector.Watch(r); x.watcher == nil {
		return false
	}
	x.schedule(r)
	return true
}

// schedule asks for the limits of the deadlines that were armed or extended, as few events do.
func (x *Run) schedule(r *Report) {
	if !r.moved {
		return
	}
	if w, is := x.watcher.(Waiter); is {
		r.schedule(w)
	}
}

// Subscribed are the kinds of event that the watcher wants now, by the side of the event.
func (x *Run) Subscribed() *[2]fsm.Kinds { return &x.subscribed }

// Deliver gives the watcher those of a segment's events that it wants.
func (x *Run) Deliver(events *fsm.Events, r *Report) {
	kinds := x.subscribed // it may change them, from the next segment on
	r.Before = events.Before
	i := 0
	if wanted := events.Of[0]&kinds[0] | events.Of[1]&kinds[1]; wanted == 1<<fsm.Sent {
		i = events.Len() - 1 // it comes last
	}
	for ; i < events.Len(); i++ {
		if events.Has(i, &kinds) {
			x.watcher.Event(events.At(i), r)
		}
	}
	if r.moved {
		x.schedule(r)
	}
}

// Event gives the watcher an event that no segment of the connection brought, at
// trace time at.
func (x *Run) Event(ev fsm.Event, at int64, r *Report) {
	r.Before = r.StatesNow(at)
	x.watcher.Event(ev, r)
	x.schedule(r)
}

// Time gives the watcher an event about where the time went, at trace time at: of e,
// or of t.
func (x *Run) Time(ev fsm.Event, at int64, e *Exchange, t *Transfer, r *Report) {
	r.Exchange, r.Transfer = e, t
	x.Event(ev, at, r)
	r.Exchange, r.Transfer = nil, nil
}

// A Leaver is a Watcher that may have nothing to watch any more, once its connection has closed. With loss, nearly every
// connection needs some for a moment.
type Leaver interface {
	Watcher
	// Idle reports whether the watcher is what one that starts anew would be, and only interested in what starts one; or, of a
	// connection that closed in order (see [ClosedInOrder]), that it knows too little for a finding, whatever may yet be proved of that.
	Idle(r *Report) bool
	// Leave says that it was idle, and was taken away.
	Leave()
}

// Leave takes the watcher away if it has nothing to watch and has reported nothing, and reports whether it did.
func (x *Run) Leave(r *Report) bool {
	w, is := x.watcher.(Leaver)
	if !is || x.found != nil || !w.Idle(r) {
		return false
	}
	w.Leave()
	return true
}

// Next is the watcher's next deadline in trace time; 0 if there is none.
func (x *Run) Next() int64 { return x.wake }

// Expire has the watcher report what is overdue at trace time now.
func (x *Run) Expire(now int64, r *Report) {
	x.wake = 0
	r.Before = r.StatesNow(now)
	if w, is := x.watcher.(Waiter); is {
		r.expire(w, now, false, 0)
	}
}

// End ends the watcher: nothing more will come. limits are those of the whole
// capture, for this connection.
func (x *Run) End(e Ending, limits fsm.Limits, r *Report) {
	r.Capture = limits
	r.Before = r.StatesNow(e.At)
	if w, is := x.watcher.(Waiter); is {
		r.expire(w, e.At, true, e.Why)
	}
	if w, is := x.watcher.(Ender); is {
		w.End(e, r)
	}
	if x.Drafted() {
		x.Complete(r)
	}
	r.Capture = 0
}

// Findings are those that stand.
func (x *Run) Findings() []Standing {
	if x.found == nil {
		return nil
	}
	return x.found.list
}

// Reported reports whether anything was ever reported.
func (x *Run) Reported() bool { return x.found != nil }

// Omitted is how many findings were reported and left out again, because too many
// stood already.
func (x *Run) Omitted() int {
	if x.found == nil {
		return 0
	}
	return x.found.omitted
}

// Changed reports whether something was reported or withdrawn since it was last asked.
func (x *Run) Changed() bool {
	if x.found == nil || !x.found.changed {
		return false
	}
	x.found.changed = false
	return true
}

// Err is an error of the detector itself: it used an outcome that it does not declare.
func (x *Run) Err(d *Detector) error {
	if x.found == nil || x.found.undeclared == "" {
		return nil
	}
	return fmt.Errorf("the detector %s reported the outcome %q, which it does not declare", d.Name, x.found.undeclared)
}
