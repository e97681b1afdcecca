package loss

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A stall is a time in which nothing new was acknowledged, until a timeout.
type stall struct {
	resent  reassembly.Mark // the last that a timeout caused; At is 0 if it was not captured
	before  reassembly.Mark // the last but one
	not     bool            // resent is the last but one: the ACK came too soon to answer the last
	stamp   uint32          // timestamp of the last; 0 if it has none
	earlier bool            // the ACK echoes an older one: it answers an earlier retransmission
	slack   int64           // how much earlier it may have begun
	twice   bool            // it has a D-SACK of that: it answers a copy, as what arrived before had been answered
	partly  bool            // of part of that only: it may answer the first copy of the rest
	again   bool            // what resent has was sent once more, after the stall
	spare   bool            // a later D-SACK says that resent had arrived before
	ended   reassembly.Mark // the ACK
	nxt     reassembly.Seq  // what had been sent when something was last sent again
	since   int64
	stood   int64  // how long the sender's timer stood still: see detectors.TimerStood
	lag     int64  // how long after the last retransmission the ACK came, if that is more than a timeout; else 0
	heard   uint16 // IP ID of the receiver's last segment before it; 0 if there is none
	sent    uint64 // how many segments of the receiver were captured by then
	opening bool   // the receiver had sent nothing but its SYN-ACK
	unseen  uint32 // packets that the receiver sent meanwhile and that were not captured, by its IP IDs
	ahead   bool   // payload of the receiver before the ACK was not captured
	resends uint32 // what was sent again in it, as far as it may have been lost
}

// lasted is how long that was; 0 of none.
func (s *stall) lasted() int64 {
	if s == nil {
		return 0
	}
	return s.ended.At - s.since
}

// ongoingStalls has room for those that last: nearly all are over before they are noticeable.
var ongoingStalls detectors.Spare[stall]

// noticeable is how long a connection must stall for that to count.
const noticeable = time.Second

// stalls are those of a side that ended in one way.
type stalls struct {
	n       uint32
	total   int64
	backoff int64  // of that, in how much the sender's timer doubled though the timeouts before had been answered
	lag     int64  // of that, how much came after the last retransmission
	stood   int64  // of that, for how long the sender's timer stood still
	ahead   uint32 // what was sent again in those whose ACK shows that the receiver had answered before
	slack   int64  // how much longer it may be
	longest *stall // nil if there were none
}

func (c *stalls) add(s *stall) {
	c.n++
	c.total += s.lasted()
	c.lag += s.lag
	c.stood += s.stood
	c.slack += s.slack
	if s.ahead {
		c.ahead += s.resends
	}
	if s.lasted() > c.longest.lasted() {
		c.longest = s
	}
}

// and is both together.
func (c stalls) and(o *stalls) stalls {
	if o.longest.lasted() > c.longest.lasted() {
		c.longest = o.longest
	}
	return stalls{c.n + o.n, c.total + o.total, c.backoff + o.backoff, c.lag + o.lag, c.stood + o.stood, c.ahead + o.ahead, c.slack + o.slack, c.longest}
}

// goesOnStalling takes what was sent again; expired says that a timer made it.
func (a *resender) goesOnStalling(ev fsm.Event, expired bool, r *detectors.Report) {
	peer, out := ev.Side.Peer(), r.Conn.Stream(ev.Side)
	heard := r.Conn.Last(peer)
	switch s := a.stall; {
	case s == nil && expired:
		a.stall = ongoingStalls.Take()
		*a.stall = stall{slack: int64(a.slack) * int64(time.Millisecond), resent: reassembly.MarkOf(ev.Seg), since: a.waiting, stood: detectors.TimerStood(ev.Seg.At-a.waiting, 0), heard: heard.IPID, sent: r.Conn.Packets(peer),
			stamp: ev.Seg.Opts.TSVal, opening: heard.Flags.Has(reassembly.SYN | reassembly.ACK)}
	case s != nil && (expired || out.Oldest(ev.Seg.Seq)):
		timer := s.resent.At - s.since
		if s.before.At != 0 {
			timer = s.resent.At - s.before.At
		}
		s.stood += detectors.TimerStood(ev.Seg.At-s.resent.At, max(timer, int64(r.Conn.RTO(ev.Side))))
		s.before, s.resent, s.stamp = s.resent, reassembly.MarkOf(ev.Seg), ev.Seg.Opts.TSVal
	}
	if a.stall != nil {
		a.stall.nxt = out.Nxt
	}
}

// stalled is what is known of a side's stalls.
type stalled struct {
	stalls    stalls
	originals stalls // that an ACK of the original ended
	before    stalls // stalls without lastStall
	unproved  uint32 // what was sent again in lastStall, and may have been lost
	longProbe bool   // there was a wait that would be a stall, had new data not put off the timeout (RFC 6298 5.1, 8985 7.2): only a tail probe came
	lastStall *stall // the last of stalls, of which all may prove needless; nil if none may
}

// neverStalled is that of most.
var neverStalled stalled

// noteStalled is what is known of the stalls, to be written.
func (a *resender) noteStalled() *stalled {
	if a.stalled == &neverStalled {
		a.stalled = new(stalled)
	}
	return a.stalled
}

// endStall takes an ACK of something new from the receiver, before which n segments were
// sent again; original says that it acknowledges what was sent first. Where its IP IDs skip no more than it can have answered, it may have answered
// those and the first: its ACKs, then, did not reach the capture point.
func (a *resender) endStall(ack *reassembly.Segment, n uint32, original bool, from reassembly.Side, r *detectors.Report) {
	s := a.stall
	if s == nil {
		return
	}
	a.stall = nil
	// Where new data that was sent afterwards is acknowledged, too, an ACK that was not captured ended the stall: until then,
	// a timeout leaves room for nothing new (RFC 5681 3.1). A FIN needs none.
	if ack.Ack.After(s.nxt + 1) {
		ongoingStalls.Give(s)
		return
	}
	s.ended, s.resends = reassembly.MarkOf(ack), n
	captured := uint16(r.Conn.Packets(from) - s.sent)
	if skipped := uint32(ack.IPID - s.heard - captured); s.heard != 0 && ack.IPID != 0 && skipped <= n+1 {
		s.unseen = skipped
	}
	echo, is := detectors.Echo(r.Conn, ack)
	block, dsack := ack.Opts.Twice(ack.Ack)
	s.twice = dsack && s.resent.At != 0 && block.Meets(s.block())
	s.partly = s.twice && !block.Holds(s.block())
	// A copy that arrives leaves the timestamp that is echoed as it was (RFC 7323 4.3).
	s.earlier = !s.twice && s.stamp != 0 && is && echo.Before(reassembly.Seq(s.stamp))
	out := r.Conn.Stream(from)
	s.ahead = out.Knows(reassembly.KnowNxt) && (ack.Seq.After(out.Nxt) || ack.Len > 0 && out.Skipped(ack.Seq-1))
	last := ack.At - s.resent.At
	if s.before.At != 0 && answersBefore(ack.At-s.before.At, ack.At-s.resent.At, from.Peer(), r) {
		s.resent, s.not = s.before, true
	}
	doubled := a.doubles(s, r)
	switch {
	case s.lasted()+s.slack < int64(noticeable):
		ongoingStalls.Give(s)
	case original:
		a.noteStalled().originals.add(s)
	default:
		past := a.noteStalled()
		past.lastStall, past.unproved, past.before = s, n, past.stalls
		if last > int64(r.Conn.RTO(from.Peer())) { // no timer explains this part
			s.lag = last
		}
		past.stalls.add(s)
		if doubled {
			past.stalls.backoff += s.lasted()
		}
	}
}

// needless takes proof that the last stall did not need what was sent again in it, at the given time: where all of that had
// arrived, the stall was a wait for the ACK of the original.
func (a *resender) needless(at int64) {
	s := a.lastStall
	if s == nil || at < s.since || at > s.ended.At {
		return
	}
	past := a.noteStalled()
	if past.unproved--; past.unproved == 0 {
		past.stalls, past.lastStall = past.before, nil
		s.lag = 0
		past.originals.add(s)
	}
}

// allNeedless reports whether all that was sent again had arrived, or was about to prove that.
func (a *resender) allNeedless() bool {
	return a.total.allSpurious()+a.total.notLost().doubtful[onItsWay] >= a.total.all()
}

// needlessStalls are those in which nothing was missing but an ACK.
func (a *resender) needlessStalls() stalls {
	if a.allNeedless() {
		return a.stalls.and(&a.originals)
	}
	return a.originals
}

// mayBeQueued reports whether a full accept queue explains as well as loss why the only stall began: until there is
// room, a server ignores the ACK of its SYN-ACK and all data (Linux: net.ipv4.tcp_abort_on_overflow=0), and one that sent a
// SYN cookie never repeats its SYN-ACK (RFC 4987 3.6).
func (a *resender) mayBeQueued() bool {
	s := a.stalls.longest
	return a.stalls.n == 1 && s.opening && s.unseen == 0 && !s.ahead && a.icmp == nil &&
		a.total.unseen == 0 && a.lostBehind()+a.total.notLost().older == a.total.all()
}

// uncaptured takes an ACK of bytes that were never captured, which may end a stall, too: it
// moves by one segment, as after a timeout, and what was captured beyond is still in flight.
func (a *resender) uncaptured(ev fsm.Event, r *detectors.Report) {
	out := r.Conn.Stream(ev.Side)
	s := &stall{ended: reassembly.MarkOf(ev.Seg), since: a.stood}
	if s.since == 0 {
		s.since = max(a.unaAt, r.Conn.Last(ev.Side).At)
	}
	if stood := a.una == out.Una-reassembly.Seq(ev.N); stood && s.lasted() >= int64(noticeable) && a.shown.n > 0 && a.pending.all() == 0 && ev.N <= r.Conn.EffSndMSS() && out.InFlight() > 0 {
		past := a.noteStalled()
		past.stalls.add(s)
		past.lastStall = nil
		a.goesUntil(ev.Seg.At, r)
	}
}

// leastRoundTrip is the shorter of the handshake's and that of what the side sent since, in
// nanoseconds; 0 if either is unknown, or they vary by as much as they take. Where the timeout is above its
// floor (RFC 6298 2), it is less by twice their variation. The handshake alone says nothing of that.
func leastRoundTrip(side reassembly.Side, r *detectors.Report) int64 {
	srtt, answer := r.Conn.SRTT(side), r.Conn.HandshakeRTT(side.Peer())
	least := min(answer, srtt)
	if varied := r.Conn.Recent(side, 0).Least; srtt != answer && (varied == 0 || r.Conn.RTO(side) > time.Second) {
		least = min(least, varied)
	}
	return int64(least)
}

// sentence says how often the connection stalled, and what ended the longest stall: original, an
// ACK of the original; needless, one of what had been sent again for nothing. least says that the
// capture may lack others.
func (c *stalls) sentence(original, needless bool, least string) string {
	often := least + "once, for " + least + detectors.Span(c.total)
	if c.n > 1 {
		often = fmt.Sprintf("%s%d times, for %s%s in all. The longest of these lasted %s%s", least, c.n, least, detectors.Span(c.total), least, detectors.Span(c.longest.lasted()))
	}
	until := fmt.Sprintf("a retransmission (frame %d) was acknowledged", c.longest.resent.Frame)
	switch {
	case c.longest.twice && !c.longest.partly && (original || needless):
		until = "a D-SACK came: the original had arrived, and no ACK of it had come"
	case c.longest.twice && !c.longest.partly:
		until = "the answer to a second copy came, a D-SACK: no ACK of the first that arrived had come"
	case original:
		until = "the ACK of the original came"
	case needless, c.longest.partly && !c.longest.spare:
		until = "an ACK came"
	case c.longest.endedBefore():
		until = "what had been sent before the last retransmission was acknowledged"
	case c.longest.earlier:
		until = "the answer to an earlier retransmission than the last came"
	case c.longest.resent.At == 0:
		until = "bytes that were not captured were acknowledged"
	case c.longest.lag > 0:
		until = fmt.Sprintf("a retransmission (frame %d) was acknowledged %s later", c.longest.resent.Frame, detectors.Span(c.longest.lag))
	}
	return fmt.Sprintf(" The data stalled %s, until %s (frame %d).", often, until, c.longest.ended.Frame)
}
