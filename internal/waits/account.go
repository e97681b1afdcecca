package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An Account is where the time of one connection went. It is flat. The zero value is ready. The
// fields that nearly every segment needs are together: ends, and from up to the beginning of run.
type Account struct {
	ends        [2]end
	Owner       uint32 // the connection, as the functions of Told know it
	number      uint32 // of the account in its ledger
	provisional int64  // part of the loss that moves to another wait if it turns out that nothing was lost
	thought     int64  // the server's time: up to the request while it is asked; for the answer while it answers

	from      int64  // all before it is attributed
	first     int64  // time of the first segment
	quick     uint32 // time below which gaps are not told apart, in nanoseconds
	repairs   uint32 // the number of its run's, see aside; 0 = it has none
	phase     phase
	turn      reassembly.Side // who sent payload last
	known     bool            // the client is known: A
	spoken    bool            // payload was sent
	greeted   bool            // the server's first
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
	acks      bool            // each segment of it did, and may only acknowledge that
	lost      bool            // something was sent again since the hole opened
	changed   bool            // Waits are not what they were at the last payload of the run
	based     bool            // it began with payload, see base
	before    bool            // invisible, of the time before that
	over      bool            // detectors are told no more
	smooth    bool            // the handshake is over, and no hole is open; see settle
	counting  bool            // what was sent again is to be answered, see answered
	sending   uint8           // 1 and the side that sent payload last, if it is smooth and nobody has closed; 0 otherwise
	blind     detectors.Wait  // UnknownWait where windows mean nothing, else ReceiverWindow
	why       Reason
	mss       uint16
	next      reassembly.Seq // after the run's last payload
	run       run

	Waits      detectors.Waits
	request    reassembly.Mark // the last segment of the client's request
	answer     reassembly.Mark // the first segment of the server's answer, while replying is set
	replied    uint64          // bytes of the server before that
	promptTime int64           // sum of the answers that were prompt
	answers    uint32
	prompt     uint32
	pushes     uint32
	pauses     uint32 // of the server, as long as end a transfer, in the answer so far
	sizes      sizes  // of requests that were answered promptly
	size       uint32 // of the request that is answered, in bytes
	requested  uint64 // bytes of the client before the request
}

// phase is how far the connection has come.
type phase uint8

const (
	begun phase = iota
	connecting
	running
	closing
)

// Process accounts for the time up to the connection's next segment, which fsm has
// processed: c is the connection after it, and only read.
//
// Nearly all segments of a bulk transfer continue a flight or acknowledge one: these
// are only noted. What they wait for is attributed with the next gap.
func (a *Account) Process(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn, told *Told) {
	switch {
	case !a.smooth || ev.Kinds&disturbing != 0 || seg.Flags&reassembly.FIN != 0:
		a.slow(seg, side, ev, c, told)
	case ev.Class == fsm.NewData:
		a.Payload(seg, side, ev, c, told)
	case ev.Class == fsm.PureAck || ev.Class == fsm.WindowUpdate:
		a.Ack(seg, side, ev, c, told)
	default:
		a.slow(seg, side, ev, c, told)
	}
}

// Payload is Process for payload that the connection expected, see [fsm.Conn.Predicts].
func (a *Account) Payload(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn, told *Told) {
	if a.sending != 1+uint8(side) || seg.At-a.from >= int64(a.quick) || seg.Seq != a.next {
		if a.sending == 0 {
			a.slow(seg, side, ev, c, told)
			return
		}
		a.data(seg, side, c, told)
		if a.counting {
			a.conserve(seg, side, ev, c, 0, told)
		}
		return
	}
	own, peer := a.both(side)
	own.sent, own.sentLen = seg.At, seg.Len
	if own.asked == 0 {
		own.asked = seg.At
	}
	r := &a.run
	if r.fulls < minFulls {
		r.count(seg, a.full(c))
	}
	r.inFlight(c.Out(side).InFlight(), seg.At)
	r.last.Set(seg)
	a.next = seg.Seq + reassembly.Seq(seg.Len)
	r.end = r.end.Max(a.next)
	peer.asked = 0
	own.ids.note(seg.IPID)
	if a.counting {
		a.conserve(seg, side, ev, c, 0, told)
	}
}

// Ack is Process for an ACK alone that the connection expected.
func (a *Account) Ack(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn, told *Told) {
	if !a.smooth {
		a.slow(seg, side, ev, c, told)
		return
	}
	own, peer := a.both(side)
	a.time(seg, own, peer, false)
	peer.learn(a, seg, side.Peer(), c.Out(side.Peer()))
	if own.pure < peer.sent {
		own.pure = seg.At
	}
	if a.asking && side == reassembly.B {
		a.runsAhead(seg, c.Out(side))
	}
	peer.asked = 0
	own.ids.note(seg.IPID)
	if a.counting {
		a.conserve(seg, side, ev, c, 0, told)
	}
}

// data is Process for new payload where nothing is missing and nobody has closed, that may end a wait.
func (a *Account) data(seg *reassembly.Segment, side reassembly.Side, c *fsm.Conn, told *Told) {
	own, peer := a.both(side)
	a.time(seg, own, peer, true)
	a.snap(told)
	s := step{Account: a, seg: seg, side: side, own: own, peer: peer, conn: c, out: c.Out(side), told: told}
	s.payload()
	if seg.Flags&reassembly.ACK != 0 {
		peer.learn(a, seg, side.Peer(), c.Out(side.Peer()))
	}
	peer.asked = 0
	own.clock.note(seg)
	own.ids.note(seg.IPID)
	if told.Stretch != nil {
		a.mark(seg, told)
	}
	if a.sending = 1 + uint8(side); own.open {
		a.settle()
	}
}

// mark remembers the segment if time was attributed up to it: the next stretch begins there.
func (a *Account) mark(seg *reassembly.Segment, told *Told) {
	if a.from == seg.At {
		told.now.event = frameID{seg.File, seg.Frame}
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
