package waits

import (
	"math"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An end is what the account knows of one side, as a sender. What nearly every segment needs
// comes first, within a cache line or two.
type end struct {
	sent    int64          // when its last payload passed the tap; 0 = none yet
	pure    int64          // when it first sent an ACK alone after the peer's last payload
	timed   int64          // when the peer's segment that is being timed passed the tap; 0 = none
	echoed  int64          // the same of the peer's timestamp
	ackDue  reassembly.Seq // acknowledging this ends the timing
	tsval   uint32         // of the peer, that is timed
	sentLen uint32         // of its last payload
	ids     ids
	open    bool  // it has a hole
	shown   bool  // its peer has shown that it misses something in there
	offers  uint8 // how many of windows are filled
	latest  uint8
	alone   bool           // nothing else is in flight but the peer's segment that is being timed
	usual   usualTick      // of its clock
	acked   int64          // when an acknowledgment last moved UNA or the window
	first   int64          // when what it has in flight was first sent
	rtt     int64          // smallest round trip between tap and side, in nanoseconds; 0 = unknown
	most    int64          // longest
	step    uint32         // in ticks: an offer sooner than that after the one before is one with it
	low     reassembly.Seq // no edge of windows lies before it
	clock   clock          // its own, by its timestamps
	windows [knowledge]offer
}

// An offer is what a side's peer had acknowledged and offered at a time: the side knew
// it a round trip between tap and side later.
type offer struct {
	at        uint32 // ticks of the connection, modulo 2^32
	stamp     uint32 // the peer's timestamp; 0 = none
	una, edge reassembly.Seq
}

// knowledge is how many offers are remembered: those of a round trip between tap and
// side, in steps of a quarter.
const knowledge = 6

// maxStep is four times the step beside a side: else the ACKs of a burst would push out what it
// knew before.
const maxStep = 2_000_000

// tickBits make a tick of 1,024 ns: a microsecond or so, without a division.
const tickBits = 10

// ticks is a time in ticks of the connection.
func (a *Account) ticks(at int64) uint32 { return uint32((at - a.first) >> tickBits) }

// passed is when the offer passed the tap, less than 73 minutes before the segment: there are no more ticks.
func (s *step) passed(o *offer) int64 {
	ticks := (s.seg.At - s.first) >> tickBits
	ago := int64(uint32(ticks) - o.at)
	if ago > math.MaxUint32-maxBack {
		ago -= 1 << 32
	}
	return s.first + (ticks-ago)<<tickBits
}

// maxBack is by how many ticks trace time goes back at most.
const maxBack = 2_000_000

// learn notes what the side's peer acknowledges and offers with the segment. e is the side's end, out what it sends.
func (e *end) learn(a *Account, seg *reassembly.Segment, side reassembly.Side, out *reassembly.Stream, told *Told) {
	at, o := seg.At, &e.windows[e.latest]
	if e.offers > 0 {
		if o.una == out.Una && o.edge == out.Edge {
			return
		}
		if o.una != out.Una {
			e.first = at // of what is still in flight, it is not earlier
		}
	}
	e.acked = at
	if r := &a.run; r.on && r.side == side {
		r.offered(out.Window())
	}
	now := a.ticks(at)
	if e.offers > 0 {
		if now-o.at < e.step && o.edge != o.una { // one step; a shut window is remembered
			o.una, o.edge = out.Una, out.Edge
			if o.edge.Before(e.low) {
				e.low = o.edge
			}
			return
		}
		e.latest = later(e.latest)
		if e.offers == knowledge {
			e.spare(a, max(e.sent, told.rareOf(a).probed[side]))
		}
		o = &e.windows[e.latest]
	}
	if e.offers == 0 || out.Edge.Before(e.low) {
		e.low = out.Edge
	}
	e.offers = min(e.offers+1, knowledge)
	*o = offer{now, seg.Opts.TSVal, out.Una, out.Edge}
}

// spare keeps what the side knew when it stopped sending, and what came first after that, from being overwritten: its peer may
// acknowledge a flight in more steps than are remembered before the side sends again. Then one of the later steps is
// given up.
func (e *end) spare(a *Account, stopped int64) {
	stopped -= e.rtt
	oldest := e.latest
	k := later(oldest)
	if int32(a.ticks(stopped-e.slack())-e.windows[k].at) >= 0 {
		return // the oldest did not count any more
	}
	end := a.ticks(stopped + e.slack())
	for int32(end-e.windows[k].at) >= 0 {
		if k = later(k); k == oldest { // all count
			return
		}
	}
	if k = later(k); k == oldest {
		return
	}
	for ; k != oldest; k = earlier(k) {
		e.windows[k] = e.windows[earlier(k)]
	}
}

// unheard reports whether the side's segment echoes an older timestamp than the offer
// has: it cannot have known of that (RFC 7323 4.3).
func (o *offer) unheard(seg *reassembly.Segment) bool {
	return o.stamp != 0 && seg.Opts.Has&reassembly.HasTimestamps != 0 && int32(seg.Opts.TSEcr-o.stamp) < 0
}

// knew is what the side knew when it sent what passed the tap at: what had passed a
// round trip before, with some slack for a round trip that is not always the same.
func (e *end) knew(a *Account, at int64) *offer {
	then := a.ticks(at - e.rtt + e.slack())
	o := &e.windows[e.latest]
	for k, left := e.latest, e.offers; left > 0 && int32(then-o.at) < 0; left-- {
		o = &e.windows[k]
		k = earlier(k)
	}
	return o
}

// heard is the last offer of which the side may have known when it sent the segment; the latest if of none.
func (e *end) heard(seg *reassembly.Segment) *offer {
	for k, left := e.latest, e.offers; left > 0; left-- {
		if o := &e.windows[k]; !o.unheard(seg) {
			return o
		}
		k = earlier(k)
	}
	return &e.windows[e.latest]
}

// earlier is the place in windows before k.
func earlier(k uint8) uint8 {
	if k == 0 {
		return knowledge - 1
	}
	return k - 1
}

// later is the place in windows after k.
func later(k uint8) uint8 {
	if k++; k == knowledge {
		return 0
	}
	return k
}

// slack is by how much a round trip between tap and side may vary.
func (e *end) slack() int64 { return max(e.rtt/8, 500_000) }

// nearEdge reports whether a window of those that are remembered may have no room for need bytes more at seq.
func (e *end) nearEdge(seq reassembly.Seq, need uint32) bool {
	return int64(seq.To(e.low)) < int64(need) && e.mayStop(seq, need)
}

// mayStop is nearEdge after low was set anew.
func (e *end) mayStop(seq reassembly.Seq, need uint32) bool {
	e.low = e.windows[e.latest].edge
	for i := range e.windows[:e.offers] {
		if o := &e.windows[i]; o.edge.Before(e.low) {
			e.low = o.edge
		}
	}
	return int64(seq.To(e.low)) < int64(need)
}

// stoppedAtEdge reports whether the side stopped at seq because the window that it
// knew had no room for need bytes more.
func (e *end) stoppedAtEdge(a *Account, at int64, seq reassembly.Seq, need uint32) bool {
	slack := e.slack()
	known, then := a.ticks(at-e.rtt-slack), a.ticks(at-e.rtt+slack)
	for k, left := e.latest, e.offers; left > 0; left-- {
		o := &e.windows[k]
		if uint32(o.edge-seq) < need && int32(then-o.at) >= 0 {
			return true
		}
		if int32(known-o.at) >= 0 { // older ones did not count any more
			break
		}
		k = earlier(k)
	}
	return false
}

// setQuick sets the time below which gaps are not told apart: a sixteenth of the round
// trip, a millisecond at most.
func (a *Account) setQuick() {
	a.quick = uint32(min(a.roundTrip()>>4, 1_000_000))
	a.setSteps()
}

// setSteps sets how far apart offers to each side must be not to be one: a quarter of a round trip to it.
func (a *Account) setSteps() {
	x, y := &a.ends[0], &a.ends[1]
	least := min(a.roundTrip(), maxStep)
	x.step, y.step = quarter(max(x.rtt, least)), quarter(max(y.rtt, least))
}

// quarter is a quarter of so many nanoseconds in ticks, rounded up.
func quarter(ns int64) uint32 {
	return uint32(min((ns+1<<(tickBits+2)-1)>>(tickBits+2), math.MaxUint32))
}

// sample notes a round trip between tap and side.
func (a *Account) sample(e *end, t *trips, ns int64) {
	ns = max(ns, 1)
	e.most = max(e.most, ns)
	if e.rtt == 0 || ns < e.rtt {
		e.rtt = ns
		a.setQuick()
	}
	t.add(ns, e.rtt)
}

// time begins to time a segment of the side's peer, and ends the timing of one of
// its own peer's that the segment answers.
func (a *Account) time(seg *reassembly.Segment, own, peer *end, fresh bool, told *Told) {
	if own.timed != 0 && seg.Flags&reassembly.ACK != 0 && own.ackDue.AtOrBefore(seg.Ack) {
		took, t := seg.At-own.timed, told.noteTrips(a, own)
		if own.timed = 0; own.alone && (t.lone == 0 || took < t.lone) {
			t.lone = took
		}
		a.sample(own, t, took)
	}
	if peer.timed == 0 && fresh {
		peer.timed, peer.ackDue, peer.alone = seg.At, seg.End(), false
	}
	if seg.Opts.Has&reassembly.HasTimestamps == 0 {
		return
	}
	if own.echoed != 0 {
		if d := int32(seg.Opts.TSEcr - own.tsval); d >= 0 {
			if d == 0 {
				t := told.noteTrips(a, own)
				a.sample(own, t, seg.At-own.echoed)
				t.ends += seg.At - max(own.echoed, own.sent)
			}
			own.echoed = 0
		}
	}
	if peer.echoed == 0 && (own.clock.lastAt == 0 || seg.Opts.TSVal != own.clock.last) {
		peer.echoed, peer.tsval = seg.At, seg.Opts.TSVal
	}
}
