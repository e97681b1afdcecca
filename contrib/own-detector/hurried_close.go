package main

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// HurriedClose reports a side that closes soon after the connection was opened.
var HurriedClose = &detectors.Detector{
	Name: "hurried-close",
	Doc: detectors.Doc{
		Title:  "a connection was closed soon after it was opened",
		What:   "A FIN follows the first segment of the connection within a second.",
		Cause:  "A health check, or a client that does not reuse its connections.",
		Action: "Ask the client's owner whether it can keep connections open.",
	},
	Outcomes:     []*detectors.Outcome{closed},
	Params:       []detectors.Param{{Name: "limit", Default: 1, Max: 3600, Unit: "s", Doc: "how soon is too soon"}},
	StartsOn:     fsm.On(fsm.FinSent),
	SubscribesTo: fsm.On(fsm.FinSent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(hurriedClose) },
}

var closed = &detectors.Outcome{Name: "closed", Severity: detectors.Info, When: "the FIN came within the limit"}

type hurriedClose struct{ reported bool }

// Event takes a FIN: the first one counts.
func (w *hurriedClose) Event(ev fsm.Event, r *detectors.Report) {
	age := ev.Seg.At - r.Conn.First()
	if w.reported || age >= r.Nanos("limit") {
		return
	}
	w.reported = true
	f := r.Find(closed, ev.Side, ev.Seg.At, detectors.Evidence{Role: "early FIN", Seg: *ev.Seg})
	f.Roles = []detectors.Role{{Name: "closer", Side: ev.Side}, {Name: "peer", Side: ev.Side.Peer()}}
	f.Measure("age_s", detectors.Seconds(age))
	f.Message = fmt.Sprintf("%s closed the connection %s after it was opened.", r.Name(ev.Side), time.Duration(age))
	r.Emit(f)
}
