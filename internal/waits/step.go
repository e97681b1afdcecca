package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// step is one segment of the connection, and who is told.
type step struct {
	*Account
	seg       *reassembly.Segment
	side      reassembly.Side
	own, peer *end
	conn      *fsm.Conn
	out       *reassembly.Stream // of the side; only read
	told      *Told
	paused    bool // the side's application paused for so long that another transfer begins
	begins    bool // the server's answer, and with it a run
}

// disturbing are events after which a segment is not just the next of its flight, or an
// acknowledgment.
const disturbing = 1<<fsm.HoleShown | 1<<fsm.HoleAcked | 1<<fsm.SynAcked | 1<<fsm.ArrivedTwice

// slow is Process for a segment that may end a wait.
func (a *Account) slow(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn, told *Told) {
	if !a.based {
		a.base(seg, side, ev, c, told)
	}
	if acceptable(ev) {
		a.step(seg, side, ev, c, told)
	}
}

// acceptable reports whether the segment is the connection's: an account passes over any other.
func acceptable(ev *fsm.Events) bool {
	return ev.Class != fsm.OutOfWindow && (ev.Class != fsm.Rst || ev.Kinds.Has(fsm.ResetSent))
}

func (a *Account) step(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn, told *Told) {
	own, peer := a.both(side)
	class, lost := ev.Class, a.Waits[detectors.Loss]
	a.time(seg, own, peer, class == fsm.NewData || class == fsm.Syn, told)
	if class == fsm.Retransmission { // Karn: an acknowledgment does not tell of which
		peer.timed = 0
	}
	a.snap(told)
	s := step{Account: a, seg: seg, side: side, own: own, peer: peer, conn: c, out: c.Out(side), told: told}
	if a.asking && side == reassembly.B && seg.Len == 0 {
		a.runsAhead(seg, s.out)
	}
	if own.open || peer.open {
		s.give(detectors.Loss, seg.At)
	}
	if a.phase == connecting {
		s.connect(class)
	} else {
		s.process(class, ev.Place(), ev.Kinds)
	}
	if seg.Flags&reassembly.ACK != 0 {
		s.acknowledged(ev.Kinds)
	}
	if a.run.counting || class == fsm.Retransmission {
		a.conserve(seg, side, ev, c, lost, told)
	}
	a.replies(side)
	own.clock.note(seg)
	own.ids.note(seg.IPID)
	if told.Stretch != nil {
		a.mark(seg, told)
	}
	a.settle()
}

// process accounts for a segment of a connection that is open.
func (s *step) process(class fsm.Class, place reassembly.Placement, kinds fsm.Kinds) {
	seg := s.seg
	switch {
	case kinds.Has(fsm.HoleAcked):
		s.unseen()
		if class == fsm.NewData && seg.Len > 0 {
			s.payload()
		}
	case class == fsm.Rst:
		s.closes()
	case class == fsm.Syn: // what was missed of the handshake
		s.give(detectors.Connect, seg.At)
	case class == fsm.Probe:
		s.give(s.blind, seg.At)
		s.told.noteRare(s.Account).probed[s.side] = seg.At
		s.ask()
	case class == fsm.KeepAlive || class == fsm.Ambiguous:
		s.quiet(seg.At)
		s.ask()
	case class == fsm.Retransmission && seg.Len > 0:
		s.again(place)
		// A transfer is over when all of it has come.
		if last := seg.End() == s.out.Nxt; kinds.Has(fsm.DataSent) && last || place == reassembly.Filling && s.run.on && s.run.side == s.side {
			s.transfer()
		}
	case seg.Len > 0:
		s.payload()
	}
	if seg.Flags&reassembly.FIN != 0 {
		s.closes()
	}
}

// closes accounts for the time before a FIN or a RST. A client that closes without an
// answer has given up, unless it was done and only shuts its half, or the server closed first.
func (s *step) closes() {
	s.quiet(s.seg.At)
	s.phase = closing
	if s.asking && s.side == reassembly.A && s.seg.At-s.request.At > s.roundTrip()+gaveUpAfter {
		s.endExchange(s.seg.At, s.conn.View().Phase(reassembly.B) < fsm.PhaseFinSent)
	}
}

// gaveUpAfter is how long after its request a client closes that does not wait for the
// answer any more.
const gaveUpAfter = 1_000_000_000

// ask notes that the side sent what its peer has to answer.
func (s *step) ask() { s.speaks(s.side, s.seg.At) }

// acknowledged notes what the segment acknowledges and offers to its peer.
func (s *step) acknowledged(kinds fsm.Kinds) {
	peer := s.peer
	out := s.conn.Out(s.side.Peer())
	peer.learn(s.Account, s.seg, s.side.Peer(), out, s.told)
	if kinds.Has(fsm.ArrivedTwice) {
		s.arrivedTwice(s.side.Peer())
	}
	if kinds.Has(fsm.HoleShown) || peer.open {
		s.hole(out, kinds)
	}
}
