package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A run is payload of one side, without payload of the other: a transfer, if it is
// large or lasts.
type run struct {
	first, last reassembly.Mark
	before      detectors.Waits // of the connection, when it began
	bytes       uint64          // of the side, when it began
	window      uint32
	flight      uint32
	side        reassembly.Side
	on          bool
}

// minSamples is how many round trips show a queue: one may be long by chance.
const minSamples = 8

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
		r.first, r.before, r.side, r.on = reassembly.MarkOf(seg), s.Waits, s.side, true
		r.window, r.flight = 0, 0
		r.bytes = s.conn.Bytes(s.side) - min(s.conn.Bytes(s.side), uint64(seg.Len))
		for i := range s.ends {
			s.ends[i].rttSum, s.ends[i].rtts = 0, 0
		}
	}
	r.payload(seg, s.out)
	r.window = max(r.window, s.out.Window())
}

// payload notes a segment of the run.
func (r *run) payload(seg *reassembly.Segment, out *reassembly.Stream) {
	r.flight = max(r.flight, out.InFlight())
	r.last = reassembly.MarkOf(seg)
}

// small reports whether the run is too small for a transfer, and ends it if so.
func (s *step) small() bool {
	r := &s.run
	if lasted := r.last.At - r.first.At; lasted > 0 && (lasted >= minTime && s.conn.Bytes(r.side)-r.bytes >= s.fewest() || s.conn.Bytes(r.side)-r.bytes >= minBytes) {
		return false
	}
	r.on = r.on && r.side == s.side
	return true
}

// fewest is the payload of minFulls full segments.
func (s *step) fewest() uint64 { return minFulls * uint64(s.full()) }

// longPause is how long an application pauses between two transfers.
func (a *Account) longPause() int64 { return max(maxPause, 4*a.roundTrip()) }

// endTransfer ends the run, if there is one, and tells of it if it was a transfer. to
// are the connection's waits until its last segment.
func (s *step) endTransfer(to *detectors.Waits) {
	r := &s.run
	if !r.on {
		return
	}
	r.on = false
	bytes, lasted := s.conn.Bytes(r.side)-r.bytes, r.last.At-r.first.At
	if s.side == r.side && s.seg.Len > 0 { // the segment at hand is not part of it
		bytes -= min(bytes, uint64(s.seg.Len))
	}
	if lasted <= 0 || bytes < minBytes && (lasted < minTime || bytes < s.fewest()) || s.told.Transfer == nil {
		return
	}
	t := &s.told.transfer
	*t = detectors.Transfer{Told: s.seg.At, From: r.side, First: r.first, Last: r.last, Bytes: bytes, Window: r.window, Flight: r.flight}
	for w := range t.Waits {
		t.Waits[w] = to[w] - r.before[w]
	}
	fit(&t.Waits, lasted)
	if a := s.Account; a.ends[0].rtt > 0 && a.ends[1].rtt > 0 {
		t.RTT = a.roundTrip()
		for i := range a.ends {
			if e := &a.ends[i]; e.rtts >= minSamples {
				t.Queue += e.rttSum/int64(e.rtts) - e.rtt
			}
		}
	}
	if s.paused {
		t.Pause = s.seg.At - r.last.At
	}
	s.told.Transfer(s.Account, t)
}

// fit makes the waits of a transfer add up to how long it took: they lack pauses inside
// the last flight, and may have what followed the last payload: silence, probes, loss.
func fit(w *detectors.Waits, lasted int64) {
	excess := w.Sum() - lasted
	if excess < 0 {
		w[w.Longest()] -= excess
	}
	for i := detectors.NumWaits; i > 0 && excess > 0; i-- {
		n := min(excess, w[i-1])
		w[i-1] -= n
		excess -= n
	}
}
