package path

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A stuckSegment is one segment that its side retransmits without progress.
type stuckSegment struct {
	acked    bool            // its acknowledgment was captured before it was sent again
	ack      reassembly.Mark // the peer's last segment before: that acknowledgment, or a sign of life
	first    reassembly.Mark // the first retransmission
	last     reassembly.Mark
	n        int             // retransmissions
	signs    int             // segments of the peer that show it, one for each retransmission
	signed   int             // the retransmission that the last of them followed
	since    reassembly.Mark // the first of them
	sign     reassembly.Mark // the last
	stamp    uint32          // TSval of the first of them that carried one
	stampAt  int64           // when that was captured; 0 = none did
	echoes   bool            // the side's timestamps were compared, and are older
	small    uint32          // payload of the smallest segment that acknowledged it; 0 if there may be smaller ones
	sameID   bool            // all retransmissions have one IP identification, which is not 0
	interval int64           // before the last retransmission
	onward   reassembly.Mark // what the side sent beyond it since the last retransmission
	answer   reassembly.Mark // a RST that answers what was sent long before: the first of them, though the last acknowledges more, or a segment from before its acknowledgment
	reported bool
}

// minSigns is how many segments of the peer must show it: by chance one is lost, or late.
const minSigns = 2

// stuckSegments are those that got through.
var stuckSegments detectors.Spare[stuckSegment]

// answerTime is how soon the answer to a segment is captured, if its receiver processes
// it: two round trips, for queues on the path.
func answerTime(v fsm.View) time.Duration {
	const least, unknown = 50 * time.Millisecond, time.Second
	if rtt := v.RTT(); rtt > 0 {
		return max(2*rtt, least)
	}
	return unknown
}

// moved reports whether the retransmission echoes a timestamp that its sender got from
// one of the acknowledgments: then its TCP processes them (RFC 7323 4.3).
func (s *stuckSegment) moved(seg *reassembly.Segment, v fsm.View) bool {
	echo, is := detectors.Echo(v, seg)
	if !s.acked || s.stampAt == 0 || !is {
		return false
	}
	s.echoes = true
	return !echo.Before(reassembly.Seq(s.stamp))
}

// fromPeer takes a segment of the peer.
func (s *stuckSegment) fromPeer(ev fsm.Event, r *detectors.Report) {
	seg, side := ev.Seg, ev.Side.Peer()
	if seg.Flags&(reassembly.SYN|reassembly.ACK) != reassembly.ACK { // a SYN-ACK: syn-ack-unanswered
		return
	}
	out := r.Conn.Stream(side)
	// An ACK above what was sent is not acceptable to its receiver (RFC 9293 3.10.7.4).
	covers := !seg.Ack.Before(s.first.End()) && !out.Skipped(seg.Ack-1)
	late := time.Duration(seg.At-s.last.At) > answerTime(r.Conn)
	switch {
	case !s.acked && seg.Ack.After(s.first.Seq): // it arrived
		s.end(side, seg, r)
		return
	case s.acked && (!covers || seg.End().Before(s.last.Ack)): // sent before; or below what the side had acknowledged, and so not acceptable
		return
	case !s.acked && !late: // sent before it arrived, or an answer to something else, or to this
		if sent := r.Conn.Last(side); seg.Len == 0 && seg.Opts.NBlocks == 0 && detectors.SameFrame(&sent, &s.last) {
			s.n = 0
		}
		return
	}
	if s.acked && s.stampAt == 0 && seg.Opts.Has&reassembly.HasTimestamps != 0 {
		s.stamp, s.stampAt = seg.Opts.TSVal, seg.At
	}
	if s.small = min(s.small, seg.Len); s.signed == s.n { // one is enough
		return
	}
	if s.signs == 0 {
		s.since = reassembly.MarkOf(seg)
	}
	s.signs, s.signed, s.sign = s.signs+1, s.n, reassembly.MarkOf(seg)
	if s.n >= int(r.Value("min-resends")) && s.signs >= minSigns && s.last.At-s.first.At >= r.Nanos("patience") {
		s.report(side, r)
	}
}

// goesOn ends the run if the side has sent something new and for twice as long as before did not
// retransmit: only then is that progress.
func (s *stuckSegment) goesOn(side reassembly.Side, now int64, r *detectors.Report) {
	if sure := s.onward.At + 2*s.interval + 1; s.n > 0 && s.onward.At != 0 && now >= sure {
		s.recovers(side, s.onward, sure, r)
	}
}

// resetBy takes a RST of the peer that did not end the connection, as one that answers the last retransmission
// does. If it answers the first, that was delivered: late, or the RST would have been captured before.
func (s *stuckSegment) resetBy(rst *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	m := reassembly.MarkOf(rst)
	if s.reported && !s.acked && s.answer.At == 0 && m.Flags&reassembly.ACK == 0 && detectors.Answers(&m, &s.first) {
		s.answer = m
		s.report(side, r)
	}
}

// resetLate takes a RST of the side that did not end the connection. One that has a number which its peer
// acknowledged before the last time answers a segment from then: that arrived late, and so did what came after it.
func (s *stuckSegment) resetLate(rst *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	old := rst.Seq.Before(s.sign.Ack) && !rst.Seq.Before(s.first.Seq)
	if s.reported && s.acked && s.answer.At == 0 && rst.Flags&reassembly.ACK == 0 && old {
		s.answer = reassembly.MarkOf(rst)
		s.report(side, r)
	}
}
