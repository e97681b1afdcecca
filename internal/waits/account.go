package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An Account is where the time of one connection went. It is flat. The zero value is
// ready. What nearly every segment needs lies together: ends, and from up to the beginning of run.
type Account struct {
	ends        [2]end
	Owner       uint32  // what whoever is told calls the connection
	number      uint32  // of the account in its ledger
	event       frameID // the segment at which from was reached
	provisional int64   // of the loss, what another wait gets if nothing turns out to have been lost
	thought     int64   // of the server: while it is asked, all until then; while it answers, what this took

	next      reassembly.Seq // after the run's last payload
	from      int64          // all before it is attributed
	first     int64          // time of the first segment
	quick     int64          // time below which gaps are not told apart
	phase     phase
	turn      reassembly.Side // who sent payload last
	known     bool            // the client is known: A
	spoken    bool            // payload was sent
	asking    bool            // the client waits for an answer
	replying  bool            // the server answers
	acked     bool            // what it had acknowledged before
	invisible bool            // a pause may have been loss before the tap
	slowly    bool            // an answer was not prompt
	pipelined bool            // by now for several
	ahead     bool            // the server had by then sent what was not captured
	reply     bool            // the client's request is no more than a reply
	resumed   bool            // a reply came meanwhile, to what the server says before it answers
	atOnce    bool            // the request began as soon as payload of the server had arrived
	lost      bool            // something was sent again since the hole opened
	changed   bool            // Waits are not what run.until was
	smooth    bool            // the handshake is over, and no hole is open; see settle
	sending   uint8           // 1 and the side that sent payload last, if it is smooth and nobody has closed; 0 otherwise
	blind     detectors.Wait  // UnknownWait where windows mean nothing, else ReceiverWindow
	why       Reason
	mss       uint16
	run       run

	Waits      detectors.Waits
	request    reassembly.Mark // the last segment of the client's request
	answer     reassembly.Mark // the first segment of the server's answer, while replying is set
	replied    uint64          // bytes of the server before that
	promptTime int64           // sum of the answers that were prompt
	answers    uint32
	prompt     uint32
	pushes     uint32
	sizes      sizes   // of requests that were answered promptly
	size       uint32  // of the request that is answered, in bytes
	requested  uint64  // bytes of the client before the request
	stretch    Stretch // the last that was attributed; the next of the same wait makes it longer
}

// phase is how far the connection has come.
type phase uint8

const (
	begun phase = iota
	connecting
	running
	closing
)

// Reason says why time is unknown.
type Reason uint8

// The reasons, the weightiest last.
const (
	NoReason   Reason = iota
	Midstream         // without the handshake nobody knows who is the client
	NoScale           // without the SYNs windows are not known
	Holes             // bytes were acknowledged that the capture has not seen
	Unrecorded        // nothing was captured for over an hour
	NoAcks            // pure ACKs are missing throughout
	OneSided          // only one direction was captured
	numOfReason
)

var reasons = [numOfReason]string{
	"", "midstream: the handshake was not captured, so it is unknown who is the client",
	"scale-unknown: the handshake was not captured, so the size of the windows is unknown",
	"holes: bytes were acknowledged that the capture has not seen",
	"nothing at all was captured for over an hour",
	"acks-filtered: the capture leaves out pure ACKs, so it is unknown what waited for them",
	"one-sided: only one direction was captured",
}

// String is a sentence without its full stop, empty for no reason.
func (r Reason) String() string { return reasons[r] }

// frameID is a frame among all inputs.
type frameID struct {
	file  uint16
	frame uint32
}

// A Stretch is time without a break that belongs to one wait.
type Stretch struct {
	Wait       detectors.Wait
	File       [2]uint16 // of the frames
	Frame      [2]uint32 // the last one before it, and the one that ended it
	Start, End int64     // nanoseconds since 1970
}

// Told is who is told what accounts find; nil functions are not called. What they are
// given is valid during the call only.
type Told struct {
	Stretch  func(a *Account, x *Stretch)
	Exchange func(a *Account, x *detectors.Exchange)
	Transfer func(a *Account, t *detectors.Transfer)

	// Prompt says that prompt answers are told of, too; else only after one that was not.
	Prompt bool

	exchange detectors.Exchange // room for what is told, so that it costs no allocation
	transfer detectors.Transfer
	last     reassembly.Segment // the same for what stands for the end of a connection
}

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
}

// Process accounts for the time up to the connection's next segment, which fsm has
// processed: c is the connection after it, and only read.
//
// Nearly all segments of a bulk transfer continue a flight or acknowledge one: these
// are only noted. What they wait for is attributed with the next gap.
func (a *Account) Process(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn, told *Told) {
	if !a.smooth || ev.Kinds&disturbing != 0 || seg.Flags&reassembly.FIN != 0 {
		a.slow(seg, side, ev, c, told)
		return
	}
	own, peer := a.both(side)
	switch ev.Class {
	case fsm.NewData:
		if a.sending == 0 {
			a.slow(seg, side, ev, c, told)
			return
		}
		if a.sending != 1+uint8(side) || seg.At-a.from >= a.quick || seg.Seq != a.next {
			a.data(seg, side, c, told)
			return
		}
		own.sent, own.sentLen = seg.At, seg.Len
		if own.asked == 0 {
			own.asked = seg.At
		}
		r := &a.run
		if r.fulls < minFulls {
			r.count(seg, a.full(c))
		}
		r.flight = max(r.flight, c.Out(side).InFlight())
		r.last.Set(seg)
		a.next = seg.Seq + reassembly.Seq(seg.Len)
		r.end = r.end.Max(a.next)
	case fsm.PureAck, fsm.WindowUpdate:
		a.time(seg, own, peer, false)
		peer.learn(a, seg, side.Peer(), c.Out(side.Peer()))
		if own.pure < peer.sent {
			own.pure = seg.At
		}
		if a.asking && side == reassembly.B {
			a.runsAhead(seg, c.Out(side))
		}
	default:
		a.slow(seg, side, ev, c, told)
		return
	}
	peer.asked = 0
	own.ids.note(seg.IPID)
}

// data is Process for new payload where nothing is missing and nobody has closed, that may end a wait.
func (a *Account) data(seg *reassembly.Segment, side reassembly.Side, c *fsm.Conn, told *Told) {
	own, peer := a.both(side)
	a.time(seg, own, peer, true)
	a.snap()
	s := step{Account: a, seg: seg, side: side, own: own, peer: peer, conn: c, out: c.Out(side), told: told}
	s.payload()
	if seg.Flags&reassembly.ACK != 0 {
		peer.learn(a, seg, side.Peer(), c.Out(side.Peer()))
	}
	peer.asked = 0
	own.clock.note(seg)
	own.ids.note(seg.IPID)
	if told.Stretch != nil {
		a.mark(seg)
	}
	if a.sending = 1 + uint8(side); own.open {
		a.settle()
	}
}

// mark remembers the segment if time was attributed up to it: the next stretch begins there.
func (a *Account) mark(seg *reassembly.Segment) {
	if a.from == seg.At {
		a.event = frameID{seg.File, seg.Frame}
	}
}

// settle notes what the next segment may be for it to be expected, as far as only others change that.
func (a *Account) settle() {
	a.smooth, a.sending = a.phase >= running && !a.ends[0].open && !a.ends[1].open, 0
	if a.smooth && a.phase == running && a.spoken {
		a.sending = 1 + uint8(a.turn)
	}
}

// both are the ends, that of the side first. A branch costs less than two indexes.
func (a *Account) both(side reassembly.Side) (own, peer *end) {
	if side == reassembly.A {
		return &a.ends[0], &a.ends[1]
	}
	return &a.ends[1], &a.ends[0]
}

// disturbing are events after which a segment is not just the next of its flight, or an
// acknowledgment.
const disturbing = 1<<fsm.HoleShown | 1<<fsm.HoleAcked | 1<<fsm.SynAcked

// slow is Process for a segment that may end a wait.
func (a *Account) slow(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn, told *Told) {
	own, peer := a.both(side)
	class := ev.Class
	if a.phase == begun {
		a.begin(seg, c.View())
	}
	if class == fsm.OutOfWindow || class == fsm.Rst && !ev.Kinds.Has(fsm.ResetSent) {
		return
	}
	a.time(seg, own, peer, class == fsm.NewData || class == fsm.Syn)
	if class == fsm.Retransmission { // Karn: an acknowledgment does not tell of which
		peer.timed = 0
	}
	a.snap()
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
	peer.asked = 0
	own.clock.note(seg)
	own.ids.note(seg.IPID)
	a.mark(seg)
	a.settle()
}

func (a *Account) begin(seg *reassembly.Segment, v fsm.View) {
	a.first, a.from = seg.At, seg.At
	a.event = frameID{seg.File, seg.Frame}
	a.stretch.Start, a.stretch.End = seg.At, seg.At
	_, a.known = v.Opener()
	a.phase, a.blind = running, detectors.UnknownWait
	switch {
	case a.known && v.Phase(reassembly.A) >= fsm.PhaseOpen && v.Phase(reassembly.B) >= fsm.PhaseOpen: // the account begins late
		a.opened(seg.At, v)
	case a.known:
		a.phase = connecting
	}
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
		s.own.probed = seg.At
		s.ask()
	case class == fsm.KeepAlive || class == fsm.Ambiguous:
		s.quiet(seg.At)
		s.ask()
	case class == fsm.Retransmission && seg.Len > 0:
		s.again()
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
func (s *step) ask() {
	if s.own.asked == 0 {
		s.own.asked = s.seg.At
	}
}

// acknowledged notes what the segment acknowledges and offers to its peer.
func (s *step) acknowledged(kinds fsm.Kinds) {
	peer := s.peer
	out := s.conn.Out(s.side.Peer())
	peer.learn(s.Account, s.seg, s.side.Peer(), out)
	if kinds.Has(fsm.HoleShown) || peer.open {
		s.hole(out, kinds)
	}
}

// give attributes all time since the last attribution, up to trace time to.
func (s *step) give(w detectors.Wait, to int64) {
	if to > s.from {
		s.attribute(w, to)
	}
}

func (s *step) attribute(w detectors.Wait, to int64) {
	a := s.Account
	n := to - a.from
	if w == detectors.Loss && (s.own.open || s.peer.open || a.phase == connecting) {
		a.provisional += n
	}
	a.change()
	a.Waits[w] += n
	if s.told.Stretch != nil {
		s.extend(w, to)
	}
	a.from = to
}

// extend makes the last stretch longer up to trace time to, or begins another.
func (s *step) extend(w detectors.Wait, to int64) {
	if x := &s.stretch; x.Wait == w && x.End != x.Start {
		x.End, x.File[1], x.Frame[1] = to, s.seg.File, s.seg.Frame
	} else {
		s.flush()
		*x = Stretch{w, [2]uint16{s.event.file, s.seg.File}, [2]uint32{s.event.frame, s.seg.Frame}, s.from, to}
	}
}

// flush tells of the last stretch.
func (s *step) flush() {
	if x := &s.stretch; x.End > x.Start {
		s.told.Stretch(s.Account, x)
	}
}

// move gives provisional loss to another wait.
func (s *step) move(to detectors.Wait) {
	n, r := s.provisional, &s.run
	s.provisional = 0
	if n == 0 {
		return
	}
	s.change()
	if earlier := n - (s.Waits[detectors.Loss] - r.before[detectors.Loss]); r.on && earlier > 0 { // than the run
		r.before[detectors.Loss] -= earlier
		r.before[to] += earlier
	}
	if earlier := n - (s.Waits[detectors.Loss] - r.until[detectors.Loss]); r.on && earlier > 0 { // than its last payload
		r.until[detectors.Loss] -= earlier
		r.until[to] += earlier
	}
	s.Waits[detectors.Loss] -= n
	s.Waits[to] += n
	if s.stretch.Wait == detectors.Loss {
		s.stretch.Wait = to
	}
}

// blame notes why time is unknown.
func (a *Account) blame(r Reason) { a.why = max(a.why, r) }
