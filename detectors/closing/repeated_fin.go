package closing

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A repeatedFIN is one side's FIN, from its first retransmission until it is acknowledged.
type repeatedFIN struct {
	sends   int             // that were captured
	first   reassembly.Mark // its At is 0 if it was not captured, or had to wait for something else
	last    reassembly.Mark
	second  int64                 // when it was sent again
	from    reassembly.Seq        // where it begins: at the FIN, or the data before it that was first sent with it
	due     bool                  // nothing but it was unacknowledged when it was sent last
	gaps    [2]int64              // the first interval and the latest
	spread  [2]int64              // the shortest interval and the longest
	unaware reassembly.Mark       // the peer's latest segment that still does not acknowledge it
	heard   int64                 // when the first such came
	reset   reassembly.Mark       // this side's RST, which ended the wait
	resets  int                   // how many it has sent since, that one included
	unseen  bool                  // the closer acknowledged since what the capture does not have of the peer
	deaf    reassembly.Mark       // the peer's latest segment that sends again what this side has acknowledged; At is 0 if none does
	clock   uint32                // the timestamp of the second
	clocked bool                  // it has one
	echoed  bool                  // what acknowledges it echoes an older timestamp than that: the first arrived
	gaveUp  bool                  // nothing came from the peer between the last FIN and its own RST
	copied  bool                  // the RST that ended the wait was made from the FIN
	ttl     uint8                 // of what the peer had sent before, if that of the RST is another; else 0
	refused int                   // sends that the peer answered at once with a pure ACK of only what came before
	counted int                   // the send to which the last such answer came
	refusal reassembly.Mark       // that answer
	icmp    *detectors.ICMPErrors // about what the side sent; nil if there were none
}

// repeatedFINs are those of FINs that were acknowledged.
var repeatedFINs detectors.Spare[repeatedFIN]

func (f *repeatedFIN) repeat(m reassembly.Mark) {
	f.gaps[1] = m.At - f.last.At
	if f.sends == 1 {
		f.second = m.At
		f.gaps[0] = f.gaps[1]
		f.spread = f.gaps
	}
	f.spread = [2]int64{min(f.spread[0], f.gaps[1]), max(f.spread[1], f.gaps[1])}
	f.last = m
	f.sends++
}

// sentAgain takes what the peer sends again. A timeout after the FIN, which acknowledges as much as the ACKs before
// it, that crossed none of them: what was acknowledged before shows that they did not arrive.
func (f *repeatedFIN) sentAgain(ev fsm.Event, r *detectors.Report) {
	end := ev.Seg.End()
	if ev.Seg.Len > 0 { // without a FIN behind
		end = ev.Seg.Seq + reassembly.Seq(ev.Seg.Len)
	}
	if f != nil && f.first.At != 0 && end.AtOrBefore(f.first.Ack) && ev.Seg.At-f.first.At > int64(r.Conn.RTO(ev.Side)) {
		f.deaf = reassembly.MarkOf(ev.Seg)
	}
}

// answered takes what the peer sends. A pure ACK that comes as an answer to the FIN does, and does not acknowledge
// it, says that it arrived and was not acceptable (RFC 9293 3.10.7.4).
func (f *repeatedFIN) answered(ev fsm.Event, r *detectors.Report) {
	side := ev.Side.Peer()
	sent, took := r.Conn.Last(side), ev.Seg.At-f.last.At
	soon := max(2*int64(r.Conn.RTT()), int64(50*time.Millisecond))
	if f.counted < f.sends && ev.Seg.Flags == reassembly.ACK && ev.Seg.Len == 0 && detectors.SameFrame(&sent, &f.last) &&
		took >= int64(r.Conn.HandshakeRTT(ev.Side)/2) && took <= soon {
		f.refused, f.counted, f.refusal = f.refused+1, f.sends, reassembly.MarkOf(ev.Seg)
	}
}

// isRefused reports whether the peer answers the FIN each time, but once at most.
func (f *repeatedFIN) isRefused() bool { return f.refused >= 3 && f.refused >= f.sends-2 }

// overdue is when the next retransmission is overdue: intervals double (RFC 6298 5.5),
// and there is room for jitter.
func (f *repeatedFIN) overdue() int64 {
	return f.last.At + max(int64(detectors.GiveUpFactor*float64(f.gaps[1])), int64(detectors.MinSilence))
}

// since is when the outcome became true, apart from patience.
func (f *repeatedFIN) since(outcome *detectors.Outcome) int64 {
	switch outcome {
	case unansweredUnaware:
		return f.unaware.At
	case unansweredExhausted:
		return f.overdue()
	}
	return f.last.At
}

// echoes reports whether the segment that acknowledges the FIN echoes a timestamp of before the second. A peer echoes
// that of the latest copy that reached it in order (RFC 7323 4.3), so it was the first. The clock ticks once in a
// millisecond at most (5.4): a number that is much older is no echo.
func (f *repeatedFIN) echoes(seg *reassembly.Segment) bool {
	older := f.clock - seg.Opts.TSEcr
	return f.clocked && seg.Opts.Has&reassembly.HasTimestamps != 0 && older > 0 && int64(older) <= f.gaps[0]/int64(time.Millisecond)+1
}

// isCopied reports whether a RST in the peer's name has the IP ID of the closer's last segment, which counts its IDs, and
// its window or another TTL than what the peer sent before: a device on the path made it from that segment.
func isCopied(ev fsm.Event, v fsm.View) bool {
	last := v.Last(ev.Side.Peer())
	return ev.Seg.IPID != 0 && ev.Seg.IPID == last.IPID && v.IPHabits(ev.Side.Peer()).CountsIDs &&
		(otherTTL(ev) != 0 || last.Window != 0 && ev.Seg.Window == last.Window)
}

// otherTTL is the TTL of what the side of a RST had sent before, if that of the RST is another; else 0.
func otherTTL(ev fsm.Event) uint8 {
	if ev.Was == nil || ev.Was.At == 0 || ev.Was.TTL == ev.Seg.TTL {
		return 0
	}
	return ev.Was.TTL
}

// laterRSTs counts those of this side after the one that ended the wait.
func (f *repeatedFIN) laterRSTs() string {
	if f.resets < 2 {
		return ""
	}
	return ", and " + detectors.Counted(uint32(f.resets-1), "more RST", "more RSTs") + " since"
}
