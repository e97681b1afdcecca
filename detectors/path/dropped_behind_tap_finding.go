package path

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/loopback"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// report reports the segment as things stand.
func (s *stuckSegment) report(side reassembly.Side, r *detectors.Report) {
	s.reported = true
	outcome := dataDropped
	if s.acked {
		outcome = acksDropped
	}
	f := s.finding(outcome, side, s.sign.At, r)
	if !s.acked {
		r.Absence(&f, s.first.At)
	}
	r.Emit(f)
}

func (s *stuckSegment) finding(o *detectors.Outcome, side reassembly.Side, at int64, r *detectors.Report) detectors.Finding {
	evidence := []detectors.Evidence{r.Evidence("retransmission", side, &s.first)}
	role := "last segment from the peer"
	if s.acked {
		role = "acknowledgment, captured before"
	}
	if s.ack.At != 0 {
		evidence = append(evidence, r.Evidence(role, side.Peer(), &s.ack))
	}
	evidence = append(evidence, r.Evidence("last retransmission", side, &s.last))
	subject, own, peer := side.Peer(), r.Name(side), r.Name(side.Peer())
	if s.answer.At != 0 && !s.acked {
		evidence = append(evidence, r.Evidence("answers it, or what acknowledged as much", side.Peer(), &s.answer))
	}
	if s.acked {
		subject = side
		evidence = append(evidence, r.Evidence("acknowledged once more", side.Peer(), &s.sign))
		if s.answer.At != 0 {
			evidence = append(evidence, r.Evidence("answers what was sent long before", side, &s.answer))
		}
	} else {
		evidence = append(evidence, r.Evidence("the peer is alive, and does not acknowledge it", side.Peer(), &s.sign))
	}
	f := r.Find(o, subject, at, evidence...)
	f.End = at
	f.Roles = detectors.Roles("sender", side, "receiver")
	f.Measure("resends", s.n)
	f.Measure("signs", s.signs)
	f.Measure("duration_s", detectors.Seconds(s.last.At-s.first.At))
	f.Message = s.message(own, peer)
	if s.answer.At != 0 {
		f.Cause = "Something between the capture point and that host held the segments up and delivered them late: a radio that slept, the queue of an access point, a link or a virtual machine that was suspended. " +
			"Where the capture was taken on the sender, that may be its own adapter: then other hosts answered it as late."
		f.Action = "Look at that link at that time: power saving of a radio, queues of an access point, a paused virtual machine."
	}
	if s.acked && s.sameID {
		f.Undecide("all retransmissions have the same IP identification: a program made them, which need not process what it is sent")
	}
	if loopback.Is(r.Conn) {
		f.Fault = detectors.FaultUnknown
		f.Undecide(loopback.DoubtUnprocessed)
	}
	return f
}

func (s *stuckSegment) message(own, peer string) string {
	span := detectors.Span(s.last.At - s.first.At)
	if !s.acked {
		m := fmt.Sprintf("%s retransmitted the same segment %d times in %s (frames %d to %d). Each passed the capture point. %s was alive, "+
			"but acknowledged only what came before (frames %d to %d).", own, s.n, span, s.first.Frame, s.last.Frame, peer, s.since.Frame, s.sign.Frame)
		if s.answer.At != 0 {
			return m + fmt.Sprintf(" What was sent first was delivered about %s late: a RST (frame %d) has the number that it acknowledges. Something behind the capture point held the segments up.",
				detectors.Span(s.answer.At-s.first.At), s.answer.Frame)
		}
		return m + " Until then, its TCP had not processed the segment: something behind the capture point drops it or holds it up."
	}
	what, that := "data", " that"
	if s.first.Len == 0 {
		what, that = "its FIN", ", which"
	}
	m := fmt.Sprintf("%s retransmitted %s %d times in %s (frames %d to %d)%s %s had acknowledged before (frame %d) and acknowledged again and again (frame %d).",
		own, what, s.n, span, s.first.Frame, s.last.Frame, that, peer, s.ack.Frame, s.sign.Frame)
	if s.echoes {
		m += fmt.Sprintf(" The timestamps that it echoes are older than that of frame %d.", s.since.Frame)
	}
	if s.answer.At != 0 {
		return m + fmt.Sprintf(" These acknowledgments passed the capture point and reached %s late: its RST (frame %d) answers a segment that %s had sent before its last acknowledgments. Something between the two held them up.",
			own, s.answer.Frame, peer)
	}
	m += fmt.Sprintf(" These acknowledgments passed the capture point, but until then, the TCP of %s had not processed them: something between the two drops them or holds them up.", own)
	if s.small > smallSegment {
		m += fmt.Sprintf(" From frame %d on, they came with %d bytes of data or more, so it may only drop large packets.", s.ack.Frame, s.small)
	}
	return m
}

// end ends the run by a segment that shows progress.
func (s *stuckSegment) end(side reassembly.Side, by *reassembly.Segment, r *detectors.Report) {
	s.recovers(side, reassembly.MarkOf(by), by.At, r)
}

// recovers ends the run by a segment that shows progress, as is certain from trace time sure on.
func (s *stuckSegment) recovers(side reassembly.Side, by reassembly.Mark, sure int64, r *detectors.Report) {
	if s.n > 0 && s.reported {
		f := s.finding(dropsRecovered, side, by.At, r)
		f.End = sure
		sender := side
		if !s.acked {
			sender = side.Peer()
		}
		f.Evidence = append(f.Evidence, r.Evidence("progress again", sender, &by))
		f.Message += fmt.Sprintf(" By frame %d, it had got through, and the connection continued.", by.Frame)
		r.Emit(f)
	}
	s.n = 0
}
