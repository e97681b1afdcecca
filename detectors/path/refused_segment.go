package path

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A refusedSegment is the oldest segment of its side, retransmitted without progress while
// the peer answers each time with a pure ACK of what came before: as a TCP does that finds
// the segment not acceptable (RFC 9293 3.10.7.4).
type refusedSegment struct {
	heard    reassembly.Mark // the peer's last segment before
	first    reassembly.Mark // the first retransmission
	last     reassembly.Mark
	stamp    uint32 // TSval of the last, if stamped
	stamped  bool
	bare     bool // the last has no timestamp, for certain
	n        int  // retransmissions
	answered int  // of these, so many were answered so
	counted  int  // the retransmission to which the last answer came
	answer   reassembly.Mark
	reported bool
}

// refusedSegments are those of which there is nothing more to say.
var refusedSegments detectors.Spare[refusedSegment]

// again takes a retransmission of the side; it returns the run, nil if there is none.
func (s *refusedSegment) again(ev fsm.Event, r *detectors.Report) *refusedSegment {
	m, out := reassembly.MarkOf(ev.Seg), r.Conn.Stream(ev.Side)
	if s != nil && s.first.Seq != m.Seq && out.Oldest(m.Seq) {
		refusedSegments.Give(s)
		s = nil
	}
	if !out.Oldest(m.Seq) || m.Flags&reassembly.FIN != 0 { // a FIN with it: see fin-unanswered
		return s
	}
	// What lies behind a FIN in the side's name, the peer refuses with good reason (RFC 9293 3.10.7.4). Whose FIN that is: see forged-fin.
	if fin, sent := r.Conn.FIN(ev.Side); sent && ev.Seg.End().After(fin.Seq) {
		if s != nil {
			refusedSegments.Give(s)
		}
		return nil
	}
	if s == nil {
		s = refusedSegments.Take()
		s.heard, s.first = r.Conn.Last(ev.Side.Peer()), m
	}
	s.n, s.last = s.n+1, m
	s.stamp, s.stamped = ev.Seg.Opts.TSVal, ev.Seg.Opts.Has&reassembly.HasTimestamps != 0
	s.bare = ev.Seg.Opts.Has&(reassembly.HasTimestamps|reassembly.OptionsCut) == 0
	return s
}

// fromPeer takes a segment of the peer; it reports whether the run is over.
func (s *refusedSegment) fromPeer(ev fsm.Event, r *detectors.Report) (over bool) {
	seg, side := ev.Seg, ev.Side.Peer()
	if seg.Flags&reassembly.ACK != 0 && seg.Ack.After(s.first.Seq) {
		if s.reported {
			f := s.finding(dropsRecovered, side, seg.At, r)
			by := reassembly.MarkOf(seg)
			f.Evidence = append(f.Evidence, r.Evidence("progress again", ev.Side, &by))
			f.Message += fmt.Sprintf(" Then it got through (frame %d), and the connection continued.", seg.Frame)
			r.Emit(f)
		}
		return true
	}
	if seg.Flags != reassembly.ACK || seg.Len > 0 || seg.Ack != s.first.Seq || seg.Opts.NBlocks > 0 || ev.Class == fsm.KeepAlive {
		return false
	}
	sent, took := r.Conn.Last(side), time.Duration(seg.At-s.last.At)
	there := r.Conn.HandshakeRTT(ev.Side)
	echo, echoes := detectors.Echo(r.Conn, seg)
	switch {
	case s.counted == s.n || !detectors.SameFrame(&sent, &s.last): // it may answer something else
		return false
	case took < there/2 || took > answerTime(r.Conn):
		return false
	// PAWS: see paws-drops.
	case s.stamped && echoes && reassembly.Seq(s.stamp).Before(echo):
		return false
	}
	s.answered, s.counted, s.answer = s.answered+1, s.n, reassembly.MarkOf(seg)
	if s.n >= int(r.Value("min-resends")) && s.answered >= s.n-1 && s.last.At-s.first.At >= r.Nanos("patience") {
		s.reported = true
		r.Emit(s.finding(dataRefused, side, seg.At, r))
	}
	return false
}

func (s *refusedSegment) finding(o *detectors.Outcome, side reassembly.Side, at int64, r *detectors.Report) detectors.Finding {
	own, peer := r.Name(side), r.Name(side.Peer())
	evidence := []detectors.Evidence{r.Evidence("retransmission", side, &s.first)}
	if s.heard.At != 0 {
		evidence = append(evidence, r.Evidence("last segment from the peer", side.Peer(), &s.heard))
	}
	f := r.Find(o, side.Peer(), at, append(evidence, r.Evidence("last retransmission", side, &s.last),
		r.Evidence("answered with a duplicate ACK", side.Peer(), &s.answer))...)
	f.End = at
	f.Roles = detectors.Roles("sender", side, "receiver")
	f.Measure("resends", s.n)
	f.Measure("signs", s.answered)
	f.Measure("duration_s", detectors.Seconds(s.last.At-s.first.At))
	answered := "each"
	if s.answered < s.n {
		answered = fmt.Sprintf("%d of them", s.answered)
	}
	f.Message = fmt.Sprintf("%s retransmitted the same segment %d times in %s (frames %d to %d). %s answered %s with an ACK of only what came before (the last in frame %d): "+
		"they arrive there, and are not accepted.", own, s.n, detectors.Span(s.last.At-s.first.At), s.first.Frame, s.last.Frame, peer, answered, s.answer.Frame)
	a, _ := r.Conn.SYNOptions(side)
	if b, _ := r.Conn.SYNOptions(side.Peer()); s.bare && a.Has&b.Has&reassembly.HasTimestamps != 0 {
		f.Message += " It carries no timestamp, although both sides offered timestamps in the handshake: a receiver may drop it for that (RFC 7323 3.2)."
		f.Cause = "Something between the two removes the timestamp option after the handshake, or the sender has stopped sending it; the peer insists on it."
	}
	return f
}
