package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// row is what is reported of a connection as it ends.
func (p *partition) row(f *flow.Flow, e detectors.Ending) result.Flow {
	return p.rowAt(f, e, max(e.At, p.options.Until))
}

// rowAt is row with the states of trace time at: a time later than the ending
// lets TIME_WAIT run out, though nothing was recorded meanwhile.
func (p *partition) rowAt(f *flow.Flow, e detectors.Ending, at int64) result.Flow {
	c := &f.Conn
	row := result.Flow{
		ID: f.Position, Conn: f.Position, Predecessor: p.predecessors[f.Position], Key: c.Key(), First: c.First(), Last: c.Last(), Duplicates: f.Duplicates(), RTT: int64(c.RTT()),
		History: c.History(), Limits: c.Limits(), Ending: endingName(c, e.Why),
	}
	if _, known := c.Opener(); known {
		row.Initiator = result.InitiatorA
	}
	timeWait := p.options.Settings.TimeWait
	for side := range reassembly.Side(2) {
		row.End[side] = c.Endpoint(side)
		row.State[side], row.Since[side] = c.State(side, at, timeWait)
		if e.Why == detectors.Replaced && row.State[side] != fsm.Closed { // a four-tuple has one socket
			row.State[side], row.Since[side] = fsm.Closed, e.At
		}
		row.Bounded[side] = c.Bounded(side)
		if _, reset := c.ResetBy(); reset && row.State[side] == fsm.Closed && at >= row.Since[side]+int64(timeWait) {
			row.Bounded[side] = false // TIME_WAIT has run out, if it lasted
		}
		row.ISS[side] = c.View().Stream(side).ISS
		row.Packets[side] = c.Packets(side)
		row.Bytes[side] = c.Bytes(side)
		row.Rexmits[side] = c.Retransmissions(side)
		row.Doubled[side] = c.View().ArrivedTwice(side)
	}
	if p.accounted == f.Position {
		row.Time = p.time
		if p.time != nil && p.time.Invisible {
			row.Limits |= fsm.LossInvisible
		}
	}
	row.ClosedFirst = closedFirst(c)
	if p.options.Follow.follows(f) {
		row.TCB = &[2]fsm.TCB{c.TCB(reassembly.A, at, timeWait), c.TCB(reassembly.B, at, timeWait)}
	}
	return row
}

// closedFirst says who sent the first FIN, or without one the RST that counts.
func closedFirst(c *fsm.Conn) result.Initiator {
	for side := range reassembly.Side(2) {
		if c.View().Phase(side) >= fsm.PhaseFinSent && c.FINRank(side) == 0 {
			return result.InitiatorA + result.Initiator(side)
		}
	}
	if side, is := c.ResetBy(); is {
		return result.InitiatorA + result.Initiator(side)
	}
	return result.InitiatorUnknown
}

// refusedName is how a connection ended whose SYN was refused.
const refusedName = "refused"

// endingName says how a connection ended, in one word.
func endingName(c *fsm.Conn, why detectors.Why) string {
	a, b := c.View().Phase(reassembly.A), c.View().Phase(reassembly.B)
	_, reset := c.ResetBy()
	switch {
	case wasRefused(c):
		return refusedName
	case reset:
		return "reset"
	case a == fsm.PhaseFinAcked && b == fsm.PhaseFinAcked:
		return "closed"
	case why == detectors.Replaced:
		return "replaced"
	case why == detectors.Dropped:
		return "evicted"
	case a == fsm.PhaseOpening && b == fsm.PhaseIdle:
		return "unanswered"
	case a >= fsm.PhaseFinSent || b >= fsm.PhaseFinSent:
		return "half-closed"
	}
	return "open"
}
