package flowcontrol

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A series is segments of one form that may be probes: the receiver has not
// spoken yet, because the capture begins inside the exchange. It is an episode
// if an answer proves it.
type series struct {
	episode
	growing bool // its intervals are like a persist timer's: firstInterval at least, none shorter than the one before
}

// suspect takes a segment that may be a probe.
func (s *series) suspect(seg *reassembly.Segment) {
	if s.probes > 0 && (seg.Seq != s.last.Seq || seg.Ack != s.last.Ack || seg.Len != s.last.Len) {
		*s = series{}
	}
	before := s.interval
	if s.probes == 0 {
		s.growing = true
		s.opened = detectors.Evidence{Role: "the first of a series", Seg: *seg}
		s.receiver = seg.At
	}
	s.probe(seg, ambiguousForm(seg))
	if s.probes > 1 && (s.interval < int64(firstInterval) || s.interval < before-before/8) { // timers are not exact
		s.growing = false
	}
}

// wentOn takes new data of the side that may be probing. Who sends more than
// what it had sent again is not stopped by a window: those were no probes.
func (s *series) wentOn(seg *reassembly.Segment) {
	if last := &s.last; seg.Frame != last.Frame || seg.File != last.File {
		*s = series{}
	}
}

// ambiguousForm is the form of what may be a probe, while nobody knows what was
// acknowledged.
func ambiguousForm(seg *reassembly.Segment) string {
	switch seg.Len {
	case 0:
		return emptyBelowUna
	case 1:
		return byteAtNxt
	}
	return wholeSegment
}

// probed says whether the series proves to be one of probes, now that its
// receiver has advertised window 0 and said what it has.
func (s *series) probed(prober reassembly.Side, r *detectors.Report) bool {
	switch m := reassembly.MarkOf(&s.last); {
	case s.probes == 0:
		return false
	case m.Len == 0: // what sits at SND.NXT is an ACK
		return r.Old.Below(prober, &m)
	default:
		return m.Len == 1 || s.growing
	}
}

// tell reports probes whose cause lies before the capture: what the window was,
// nobody saw.
func (s *series) tell(e detectors.Ending, prober reassembly.Side, r *detectors.Report) {
	if s.probes < int(r.Value("min-probes")) || !s.growing || s.interval <= s.first+s.first/4 {
		return
	}
	s.replaced = e.Why == detectors.Replaced
	f := s.finding(s.standing(e.At, r), e.At, nil, prober, r)
	f.Message = s.message(prober, r)
	f.Limits |= fsm.WindowUnknown
	f.Undecide("window-unknown: the capture begins inside the exchange and shows no window of the receiver; these may be keep-alives or retransmissions")
	r.Emit(f)
}

func (s *series) message(prober reassembly.Side, r *detectors.Report) string {
	what := fmt.Sprintf("the same %d bytes", s.last.Len)
	switch s.last.Len {
	case 0:
		what = "the same empty segment"
	case 1:
		what = "the same byte"
	}
	return fmt.Sprintf("%s sent %s %d times in %s (frames %d to %d), at intervals of %s to %s. That is how a closed window is probed, "+
		"and how data is sent again that meets no answer. The capture shows no window of %s.", r.Name(prober), what, s.probes,
		detectors.Span(s.last.At-s.opened.Seg.At), s.opened.Seg.Frame, s.last.Frame, detectors.Span(s.first), detectors.Span(s.interval), r.Name(prober.Peer()))
}
