package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A View reads a connection and cannot change it. Every method is a variable or a
// fact of the connection, in the words of RFC 9293; what follows from them for one
// kind of trouble is for its detector to ask. A View is valid during the call that
// it is given to.
//
// A side's [reassembly.Stream] holds its SND.UNA, SND.NXT and right edge (SND.UNA
// plus SND.WND); its RCV.NXT is the other side's SND.UNA. Times are nanoseconds
// since 1970 on the trace's clock.
type View struct{ c *Conn }

// View is the connection to read.
func (c *Conn) View() View { return View{c} }

// Endpoint is the side's address and port.
func (v View) Endpoint(side reassembly.Side) reassembly.Endpoint { return v.c.Endpoint(side) }

// First is the time of the first segment.
func (v View) First() int64 { return v.c.first }

// Last is the last segment that the side sent, acceptable or possibly so; its At is
// 0 if there was none.
func (v View) Last(side reassembly.Side) reassembly.Mark { return v.c.ends[side].last }

// Stream is the side's sequence space, as a copy.
func (v View) Stream(side reassembly.Side) reassembly.Stream { return v.c.ends[side].out }

// Phase is how far the side's direction has come.
func (v View) Phase(side reassembly.Side) Phase { return v.c.ends[side].dir.Phase }

// A FIN is that of one side, and the use that its peer made of the half that it left open
// (RFC 9293 3.6).
type FIN struct {
	Seq   reassembly.Seq
	Asked bool          // it came with payload or right behind payload, which nothing had answered
	Short bool          // of fewer than ShortPayload bytes, the last segment of it
	Alone bool          // it came without payload that had not been sent before
	Used  bool          // the peer has received the FIN, as its ACKs show, and sent new payload
	Pause time.Duration // between these two, in steps of 10 ms, 2.5 s at most
	Lost  bool          // the peer had sent data, and sent it again, a retransmission timeout before the FIN or longer, and nothing has acknowledged any since
}

// FIN is the side's FIN, once it was sent.
func (v View) FIN(side reassembly.Side) (f FIN, sent bool) {
	own, wrote := &v.c.ends[side], v.c.ends[side.Peer()].wrote
	f = FIN{Seq: own.dir.FIN, Asked: own.bits&asked != 0, Short: own.bits&askedShort != 0, Alone: own.bits&carried == 0}
	switch wrote {
	case 0:
	case lostBefore:
		f.Lost = true
	default:
		f.Used, f.Pause = true, time.Duration(wrote-1)*finPauseStep
	}
	return f, own.dir.Phase >= PhaseFinSent
}

// Relayed is how long the side took at least to answer in the handshake, if its ACKs of data
// come so much sooner that something between seems to acknowledge for it, a NAT or a proxy
// that ends the connection; else 0.
func (v View) Relayed(side reassembly.Side) time.Duration { return v.c.Relayed(side) }

// ArrivedTwice reports whether payload of the side arrived twice, as a D-SACK of its peer has shown (RFC 2883), though
// the side had not sent any again: the network delivers copies.
func (v View) ArrivedTwice(side reassembly.Side) bool { return v.c.ends[side].bits&doubled != 0 }

// State is the side's RFC 9293 state at the given time, as this connection left it,
// whatever has used the four-tuple since. A time later than the last segment's only
// lets TIME_WAIT, which lasts timeWait, run out. The state is bounded if it rests on an
// ACK that is not known to have arrived: the side is at most there.
func (v View) State(side reassembly.Side, at int64, timeWait time.Duration) (s State, bounded bool) {
	if v.c.isPlain(side) { // nearly always
		return v.c.ends[side].state, false
	}
	return v.c.leftIn(side, at, timeWait), v.c.Bounded(side)
}

// Opener is the side that sent the first SYN; known is false if none was captured.
func (v View) Opener() (side reassembly.Side, known bool) { return v.c.Opener() }

// ResetBy is the side that ended the connection by an acceptable RST, if one did.
func (v View) ResetBy() (side reassembly.Side, is bool) { return v.c.ResetBy() }

// Packets is how many segments the side sent, without duplicate frames.
func (v View) Packets(side reassembly.Side) uint64 { return v.c.Packets(side) }

// Bytes is how much payload the side sent, each byte counted once.
func (v View) Bytes(side reassembly.Side) uint64 { return v.c.ends[side].bytes }

// A Recent is what one side has sent lately.
type Recent struct {
	Bytes uint64        // new payload in the last second, or up to two; what was not captured counts once it is acknowledged
	Timed time.Duration // how long the segment that is being timed (RFC 6298) has been in flight: the first one since everything was acknowledged, or since another was timed; 0 if there is none
	Least time.Duration // that its round trips take, going by their mean and twice their mean deviation (RFC 6298); 0 if that is not known
	// Soonest is the least that one of these took so far, where the connection was already running when the capture began; else 0.
	Soonest time.Duration
}

// Recent is what the side had sent shortly before that time.
func (v View) Recent(side reassembly.Side, at int64) Recent {
	return Recent{Bytes: v.c.recentBytes(side, at), Timed: v.c.timedFor(side, at), Least: v.c.leastRTT(side), Soonest: v.c.soonestACK(side.Peer())}
}

// RTO is the side's retransmission timeout without backoff, from the samples seen:
// one second at least, three without samples (RFC 6298).
func (v View) RTO(side reassembly.Side) time.Duration { return v.c.rto(side) }

// SRTT is the smoothed time from the side's data, at the tap, to its acknowledgment
// there (RFC 6298 2.3); 0 if nothing was timed.
func (v View) SRTT(side reassembly.Side) time.Duration { return v.c.smoothedRTT(side) }

// RTT is the round trip of the handshake, both parts as the tap sees them; without
// one, of the data that was timed; 0 if there is neither.
func (v View) RTT() time.Duration { return v.c.RTT() }

// HandshakeRTT is how long the side took to answer the peer's SYN or SYN-ACK, seen
// from the tap; 0 if that was not captured.
func (v View) HandshakeRTT(side reassembly.Side) time.Duration { return v.c.handshakeRTT(side) }

// Retries is how many retransmissions in a row the side has sent without progress
// (compared with R1 and R2 in RFC 9293 3.8.3), 255 at most.
func (v View) Retries(side reassembly.Side) int { return int(v.c.ends[side].row) }

// Retransmissions is how many segments the side has sent again.
func (v View) Retransmissions(side reassembly.Side) uint64 { return v.c.Retransmissions(side) }

// A Window is what one side has advertised of its receive window. Where it ends is the
// right edge of the other side's Stream.
type Window struct {
	Max    uint32 // the largest, in bytes
	Shut   bool   // the last is 0
	Shrunk bool   // the side took back window that it had offered (RFC 9293 3.8.6): its right edge is then not all that it has offered
}

// Window is the side's window.
func (v View) Window(side reassembly.Side) Window {
	e := &v.c.ends[side]
	return Window{Max: e.maxWnd, Shut: e.dir.is(shut), Shrunk: e.dir.is(shrank)}
}

// WindowScale is the shift of the side's windows, and whether it is known; where it
// is not, windows are lower bounds (RFC 7323 2.2).
func (v View) WindowScale(side reassembly.Side) (shift uint8, known bool) {
	return v.c.scaleOf(side), !v.c.scaleUnknown()
}

// SYNOptions are what the side's SYNs offered, all of them together, and whether one
// was captured.
func (v View) SYNOptions(side reassembly.Side) (o SYNOptions, captured bool) {
	e := &v.c.ends[side]
	return SYNOptions{Has: e.opts, MSS: e.mss}, e.dir.is(synSeen)
}

// SYNOptions are the options of a side's SYN that shape the connection.
type SYNOptions struct {
	Has reassembly.OptionBits
	MSS uint16 // bytes; 0 if the option was not there
}

// EffSndMSS is the payload of a full segment of either side, options left out (RFC
// 9293 3.7.1): the smaller of both MSS, 536 without one; 1460 at least where the
// snap length may have cut the option off.
func (v View) EffSndMSS() uint32 { return v.c.fullSegment() }

// Idle is how long neither side had sent anything before the side that sent last,
// RSTs aside, did so: eight days at most, 0 if it was less than a second. See silence for how exactly.
func (v View) Idle() time.Duration { return v.c.idle.duration() }

// LossShown reports whether the side's peer has shown that something of the side's
// is missing, since it last acknowledged anything new: by three duplicate ACKs (RFC
// 5681 3.2) or by SACK (RFC 6675).
func (v View) LossShown(side reassembly.Side) bool { return v.c.ends[side].lossShown() }

// Unpushed reports whether the side's last payload filled a segment or the window and
// came without PSH: more was queued, since the last buffered segment carries it (RFC
// 9293 3.9.1.2).
func (v View) Unpushed(side reassembly.Side) bool { return v.c.ends[side].dir.is(unpushed) }

// IPHabits is how the side marks its packets, RSTs aside.
func (v View) IPHabits(side reassembly.Side) Habits { return v.c.habits(side) }

// Limits are the reasons to trust the capture of this connection less.
func (v View) Limits() Limits { return v.c.Limits() }

// HoleSince reports whether bytes that the tap never saw, or may not have seen (see Overflow),
// were acknowledged at or after the given time, to the second.
func (v View) HoleSince(at int64) bool { return v.c.holeSince(at) }
