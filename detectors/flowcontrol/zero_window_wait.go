package flowcontrol

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A shutOut is one side before its peer's closed window.
type shutOut struct {
	open   bool
	told   bool
	held   bool            // there was more to send when the window opened
	shut   reassembly.Mark // the anchor: the segment that closed the window
	last   reassembly.Mark // the sender's last segment before it
	probe  reassembly.Mark // its last probe
	update reassembly.Mark // the segment that opened the window again
	since  int64           // when it last asked, or had reason to
	gap    int64           // the longest wait that ended with a probe
	probes int
	waited int64 // how long it had not asked when the window opened, if too long
}

// persistFactor is how many intervals without a probe are too long: a persist
// timer doubles at most (RFC 9293 3.8.6.1).
const persistFactor = 2.5

// begin starts the wait at the segment that closed the window.
func (s *shutOut) begin(seg *reassembly.Segment, last reassembly.Mark, r *detectors.Report) {
	*s = shutOut{open: true, shut: reassembly.MarkOf(seg), last: last, since: seg.At}
}

// deadline is when a probe is overdue. The first is due after a retransmission
// timeout, and the intervals grow exponentially (RFC 9293 3.8.6.1, SHLD-29 and
// SHLD-30); BSD takes 5 s for the first.
func (s *shutOut) deadline(side reassembly.Side, r *detectors.Report) int64 {
	patience := max(time.Duration(r.Value("patience")*float64(time.Second)), 3*r.Old.RTO(side))
	return s.since + max(int64(patience), int64(persistFactor*float64(s.gap)))
}

// again begins the wait anew: something about the window was asked or answered.
func (s *shutOut) again(at int64, side reassembly.Side, r *detectors.Report) {
	if !s.open {
		return
	}
	if s.told {
		s.told = false
		r.Withdraw(s.shut.File, s.shut.Frame)
	}
	s.since = at
	r.WakeAt(s.deadline(side, r))
}

// cut ends the wait by a RST. One that is believed late, as nothing came after
// it, takes back what was told of the time since.
func (s *shutOut) cut(at int64, side reassembly.Side, r *detectors.Report) {
	if s.open && s.told && at < s.deadline(side, r) {
		r.Withdraw(s.shut.File, s.shut.Frame)
	}
	s.open = false
}

// asked takes a probe.
func (s *shutOut) asked(seg *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	if !s.open {
		return
	}
	s.gap = max(s.gap, seg.At-s.since)
	s.probe = reassembly.MarkOf(seg)
	s.probes++
	s.again(seg.At, side, r)
}

// opened takes the segment that opened the window again: now the sender must go
// on, or ask.
func (s *shutOut) opened(seg *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	if !s.open {
		return
	}
	if seg.At >= s.deadline(side, r) {
		s.waited = seg.At - s.since
	}
	s.held = r.Old.HoldsBack(side)
	s.update = reassembly.MarkOf(seg)
	s.again(seg.At, side, r)
	if r.Old.WindowSmall(side.Peer()) { // that is another matter
		s.open = false
	}
}

// wentOn takes payload, or a FIN, of the sender that is no probe.
func (s *shutOut) wentOn(seg *reassembly.Segment, asked int64, side reassembly.Side, r *detectors.Report) {
	switch {
	case !s.open:
		return
	case s.update.At == 0: // what was on its way when the window closed
		s.again(seg.At, side, r)
		return
	}
	s.again(seg.At, side, r)
	s.open = false
	soon := max(2*r.Old.RTT(), minAnswerTime)
	atOnce := seg.At-s.update.At <= int64(soon) && asked < s.update.At // nothing else can have called for it
	if s.waited > 0 && (s.held || atOnce) {
		f := r.FindNamed("resumed", side, seg.At, s.evidence(detectors.Evidence{Role: "went on", Seg: *seg}, side, r)...)
		s.describe(&f, s.waited, side, r)
		f.Message += fmt.Sprintf(" When the window opened (frame %d), it went on at once (frame %d): it had held that back all the while. "+
			"Had the update been lost, both would have waited for ever.", s.update.Frame, seg.Frame)
		r.Absence(&f, s.shut.At)
		r.Emit(f)
	}
}

// finding is the wait as things stand at trace time now; ok is false where
// nothing is wrong for all that can be seen.
func (s *shutOut) finding(at, now int64, side reassembly.Side, r *detectors.Report) (f detectors.Finding, ok bool) {
	held := r.Old.HoldsBack(side)
	left := s.deadline(side, r) - now
	switch {
	case !held && (s.update.At != 0 || r.Old.TookBack(side.Peer()) || r.Old.Half(side).Phase >= fsm.PhaseFinSent):
		return f, false // it may well have nothing to say
	case left > 0 && (s.probes > 0 || s.update.At != 0 || !held || now-s.since < 3*int64(r.Old.RTO(side))):
		return f, false // there is time yet
	}
	outcome := "stuck"
	if s.update.At != 0 {
		outcome = "update-lost"
	}
	f = r.FindNamed(outcome, side, at, s.evidence(detectors.Evidence{}, side, r)...)
	f.States, f.End = r.StatesNow(now), now
	s.describe(&f, now-s.since, side, r)
	switch n := r.Old.Stream(side).InFlight(); {
	case n == 1 && r.Old.Half(side).Phase == fsm.PhaseFinSent:
		f.Message += fmt.Sprintf(" Of %s, its FIN is neither acknowledged nor sent again.", r.Name(side))
	case n > 0:
		f.Message += fmt.Sprintf(" It has %d bytes in flight, which are neither acknowledged nor sent again.", n)
	case held:
		f.Message += " It has more to send: its last segment came without PSH."
	}
	if outcome == "update-lost" {
		f.Message += fmt.Sprintf(" %s opened its window (frame %d); %s neither goes on nor asks: it does not know.",
			r.Name(side.Peer()), s.update.Frame, r.Name(side))
	}
	switch {
	case left > 0:
		f.Undecide(fmt.Sprintf("the capture ends %s before a probe would be overdue", detectors.Span(left)))
	case !held:
		f.Undecide("the sender filled the window to the last byte, but its last segment bears PSH: it may have said all that it wanted")
	default:
		r.Absence(&f, s.since)
	}
	return f, true
}

// evidence is what the wait shows, with what came last.
func (s *shutOut) evidence(last detectors.Evidence, side reassembly.Side, r *detectors.Report) []detectors.Evidence {
	all := []detectors.Evidence{r.Evidence("window closed", side.Peer(), &s.shut)}
	if s.last.At != 0 && s.last.Len > 0 {
		all = append(all, r.Evidence("last data before it", side, &s.last))
	}
	if s.probe.At != 0 {
		all = append(all, r.Evidence("last probe", side, &s.probe))
	}
	if s.update.At != 0 {
		all = append(all, r.Evidence("window open again", side.Peer(), &s.update))
	}
	if last.Role != "" {
		all = append(all, last)
	}
	return all
}

// describe fills in what all outcomes share: a wait without a probe.
func (s *shutOut) describe(f *detectors.Finding, waited int64, side reassembly.Side, r *detectors.Report) {
	own, peer := r.Name(side), r.Name(side.Peer())
	f.Roles = []detectors.Role{{Name: "sender", Side: side}, {Name: "receiver", Side: side.Peer()}}
	f.Measure("waited_s", detectors.Seconds(waited))
	f.Measure("deadline_s", detectors.Seconds(s.deadline(side, r)-s.since))
	f.Measure("rto_s", r.Old.RTO(side).Seconds())
	f.Measure("probes", s.probes)
	f.Measure("in_flight", int(r.Old.Stream(side).InFlight()))
	f.Message = fmt.Sprintf("%s closed its window (frame %d)", peer, s.shut.Frame)
	switch {
	case s.probes > 0:
		f.Message += fmt.Sprintf("; %s probed it %d times, and then not any more for %s.", own, s.probes, detectors.Span(waited))
	default:
		f.Message += fmt.Sprintf("; in the %s after it no probe of %s reached the capture point.", detectors.Span(waited), own)
	}
}
