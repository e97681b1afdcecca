package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// quiet accounts for the time before what is no payload: a FIN, a RST, a keep-alive, or
// the end.
func (s *step) quiet(at int64) {
	if s.phase == closing {
		s.give(detectors.Close, at)
		return
	}
	s.endTransfer()
	s.silent(at)
	if !s.spoken {
		s.give(detectors.Idle, at)
		return
	}
	last := &s.ends[s.turn]
	for side := range reassembly.Side(2) {
		e := &s.ends[side]
		if s.conn.Out(side).InFlight() > 0 && e.sent != 0 && s.conn.View().Phase(side) < fsm.PhaseFinSent {
			s.give(detectors.Network, min(at, max(e.first, e.sent)+s.roundTrip()))
			s.give(detectors.PeerSilent, at)
			return
		}
	}
	arrived := last.sent + s.roundTrip()
	queue, _ := s.queue(true)
	switch {
	case last.first > arrived && queue*4 >= s.roundTrip(): // it waited in the queue, and is acknowledged
		arrived = last.first
	case last.acked >= last.sent:
		arrived = min(arrived, last.acked)
	}
	s.give(detectors.Network, min(arrived, at))
	if s.asking && s.turn == reassembly.A {
		s.give(detectors.ServerApp, at)
		return
	}
	s.give(detectors.Idle, at)
}

// unheard gives what a side waited for since it began to probe a window, to its peer's
// silence: nothing has answered, and nothing will.
func (s *step) unheard() {
	asked := s.askedSince(s.side)
	n := s.from - asked - s.roundTrip()
	if n = min(n, s.Waits[s.blind]); asked == 0 || n <= 0 {
		return
	}
	s.relabel(s.blind, detectors.PeerSilent, n)
}

// silent accounts for time in which a side's peer answered nothing at all, though it
// had to: from the first probe or keep-alive on.
func (s *step) silent(at int64) {
	if asked := s.askedSince(s.side); asked > s.own.sent && at > asked+s.roundTrip() {
		s.unanswered(at)
	}
}

func (s *step) unanswered(at int64) {
	if s.from < s.since {
		s.give(detectors.Idle, s.since)
	}
	s.give(detectors.PeerSilent, at)
}

// End accounts for the rest of the connection, up to trace time at, of which the trace
// can speak until known. c is the connection as it ended.
func (a *Account) End(at, known int64, c *fsm.Conn, told *Told) {
	v := c.View()
	if a.phase == begun {
		a.first, a.from = at, at
		return
	}
	side := a.turn
	last := v.Last(side)
	if other := v.Last(side.Peer()); other.At > last.At {
		last = other
	}
	told.last = reassembly.Segment{At: at, File: last.File, Frame: last.Frame}
	s := step{Account: a, seg: &told.last, side: side, own: &a.ends[side], peer: &a.ends[side.Peer()], conn: c, out: c.Out(side), told: told}
	s.finish(min(known, at))
	if a.from < at {
		a.blame(Unrecorded)
		s.give(detectors.UnknownWait, at)
	}
	if v.Packets(reassembly.A) == 0 || v.Packets(reassembly.B) == 0 && a.phase != connecting {
		a.blame(OneSided)
		a.Waits = detectors.Waits{detectors.UnknownWait: a.Waits.Sum()}
		if told.Stretch != nil {
			x := &told.now.stretch
			x.Wait, x.Start, x.End = detectors.UnknownWait, a.first, a.from
		}
	}
	if told.Stretch != nil {
		s.flush()
	}
}

// finish accounts for what is still going on at the end.
func (s *step) finish(at int64) {
	s.snap(s.told)
	switch {
	case s.phase == connecting:
		s.provisional = s.Waits[detectors.Loss]
		s.move(detectors.PeerSilent)
		s.give(detectors.PeerSilent, at)
		if w := &s.Waits; s.conn.Packets(reassembly.B) == 0 {
			w[detectors.PeerSilent] += w[detectors.Connect]
			w[detectors.Connect] = 0
		}
	case s.own.open || s.peer.open:
		s.give(detectors.Loss, at)
		s.move(detectors.PeerSilent)
	case s.asker != 0 && s.since > s.ends[s.asker-1].sent: // of probes or keep-alives
		s.side = reassembly.Side(s.asker - 1)
		s.own, s.peer = s.both(s.side)
		s.unheard()
		s.silent(at)
		s.quiet(at)
	default:
		s.quiet(at)
	}
	s.endExchange(at, false)
	s.endTransfer()
}
