package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A run is payload from one side, without payload from the other: a transfer, if it is
// large or lasts.
type run struct {
	flight    uint32
	left      uint32         // in flight after its last payload
	half      uint32         // in flight when that had doubled for the last time
	end       reassembly.Seq // after its payload
	window    uint32
	offers    uint32 // windows that were offered
	falls     uint32 // of these, how many were clearly below the largest before
	side      reassembly.Side
	fulls     uint8 // full segments, up to minFulls and one segment's
	on        bool
	halved    bool // the window fell below half of its largest
	repaired  bool // something of the side was sent again, or overtaken
	resent    bool // it sent something again, whether that had arrived or not
	edgeKnown bool
	counting  bool  // what was sent again is to be answered, see answered
	resends   uint8 // segments that it sent again
	twice     uint8 // of these, how many a D-SACK reports
	doubled   int64 // when it had
	last      reassembly.Mark
	marked    uint32 // the number of what Waits were, see aside; 0 = they have not changed since it began
	shape     uint32 // that of its shape; 0 = it has none
	snapped   int64  // time of the last payload that the waits at its last one know of
	first     reassembly.Mark
	bytes     uint64    // of the side, when it began
	stamps    [2]uint32 // the timestamps on its first segment: its side's, and its peer's
}

// minSamples is how many round trips show a queue: one may be long by chance. minLong is how many
// do that are half as long again as the smallest, if half of all are: each may stand for a round trip of a second.
const (
	minSamples = 8
	minLong    = 3
)

// A run is a transfer from minBytes on, or if it takes minTime and has minFulls full
// segments. A pause of its application for as long as maxPause, or four round trips,
// ends it.
const (
	minBytes = 100_000
	minTime  = 1_000_000_000
	minFulls = 10
	maxPause = 1_000_000_000
)

// transfer notes payload, whose time before it is attributed, but for pauses inside a
// flight.
func (s *step) transfer() {
	seg, r := s.seg, &s.run
	if !r.on || r.side != s.side {
		if s.replying && s.answer == 0 && !s.begins {
			s.keepAnswer()
		}
		r.first.Set(seg)
		s.told.forget(s.Account)
		r.side, r.on = s.side, true
		r.snapped, s.changed = seg.At, false
		r.window, r.offers, r.falls, r.halved = 0, 0, 0, false
		s.told.begin(s.Account)
		r.flight, r.half, r.doubled, r.fulls, r.repaired, r.resent, r.end, r.edgeKnown = 0, 0, seg.At, 0, false, false, seg.Seq, false
		r.counting = false
		r.resends, r.twice = 0, 0
		r.stamps = [2]uint32{seg.Opts.TSVal, seg.Opts.TSEcr}
		r.bytes = s.conn.Bytes(s.side) - min(s.conn.Bytes(s.side), uint64(seg.Len))
		s.trips = trips{}
	}
	if r.fulls < minFulls {
		r.count(seg, s.full())
	}
	if seg.Flags&reassembly.CWR != 0 { // what follows a pause or an ACK is processed here (RFC 3168 6.1.2)
		s.told.noteRare(s.Account).cuts++
	}
	r.inFlight(s.out.InFlight(), seg.At)
	r.last.Set(seg)
	if r.marked != 0 {
		s.told.marked.at(r.marked).course.note(s.conn.Bytes(s.side)-r.bytes, seg.At-r.first.At, seg.At-s.own.sent >= int64(s.quick))
	}
	s.next = r.last.End()
	r.end = r.end.Max(seg.Seq + reassembly.Seq(seg.Len))
	r.offered(s.out.Window())
}

// inFlight notes how much is in flight after payload of the run.
func (r *run) inFlight(n uint32, at int64) {
	if r.left = n; n > r.flight {
		r.flight = n
		if n >= 2*r.half {
			r.half, r.doubled = n, at
		}
	}
}

// offered notes a window that the receiver of the run offers.
func (r *run) offered(w uint32) {
	r.offers++
	if w >= r.window {
		r.window = w
		return
	}
	if uint64(w)*10 < uint64(r.window)*9 {
		r.falls++
	}
	r.halved = r.halved || w < r.window/2
}

// count counts full segments: several, if offload joined them.
func (r *run) count(seg *reassembly.Segment, full uint32) {
	if seg.Len >= full {
		r.fulls += uint8(min(seg.Len/full, minFulls))
	}
}

// change notes what the run has of Waits, before these change.
func (a *Account) change(told *Told) {
	a.changed = true
	if r := &a.run; r.on && r.marked == 0 {
		r.marked = told.marked.alloc()
		m := told.marked.at(r.marked)
		m.before, m.until, m.course = a.Waits, a.Waits, course{}
	}
}

// snap notes the waits up to the last payload of the run, before more is attributed.
func (a *Account) snap(told *Told) {
	r := &a.run
	if !r.on || r.snapped == r.last.At {
		return
	}
	r.snapped = r.last.At
	if a.changed && r.marked != 0 {
		told.marked.at(r.marked).until, a.changed = a.Waits, false
	}
}

// missed is how many bytes of the run the capture has not seen, of which it saw so many.
func (r *run) missed(bytes uint64) uint64 {
	return uint64(max(int32(uint32(r.end-r.first.Seq)-uint32(bytes)), 0)) // as the difference of sequence numbers
}

// small reports whether the run is too small for a transfer.
func (s *step) small() bool {
	r := &s.run
	lasted := r.last.At - r.first.At
	return lasted <= 0 || (lasted < minTime || r.fulls < minFulls) && s.conn.Bytes(r.side)-r.bytes < minBytes
}

// longPause is how long an application pauses between two transfers.
func (a *Account) longPause() int64 { return max(maxPause, 4*a.roundTrip()) }

// endTransfer ends the run, if there is one, and tells of it if it was a transfer.
func (s *step) endTransfer() {
	if r := &s.run; r.on {
		r.on = false
		s.tellTransfer()
		s.told.unmark(s.Account)
	}
}

// tellTransfer tells of the run, which has ended, if it was a transfer.
func (s *step) tellTransfer() {
	r := &s.run
	bytes, lasted := s.conn.Bytes(r.side)-r.bytes, r.last.At-r.first.At
	if s.side == r.side && s.seg.Len > 0 { // the segment at hand is not part of it
		bytes -= min(bytes, uint64(s.seg.Len))
	}
	if lasted <= 0 || bytes < minBytes && (lasted < minTime || r.fulls < minFulls) || s.told.Transfer == nil {
		return
	}
	t := &s.told.transfer
	missed, seldom := r.missed(bytes), s.told.rareOf(s.Account)
	*t = detectors.Transfer{Told: s.seg.At, From: r.side, First: r.first, Last: r.last, Bytes: bytes + missed, Missed: missed,
		Window: r.window, Shrank: r.halved || uint64(r.falls)*20 > uint64(r.offers), Repaired: r.repaired, Resent: r.resent, Cuts: seldom.cuts, Congested: uint64(seldom.cuts)*20 > uint64(r.offers), Flight: r.flight, Left: r.left, Grew: max(r.doubled-r.first.At, 0), Relayed: int64(s.conn.Relayed(r.side)),
		Invisible: s.invisible != 0, AcksFiltered: s.conn.AcksFiltered(), ClockStepped: s.stepped(lasted)}
	if s.told.rest(s.Account, 0); r.marked != 0 {
		m := s.told.marked.at(r.marked)
		for w := range t.Waits {
			t.Waits[w] = m.until[w] - m.before[w]
		}
		t.Faster = m.course.faster(bytes, lasted, s.roundTrip())
	}
	fit(&t.Waits, lasted)
	p := s.told.repairsOf(s.Account)
	t.Unneeded = min(p.unneeded, t.Waits[detectors.Loss])
	t.Spared = spared(t, p.fresh, p.wentOn)
	t.Brief, t.Unclocked, t.Bulk = p.brief, p.unclocked, r.fulls >= minFulls
	pieces := &s.told.shape(r).pieces
	t.Pieces, t.Frequent = pieces.n, pieces.frequent()
	t.LongestPause, t.Steady, t.Slowest = pieces.pause, pieces.steady(), s.ends[0].most+s.ends[1].most
	if a := s.Account; a.ends[0].rtt > 0 && a.ends[1].rtt > 0 {
		t.Beyond = s.beyond()
		t.RTT = a.ends[r.side].rtt + t.Beyond
		// The ACK of less than three segments may be delayed, also until the next has come (RFC 9293 3.8.6.3).
		t.Queue, t.Unqueued = s.queue(r.flight >= 3*s.full())
	}
	if s.paused && s.side == r.side { // else the other side's application paused
		t.Pause = s.seg.At - r.last.At
		if t.Pauses = seldom.pauses; s.replying {
			bytes := s.answerBytes()
			t.Answer = bytes - min(bytes, uint64(s.seg.Len))
		}
	}
	s.told.Transfer(s.Account, t)
}

// slowestTick is the longest that a timestamp may take to count one, in nanoseconds (RFC 7323 5.4).
const slowestTick = 1_000_000_000

// stepped reports whether the clocks of both sides, which run, counted less during the run of that length than
// the slowest do: the capture's clock was set. One side's alone may stand still, as long as what it sent is queued.
func (a *Account) stepped(lasted int64) bool {
	r := &a.run
	sender, receiver := &a.ends[r.side], &a.ends[r.side.Peer()]
	stamp := sender.windows[sender.latest].stamp
	if stamp == 0 || r.stamps[1] == 0 || !sender.runs() || !receiver.runs() {
		return false
	}
	most := uint32(lasted/slowestTick) - 2 // where it began and where it ended may each hide one
	return lasted >= 2*slowestTick && sender.clock.last-r.stamps[0] <= most && stamp-r.stamps[1] <= most
}

// fit makes the waits of a transfer add up to how long it took: they lack pauses inside
// the last flight, and may have one before the first payload.
func fit(w *detectors.Waits, lasted int64) {
	for excess := w.Sum() - lasted; excess != 0; {
		most := &w[w.Longest()] // more than 0, as excess is if it is not negative
		n := min(excess, *most)
		*most -= n
		excess -= n
	}
}
