package flowcontrol

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The forms of a probe, as the metric names them.
const (
	emptyBelowUna = "empty-below-una" // Linux
	byteBelowUna  = "byte-below-una"
	byteAtNxt     = "byte-at-nxt" // BSD, Windows, NT
	wholeSegment  = "segment"     // what did not fit, or was in flight
)

// probeForm is the form of a probe of the side.
func probeForm(v fsm.View, side reassembly.Side, seg *reassembly.Segment) string {
	if out := v.Stream(side); seg.Len == 1 && out.Below(seg.Seq) {
		return byteBelowUna
	}
	return formByLength(seg)
}

// formByLength is the form of what may be a probe, while SND.UNA is unknown.
func formByLength(seg *reassembly.Segment) string {
	switch seg.Len {
	case 0:
		return emptyBelowUna
	case 1:
		return byteAtNxt
	}
	return wholeSegment
}

// A series is segments of one form that may be probes: the capture begins inside the
// exchange, and the receiver has not sent anything yet. An answer with window 0 makes
// it an episode.
type series struct {
	episode
	growing bool // its intervals are like a persist timer's: firstInterval at least, none shorter than the one before
}

// add adds a segment that may be a probe.
func (s *series) add(seg *reassembly.Segment) {
	if s.probes > 0 && (seg.Seq != s.last.Seq || seg.Ack != s.last.Ack || seg.Len != s.last.Len) {
		*s = series{}
	}
	before := s.interval
	if s.probes == 0 {
		s.growing = true
		s.anchor = detectors.Evidence{Role: "first of a series", Seg: *seg}
		s.receiverLast = seg.At
	}
	s.probe(seg, formByLength(seg))
	if s.probes > 1 && (s.interval < int64(firstInterval) || s.interval < before-before/8) { // timers are not exact
		s.growing = false
	}
}

// newData ends the series at other new data: a closed window would have held that
// back, so those were no probes.
func (s *series) newData(seg *reassembly.Segment) {
	if last := &s.last; seg.Frame != last.Frame || seg.File != last.File {
		*s = series{}
	}
}

// areProbes reports whether the series of the side proves to be probes, now that its
// receiver has advertised window 0 and acknowledged what it has.
func (s *series) areProbes(v fsm.View, side reassembly.Side) bool {
	switch out := v.Stream(side); {
	case s.probes == 0:
		return false
	case s.last.Len == 0: // at SND.NXT it is an ACK
		return out.Below(s.last.Seq)
	default:
		return s.last.Len == 1 || s.growing
	}
}

// report reports what may be probes, at the end: the window that they met lies before
// the capture.
func (s *series) report(e detectors.Ending, side reassembly.Side, r *detectors.Report) {
	if s.probes < int(r.Value("min-probes")) || !s.growing || s.interval <= s.first+s.first/4 {
		return
	}
	s.replaced = e.Why == detectors.Replaced
	f := s.finding(s.outcome(e.At, r), e.At, nil, side, r)
	f.Message = s.message(side, r)
	f.Limits |= fsm.WindowUnknown
	f.Undecide("window-unknown: the capture begins inside the exchange and shows no window of the receiver; these may be keep-alives or retransmissions")
	r.Emit(f)
}

func (s *series) message(side reassembly.Side, r *detectors.Report) string {
	what := fmt.Sprintf("the same %d bytes", s.last.Len)
	switch s.last.Len {
	case 0:
		what = "the same empty segment"
	case 1:
		what = "the same byte"
	}
	return fmt.Sprintf("%s sent %s %d times in %s (frames %d to %d), at intervals of %s to %s. A closed window is probed like this, "+
		"and so is unanswered data sent again. The capture shows no window of %s.", r.Name(side), what, s.probes,
		detectors.Span(s.last.At-s.anchor.Seg.At), s.anchor.Seg.Frame, s.last.Frame, detectors.Span(s.first), detectors.Span(s.interval), r.Name(side.Peer()))
}
