package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// base begins an account with its first segment, and once more with the first payload: detectors must be
// told the same by one that begins there, as most do, and by one that accounts for the handshake, too. What came
// before is only time by then; what it showed of both sides, the connection knows.
func (a *Account) base(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn, told *Told) {
	begins := a.phase == begun
	if begins {
		a.begin(seg, side, c)
		a.beginStretch(seg, told)
	}
	if seg.Len == 0 || !acceptable(ev) {
		return
	}
	if a.based = true; begins {
		return
	}
	a.step(seg, side, ev, c, told)
	owner, before, why, from, waits := a.Owner, a.invisible != 0, a.why, a.from, a.Waits
	told.release(a)
	a.begin(seg, side, c)
	a.Owner, a.before, a.why, a.from, a.Waits, a.based = owner, before, why, from, waits, true
}

// begin begins the account with the segment, and with what the connection knows after it.
func (a *Account) begin(seg *reassembly.Segment, side reassembly.Side, c *fsm.Conn) {
	v := c.View()
	a.first, a.from = v.First(), seg.At
	_, a.known = v.Opener()
	a.phase, a.blind = running, detectors.UnknownWait
	open := v.Phase(reassembly.A) >= fsm.PhaseOpen && v.Phase(reassembly.B) >= fsm.PhaseOpen
	switch {
	case a.known && !open:
		a.phase = connecting
		return
	case a.known: // the account begins late
		a.opened(seg.At, v)
	}
	a.recall(side, c)
	if v.Phase(side.Peer()) >= fsm.PhaseFinSent || v.Phase(side) >= fsm.PhaseFinSent && seg.Flags&reassembly.FIN == 0 {
		a.phase = closing
	}
}

// beginStretch notes where the first stretch begins.
func (a *Account) beginStretch(seg *reassembly.Segment, told *Told) {
	if told.Stretch != nil {
		*told.now = ongoing{stretch: Stretch{Start: seg.At, End: seg.At}, event: frameID{seg.File, seg.Frame}}
	}
}

// recall notes what the sender of the segment with which the account begins had been told before it.
func (a *Account) recall(side reassembly.Side, c *fsm.Conn) {
	own, last, out := &a.ends[side], c.View().Last(side.Peer()), c.Out(side)
	if last.Flags&reassembly.ACK != 0 {
		own.windows[0], own.offers, own.low, own.acked = offer{at: a.ticks(last.At), una: out.Una, edge: out.Edge}, 1, out.Edge, last.At
	}
}
