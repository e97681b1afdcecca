package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// payload accounts for the time before new payload, by who sent payload last.
func (s *step) payload() {
	seg, own := s.seg, s.own
	s.silent(seg.At)
	s.paused = false
	before := s.Waits
	if s.turn == s.side || s.una().Before(seg.Seq) && s.spoken {
		s.continued(s.una())
	} else {
		s.answered()
	}
	if s.run.side != s.side || s.paused {
		s.endTransfer(&before)
	}
	s.exchange()
	s.transfer()
	if out := s.view.Stream(s.side); out.InFlight() <= seg.Len {
		own.first = seg.At
	}
	own.sent, own.sentLen = seg.At, seg.Len
	s.turn, s.spoken = s.side, true
	s.ask()
	if ahead := s.view.Stream(s.side); ahead.Skipped(seg.Seq - 1) { // something before it is missing
		s.open(seg.Seq)
	}
}

// una is what was acknowledged as the side knew it when it sent the segment.
func (s *step) una() reassembly.Seq {
	if !s.own.windowed {
		return s.seg.Seq
	}
	return s.own.knew(s.Account, s.seg.At).una
}

// roundTrip is the smallest between both sides.
func (a *Account) roundTrip() int64 { return a.ends[0].rtt + a.ends[1].rtt }

// quick is the time below which gaps are not told apart.
func (a *Account) quick() int64 { return min(a.roundTrip()/16, 1_000_000) }

// continued: the side had sent last, and sends more.
func (s *step) continued(una reassembly.Seq) {
	seg, own, peer := s.seg, s.own, s.peer
	at := seg.At
	if at-s.from < s.quick() {
		return // goes to the wait that ends the flight
	}
	full := s.roundTrip()
	gap := at - own.sent
	short := own.sentLen < s.full()
	inFlight := una.Before(seg.Seq)
	if own.windowed && own.stoppedAtEdge(s.Account, own.sent, seg.Seq, s.full()) {
		s.shut(una)
		return
	}
	last := own.knew(s.Account, at)
	told := s.first + int64(last.at)*1000 // when what it knew last passed the tap
	between := own.windowed && told > own.sent-own.rtt
	lag := at - own.rtt - told // how long after it could have known it sent
	if gap < full/2 && !between && at-s.from < full {
		return // a pause inside a flight
	}
	switch {
	case !between:
		s.application()
	case !inFlight && s.heldACK(last, short, lag, told):
		held := told - own.sent - peer.rtt
		s.give(s.sender(), max(s.from, at-held))
		s.give(detectors.DelayedAck, at)
	case short && lag > prompt(gap), !inFlight && lag > prompt(gap), lag > max(full/2, 2_000_000):
		s.application()
	default:
		s.give(s.sender(), at)
	}
}

// prompt is how soon after an ACK a side sends that waited for it: at once, and so much
// sooner than the gap that this is not by chance.
func prompt(gap int64) int64 { return min(max(gap/8, 200_000), 1_500_000) }

// minHeld is how long an ACK must be held to be a delayed one.
const minHeld = 20_000_000

// heldACK reports whether the side waited for an ACK that its peer had delayed.
func (s *step) heldACK(last offer, short bool, lag, told int64) bool {
	return short && lag <= max(prompt(s.seg.At-s.own.sent), s.own.slack()) && told-s.own.sent-s.peer.rtt > minHeld
}

// sender is the wait of a side that sends as ACKs come.
func (s *step) sender() detectors.Wait {
	if s.blind == detectors.UnknownWait {
		s.blame(NoScale)
		return s.blind
	}
	return detectors.SenderWindow
}

// shut: the side had stopped because the window was full, until it opened. Whatever it
// did not send at once then, it did not have.
func (s *step) shut(una reassembly.Seq) {
	at := s.seg.At
	if s.blind == detectors.UnknownWait {
		s.blame(NoScale)
	}
	opened := at
	if !una.Before(s.seg.Seq) { // nothing is in flight: no ACK is awaited
		opened = max(s.own.acked+s.own.rtt, s.own.sent)
		if at-opened < max(s.roundTrip()/2, 20_000_000) {
			opened = at
		}
	}
	s.give(s.blind, min(opened, at))
	if s.from < at {
		s.application()
	}
}

// answered: the other side had sent last. The answer could not begin before that had
// arrived.
func (s *step) answered() {
	at, peer := s.seg.At, s.peer
	if peer.sent != 0 {
		arrived := peer.sent + s.own.rtt
		s.give(detectors.Network, min(arrived, at))
	}
	s.application()
}

// application gives the time up to the segment to its side's application.
func (s *step) application() {
	s.paused = s.seg.At-s.from >= s.longPause()
	s.give(s.app(s.side), s.seg.At)
}

// app is the wait for a side's application.
func (a *Account) app(side reassembly.Side) detectors.Wait {
	switch {
	case !a.known:
		a.blame(Midstream)
		return detectors.UnknownWait
	case side == reassembly.A:
		return detectors.ClientApp
	}
	return detectors.ServerApp
}

// full is the payload of a full segment: the MSS, less what options may take.
func (s *step) full() uint32 {
	if s.mss == 0 {
		s.mss = uint16(min(s.view.EffSndMSS(), 65_535))
	}
	return uint32(s.mss) - min(uint32(s.mss), 40)
}
