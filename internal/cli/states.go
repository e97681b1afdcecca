package cli

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// endpoints lists the sockets of both hosts. A host has one socket for each
// four-tuple: a new connection replaces an older one, even in TIME_WAIT
// (RFC 9293 3.6.1).
func (c *command) endpoints(r *result.Report) []report.Endpoint {
	type socket struct{ local, foreign reassembly.Endpoint }
	began := map[socket]int64{} // the newest connections
	for i := range r.Flows {
		fl := &r.Flows[i]
		for side := range reassembly.Side(2) {
			if isShown(fl.State[side].String(), false) {
				began[socket{fl.End[side], fl.End[side.Peer()]}] = fl.First
			}
		}
	}
	var list []report.Endpoint
	for i := range r.Flows {
		fl := &r.Flows[i]
		for side := range reassembly.Side(2) {
			replaced := began[socket{fl.End[side], fl.End[side.Peer()]}] > fl.Last
			if !replaced && (isShown(fl.State[side].String(), c.flags.all) || mayWait(fl, side)) {
				list = append(list, report.Endpoint{Flow: fl.ID, Local: fl.End[side], Foreign: fl.End[side.Peer()],
					State: fl.State[side], Since: fl.Since[side], Bounded: fl.Bounded[side]})
			}
		}
	}
	return list
}

// mayWait reports whether the side may still be in TIME_WAIT, because it ignored a RST
// (RFC 1337 3): then its socket is shown, as CLOSED at most.
func mayWait(fl *result.Flow, side reassembly.Side) bool {
	return fl.Ending == "reset" && fl.State[side] == fsm.Closed && fl.Bounded[side]
}

// isShown omits CLOSED unless --all is set, and LISTEN, which a capture cannot show.
func isShown(state string, all bool) bool {
	return state != "LISTEN" && (all || state != "CLOSED")
}
