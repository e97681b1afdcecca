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
	quick       uint32 // time below which gaps are not told apart, in nanoseconds
	provisional int64  // part of the loss that moves to another wait if it turns out that nothing was lost
	thought     int64  // the server's time: up to the request while it is asked; for the answer while it answers
	since       int64  // when the asker began to send what its peer has not answered with any segment

	from      int64             // all before it is attributed
	first     int64             // time of the first segment
	repairs   uint32            // the number of its run's, see aside; 0 = it has none
	rarity    uint32            // that of what few accounts have, see rare
	behind    uint32            // that of the round trips of its run's sender
	answer    uint32            // that of where the server's answer began, while replying is set; 0 = where the run did
	hole      [2]reassembly.Seq // what must be acknowledged to close a side's hole, while that is open
	asker     uint8             // 1 and the side that has sent what its peer has not answered; 0 = neither
	phase     phase
	turn      reassembly.Side // who sent payload last
	known     bool            // the client is known: A
	spoken    bool            // payload was sent
	greeted   bool            // the server's first
	asking    bool            // the client waits for an answer
	replying  bool            // the server answers
	acked     bool            // what it had acknowledged before
	invisible uint8           // 1 << a side a pause of which may have been loss before the tap
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
	sending   uint8           // 1 and the side that sent payload last, if it is smooth and nobody has closed; 0 otherwise
	blind     detectors.Wait  // UnknownWait where windows mean nothing, else ReceiverWindow
	why       Reason
	mss       uint16
	next      reassembly.Seq // after the run's last payload
	run       run

	Waits      detectors.Waits
	trips      trips           // of its run's receiver
	request    reassembly.Mark // the last segment of the client's request
	promptTime int64           // sum of the answers that were prompt
	answers    uint32
	prompt     uint32
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
		if a.run.counting {
			a.conserve(seg, side, ev, c, 0, told)
		}
		return
	}
	own := a.end(side)
	own.sent, own.sentLen = seg.At, seg.Len
	a.speaks(side, seg.At)
	r := &a.run
	if r.fulls < minFulls {
		r.count(seg, a.full(c))
	}
	r.inFlight(c.Out(side).InFlight(), seg.At)
	r.last.Set(seg)
	a.next = seg.Seq + reassembly.Seq(seg.Len)
	r.end = r.end.Max(a.next)
	own.ids.note(seg.IPID)
	if a.run.counting {
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
	a.time(seg, own, peer, false, told)
	peer.learn(a, seg, side.Peer(), c.Out(side.Peer()), told)
	if own.pure < peer.sent {
		own.pure = seg.At
	}
	if a.asking && side == reassembly.B {
		a.runsAhead(seg, c.Out(side))
		own.clock.note(seg) // what the answer's clock runs from: how much of the wait was transit
	}
	a.replies(side)
	own.ids.note(seg.IPID)
	if a.run.counting {
		a.conserve(seg, side, ev, c, 0, told)
	}
}

// data is Process for new payload where nothing is missing and nobody has closed, that may end a wait.
func (a *Account) data(seg *reassembly.Segment, side reassembly.Side, c *fsm.Conn, told *Told) {
	own, peer := a.both(side)
	a.time(seg, own, peer, true, told)
	a.snap(told)
	s := step{Account: a, seg: seg, side: side, own: own, peer: peer, conn: c, out: c.Out(side), told: told}
	s.payload()
	if seg.Flags&reassembly.ACK != 0 {
		peer.learn(a, seg, side.Peer(), c.Out(side.Peer()), told)
	}
	a.replies(side)
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

// end is the end of that side.
func (a *Account) end(side reassembly.Side) *end {
	if side == reassembly.A {
		return &a.ends[0]
	}
	return &a.ends[1]
}

// speaks notes that the side sends what its peer has to answer, with any segment.
func (a *Account) speaks(side reassembly.Side, at int64) {
	if a.asker != 1+uint8(side) {
		a.asker, a.since = 1+uint8(side), at
	}
}

// replies notes that the side sends something: nothing of its peer's is unanswered.
func (a *Account) replies(side reassembly.Side) {
	if a.asker != 1+uint8(side) {
		a.asker = 0
	}
}

// askedSince is when the side began to send what its peer has not answered with any segment; 0 = nothing.
func (a *Account) askedSince(side reassembly.Side) int64 {
	if a.asker != 1+uint8(side) {
		return 0
	}
	return a.since
}
