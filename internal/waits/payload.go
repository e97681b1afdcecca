package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// payload accounts for the time before new payload, by who sent payload last.
func (s *step) payload() {
	seg, own := s.seg, s.own
	s.silent(seg.At)
	r, holed := &s.run, own.open
	ends := r.on && (r.side != s.side || seg.At-own.sent >= maxPause)
	if ends && r.side != s.side && s.small() { // it is no transfer, whatever comes
		r.on, ends = false, false
		s.told.unmark(s.Account)
	}
	switch {
	case !s.spoken && s.turn == s.side: // nothing but the handshake is in flight
		s.application()
	case s.turn == s.side || s.una().Before(seg.Seq) && !s.out.Skipped(seg.Seq-1) && s.spoken:
		s.continued()
	default:
		s.answered()
	}
	if s.paused && s.replying && s.turn == s.side && s.side == reassembly.B {
		s.told.noteRare(s.Account).pauses++
	}
	if ends && (r.side != s.side || s.paused) {
		s.endTransfer()
	}
	s.exchange()
	if holed {
		s.meanwhile()
	}
	s.transfer()
	if s.out.InFlight() <= seg.Len {
		own.first = seg.At
		s.peer.alone = s.peer.timed == seg.At
	}
	own.sent, own.sentLen = seg.At, seg.Len
	s.greeted = s.greeted || !s.spoken && s.side == reassembly.B
	s.turn, s.spoken = s.side, true
	s.ask()
	if s.out.Skipped(seg.Seq-1) && !s.out.Covered(seg.Seq) { // something before it is missing, and not only in the capture
		s.open(seg.Seq)
	}
	s.late()
}

// una is what was acknowledged as the side knew it when it sent the segment.
func (s *step) una() reassembly.Seq {
	if s.own.offers == 0 {
		return s.seg.Seq
	}
	return s.own.knew(s.Account, s.seg.At).una
}

// roundTrip is the smallest between both sides.
func (a *Account) roundTrip() int64 { return a.ends[0].rtt + a.ends[1].rtt }

// continued: the side had sent last, and sends more.
func (s *step) continued() {
	own, at := s.own, s.seg.At
	if at-s.from < int64(s.quick) {
		return // goes to the wait that ends the flight
	}
	if at-own.sent >= own.rtt && s.far() { // the first is cheap, and nearly always decides
		s.pause(s.filledFirstEdge())
		if now := s.Waits[detectors.SenderWindow]; now != s.told.repairsOf(s.Account).clocked {
			s.told.noteRepairs(s.Account).clocked = now
		}
		return
	}
	s.pause(false)
}

// pause accounts for the time before payload of a side that had sent last; filled is whether its flight is known to
// have filled the window.
func (s *step) pause(filled bool) {
	seg, own, peer := s.seg, s.own, s.peer
	at := seg.At
	if filled || own.offers > 0 && (s.stoppedAtEdge(seg.Seq) || s.stopped() != seg.Seq && s.stoppedAtEdge(s.stopped())) {
		s.shut()
		return
	}
	late, delayed := own.late(seg), own.delayed(seg)
	if s.run.side == s.side {
		s.told.lags(&s.run, seg, own)
	}
	left := at - max(late, delayed)
	last, latest := own.knew(s.Account, left), &own.windows[own.latest]
	if last == latest && !s.conn.FalseEcho() {
		last = own.heard(seg)
	}
	learned := s.passed(last) // when what it knew last passed the tap
	between := own.offers > 0 && learned > own.sent-own.rtt
	gap, lag := at-late-own.sent, left-own.rtt-learned // lag is how long after it could have known it sent
	full, short, inFlight := s.roundTrip()+delayed, own.sentLen < s.full(), last.una.Before(seg.Seq)
	switch {
	case last.at != latest.at:
	case last.unheard(seg) && !s.conn.FalseEcho():
		between, inFlight = false, true
	case !inFlight && own.first > learned && own.first <= left-own.rtt+own.slack(): // of several ACKs in one step, the last
		lag -= own.first - learned
		learned = own.first
	}
	pacing := full // a sender that paces its segments pauses for less
	if short {
		pacing /= 2
	}
	switch {
	case !between && gap < pacing && at-s.from < full:
		return // a pause inside a flight
	case gap < s.longPause() && s.conn.AcksFiltered(): // it may have waited for one
		s.blame(NoAcks)
		s.give(detectors.UnknownWait, at)
	case !between && gap < pacing:
		s.give(s.sender(), at)
	case !between:
		s.application()
	case !inFlight && s.heldACK(gap, lag, learned):
		held := learned - own.sent - peer.rtt
		s.give(s.sender(), max(s.from, at-held))
		s.give(detectors.DelayedAck, at)
	case short && lag > max(prompt(gap), own.rtt/16), !inFlight && lag > max(prompt(gap), full/2), lag > max(full, 2_000_000):
		s.application()
	default:
		if lag > max(minUnclocked, full/16) {
			s.unclocked()
		}
		s.give(s.sender(), at)
	}
}

// prompt is how soon after an ACK a side sends that waited for it: at once, and so much
// sooner than the gap that this is not by chance.
func prompt(gap int64) int64 { return min(max(gap/8, 200_000), 1_500_000) }

// minUnclocked is how long after an ACK a host sends at least, in nanoseconds, if not on that ACK: more than its stack and a process
// that it wakes need.
const minUnclocked = 5_000_000

// unclocked notes that no ACK released the segment, if the tap is beside its sender: what comes between there is short.
func (s *step) unclocked() {
	if r := &s.run; r.on && r.side == s.side && s.own.rtt < losslessTrip {
		s.told.noteRepairs(s.Account).unclocked += max(s.seg.At-s.from, 0)
	}
}

// minHeld is how long an ACK must be held to be a delayed one.
const minHeld = 20_000_000

// heldACK reports whether the side waited for an ACK that its peer had delayed.
func (s *step) heldACK(gap, lag, learned int64) bool {
	return s.own.sentLen < s.full() && lag <= max(prompt(gap), s.own.slack()) && learned-s.own.sent-s.peer.rtt > minHeld
}

// sender is the wait of a side that sends as ACKs come.
func (s *step) sender() detectors.Wait {
	switch {
	case s.blind == detectors.UnknownWait:
		s.blame(NoScale)
		return s.blind
	case s.conn.AcksFiltered():
		s.blame(NoAcks)
		return detectors.UnknownWait
	}
	return detectors.SenderWindow
}

// shut: the side had stopped because the window was full, until it opened. What it did not
// send at once then, it did not have.
func (s *step) shut() {
	at, una := s.seg.At, s.una()
	if s.blind == detectors.UnknownWait {
		s.blame(NoScale)
	}
	opened, room := at, s.out.Edge
	small := !s.seg.End().Before(room) && uint32(s.seg.Seq.To(room)) < s.needed()
	if !una.Before(s.seg.Seq) && !small { // nothing is in flight: no ACK is awaited
		opened = max(s.own.acked+s.own.rtt, s.own.sent)
		if at-opened < max(4*s.roundTrip(), maxTimer) {
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
		s.give(detectors.Network, min(peer.sent+s.thisRoundTrip(), at))
	}
	s.application()
}

// thisRoundTrip is the round trip between tap and side of this exchange: as an ACK shows that
// the side sent before its answer, unless it was delayed, else the smallest.
func (s *step) thisRoundTrip() int64 {
	own := s.own
	if took := own.pure - s.peer.sent; own.pure >= s.peer.sent && took > own.rtt && took <= own.rtt+own.rtt/4 {
		return took
	}
	return own.rtt
}

// maxTimer is for how long a side may not send after a window opened, though it could:
// its persist timer, or the one that avoids silly windows, started while it was shut.
const maxTimer = 250_000_000

// application gives the time up to the segment to its side's application: no more than
// went by on the side's own clock. What it sent before and lost on the way to the tap
// shows in its IP identifications.
func (s *step) application() {
	at := s.seg.At
	if at-s.own.sent > s.roundTrip()+lossPause && s.skips() && !s.out.Skipped(s.seg.Seq-1) { // else only the first of a flight was
		s.give(detectors.Loss, at)
		return
	}
	if at-s.from > s.roundTrip()+lossPause && s.own.rtt >= losslessTrip && (!s.own.ids.nothing(s.seg.IPID) || s.own.ids.skips(s.seg.IPID)) {
		s.invisible |= 1 << s.side
	}
	if late := s.own.late(s.seg); late > 0 {
		s.give(detectors.Network, min(s.from+late, at))
	}
	if s.paused = at-s.from >= s.longPause(); !s.paused && s.run.on && s.run.side == s.side {
		s.told.noteShape(&s.run).pieces.add(s.seg, at-s.own.sent)
		if s.own.rtt >= losslessTrip && at-s.own.sent < 2*s.roundTrip() && s.seg.Opts.Has&reassembly.HasTimestamps == 0 {
			s.told.noteRepairs(s.Account).brief += max(at-s.from, 0)
		}
	}
	s.give(s.app(s.side), at)
}

// skips reports whether the side sent something before the segment that did not reach the tap. If its host has one counter for several
// connections, that is no more than it sends again meanwhile, and two segments: the rest is theirs.
func (s *step) skips() bool {
	i := &s.own.ids
	if i.ownSkips(s.seg.IPID) && !s.conn.Oversize(s.side) {
		return true
	}
	if !i.skips(s.seg.IPID) {
		return false
	}
	resends := uint16(0)
	for timer := int64(minRTO); timer <= s.seg.At-s.own.sent; timer = 2*timer + minRTO {
		resends++
	}
	return s.seg.IPID-i.last-1 <= resends+2
}

// minRTO is the shortest retransmission timeout of common systems: it doubles each time (RFC 6298 5.5; Linux, TCP_RTO_MIN).
const minRTO = 200_000_000

// lossPause is how much longer than a round trip a pause must be for something to have
// been sent again after it: retransmission timeouts are longer.
const lossPause = 150_000_000

// losslessTrip is the round trip in nanoseconds below which nothing is lost between side and tap:
// the tap is beside it.
const losslessTrip = 1_000_000

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
func (s *step) full() uint32 { return s.Account.full(s.conn) }

func (a *Account) full(c *fsm.Conn) uint32 {
	if a.mss == 0 {
		a.setMSS(c)
	}
	return uint32(a.mss)
}

func (a *Account) setMSS(c *fsm.Conn) { a.mss = uint16(fullSegment(c.View())) }

func fullSegment(v fsm.View) uint32 {
	mss := min(v.EffSndMSS(), 65_535)
	return mss - min(mss-1, maxOptions)
}

// maxOptions is how much options may take of a segment (RFC 9293 3.1).
const maxOptions = 40
