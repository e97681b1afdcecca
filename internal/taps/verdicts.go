package taps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	joint "github.com/tcptrace-go/tcptrace/detectors/taps"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// locate adds to a finding where its segments were lost, if they were. What was lost
// between two taps is the path's fault, whatever one of them suggests.
func (j *joiner) locate(f *result.Finding, row *result.Flow) {
	if len(row.Between) == 0 || slices.ContainsFunc(row.Between, func(b result.Between) bool {
		damaged, unordered := j.unfit(&b)
		return damaged || unordered
	}) {
		return
	}
	p := j.passageOf(f)
	side := f.Subject
	if len(f.Roles) > 0 {
		side = f.Roles[0].Side // the sender, the closer, the opener
	}
	if j.swapped(f.Flow.Conn) {
		side = side.Peer()
	}
	total, which, of := lostOf(row, side)
	tap := func(i int) string { return j.Plan.points[i].Name }
	say := ""
	switch {
	case len(p.lost) > 0 && p.at.near != p.at.far:
		say = j.neverReached(f, row, p)
	case of != nil && total > 0:
		near, far := tap(of.Taps[nearOf(of, which)]), tap(of.Taps[1-nearOf(of, which)])
		were := "were"
		if total == 1 {
			were = "was"
		}
		say = fmt.Sprintf("%s of %s %s lost between %s and %s.", quantity.Count(total, "segment"), row.End[which].String(), were, near, far)
		if f.Fault == detectors.FaultPath {
			f.Path = [2]string{near, far}
		}
	case p.reached > 0 && len(p.lost) == 0 && f.Fault != detectors.FaultHost:
		say = fmt.Sprintf("The segments above that left %s reached %s: nothing was lost between these two.", tap(p.at.near), tap(p.at.far))
		if p.reached == 1 && p.others == 0 {
			say = fmt.Sprintf("Frame %d left %s and reached %s: it was not lost between these two.", p.at.left.Frame, tap(p.at.near), tap(p.at.far))
		}
	}
	if say != "" {
		f.Message = strings.TrimSpace(f.Message) + " " + say
	}
}

// A passage is what became, between taps, of the segments that prove a finding.
type passage struct {
	at      *leg // where the last of them was lost, or else the first arrived
	lost    []reassembly.Segment
	reached int
	others  int // that did not leave the tap at which they were captured for another
}

// passageOf follows the segments that prove a finding. Of those that no NAT translated, it adds that to the message.
func (j *joiner) passageOf(f *result.Finding) passage {
	p := passage{at: &leg{}}
	for i := range f.Evidence {
		s := &f.Evidence[i].Seg
		x := j.legs[result.FrameOf(s)]
		switch {
		case x == nil || x.left != result.FrameOf(s): // not here, or it came from there
			p.others++
		case x.fate == lost:
			p.at = x
			p.lost = append(p.lost, *s)
		case x.fate == untranslated:
			f.Message += fmt.Sprintf(" %s left %s (frame %d) and reached %s (frame %d) with the addresses that it had: it was not translated.",
				theKind(s), j.Plan.points[x.near].Name, s.Frame, j.Plan.points[x.far].Name, x.reached.Frame)
		case x.fate == arrived:
			p.reached++
			if p.at.near == p.at.far {
				p.at = x
			}
		}
	}
	return p
}

// neverReached says which segments of a finding were lost between two taps. If none of them arrived, that is the
// path's fault.
func (j *joiner) neverReached(f *result.Finding, row *result.Flow, p passage) string {
	near, far := j.Plan.points[p.at.near].Name, j.Plan.points[p.at.far].Name
	same, kind := oneKind(p.lost)
	first := &p.lost[0]
	var text string
	switch {
	case len(p.lost) == 1:
		text = fmt.Sprintf("%s left %s (frame %d) and never reached %s", theKind(first), near, first.Frame, far)
	case same:
		text = fmt.Sprintf("%s left %s %d times (from frame %d on) and never reached %s", kind, near, timesLost(row, first), first.Frame, far)
	default:
		text = fmt.Sprintf("%s of the segments above left %s and never reached %s", quantity.Thousands(uint64(len(p.lost))), near, far)
	}
	if p.reached > 0 {
		return text + "."
	}
	f.Fault, f.Path = detectors.FaultPath, [2]string{near, far}
	if same {
		return text + ": something between them drops it."
	}
	return text + ": something between them drops them."
}

// doubled casts doubt on a finding for which segments must have arrived once, if another tap
// shows that they arrive twice.
func (j *joiner) doubled(f *result.Finding, row *result.Flow) {
	if f.OnceOf == nil || f.Verdict != detectors.Seen {
		return
	}
	side := *f.OnceOf
	if j.swapped(f.Flow.Conn) {
		side = side.Peer()
	}
	if row.Doubled[side] {
		f.ArrivedTwice()
	}
}

// timesLost is how often a segment like this was lost.
func timesLost(row *result.Flow, s *reassembly.Segment) (n int) {
	for i := range row.Between {
		for side := range row.Between[i].Way {
			for k := range row.Between[i].Way[side].Lost {
				if o := &row.Between[i].Way[side].Lost[k].Seg; o.Tap == s.Tap && o.Seq == s.Seq && o.Src == s.Src && theKind(o) == theKind(s) {
					n++
				}
			}
		}
	}
	return n
}

// nearOf says which of the two taps is nearer to a side.
func nearOf(b *result.Between, side reassembly.Side) int {
	if side == reassembly.A {
		return b.NearA
	}
	return 1 - b.NearA
}

// lostOf is how many segments of a side were lost between taps, and where most of them.
func lostOf(row *result.Flow, side reassembly.Side) (n uint64, which reassembly.Side, where *result.Between) {
	most := -1
	for i := range row.Between {
		b := &row.Between[i]
		l := len(b.Way[side].Lost)
		n += uint64(l)
		if l > most {
			most, where = l, b
		}
	}
	return n, side, where
}

// theKind is "the FIN", "the SYN", "the segment of 1400 bytes".
func theKind(s *reassembly.Segment) string {
	switch {
	case s.Flags&reassembly.RST != 0:
		return "The RST"
	case s.Flags.Has(reassembly.SYN | reassembly.ACK):
		return "The SYN-ACK"
	case s.Flags&reassembly.SYN != 0:
		return "The SYN"
	case s.Flags&reassembly.FIN != 0:
		return "The FIN"
	case s.Len > 0:
		return fmt.Sprintf("The segment of %s", quantity.Count(uint64(s.Len), "byte"))
	}
	return "The ACK"
}

func oneKind(segs []reassembly.Segment) (same bool, kind string) {
	kind = theKind(&segs[0])
	for i := range segs {
		if theKind(&segs[i]) != kind || segs[i].Seq != segs[0].Seq {
			return false, ""
		}
	}
	return true, kind
}

// asked are the findings that only several taps together can make.
func (j *joiner) asked(r *result.Report, list []joined) (more []joined) {
	explained := map[uint64]bool{}
	for _, x := range list {
		if x.Verdict == detectors.Seen && x.Fault != detectors.FaultHost {
			explained[x.Flow.ID] = true
		}
	}
	for i := range r.Flows {
		row := &r.Flows[i]
		for k := range row.Between {
			b := &row.Between[k]
			f := j.facts(row, b)
			add := func(d detectors.Finding, is bool) {
				if !is || j.Skip[d.Detector] {
					return
				}
				switch damaged, unordered := j.unfit(b); {
				case damaged:
					d.Damaged()
				case unordered:
					d.Unordered()
				}
				tap := int(d.Evidence[0].Seg.Tap)
				conn := row.Conn
				for t := range row.Taps {
					if row.Taps[t].Tap == tap {
						conn = row.Taps[t].Conn
					}
				}
				at := j.rows[tap][conn]
				if at == nil {
					at = row
				}
				more = append(more, joined{Finding: &result.Finding{Finding: &d, Flow: at, Revision: 1, Final: true, Path: f.Taps},
					Order: engine.Order{At: d.At, Detector: len(r.Options.Detectors)}, point: tap, side: d.Subject})
			}
			for side := range reassembly.Side(2) {
				if d, is := f.Lost(side); !explained[row.ID] {
					add(d, is)
				}
				add(f.Untranslated(side))
			}
			add(f.Foreign())
			add(f.Changed())
		}
	}
	seen := map[string]int{}
	for i := range more {
		more[i].ID = engine.Identify(more[i].Finding.Finding, more[i].Flow, seen)
	}
	return more
}

// unfit reports whether a capture of either tap is damaged, or not in order of time: its segments may match none of the other's
// because of that.
func (j *joiner) unfit(b *result.Between) (damaged, unordered bool) {
	for _, tap := range b.Taps {
		trace := j.points[tap].Trace
		for _, file := range j.Plan.points[tap].files {
			damaged, unordered = damaged || trace.Damaged(file), unordered || trace.Unordered(file)
		}
	}
	return damaged, unordered
}

// facts are what the detectors of several taps are asked about.
func (j *joiner) facts(row *result.Flow, b *result.Between) *joint.Facts {
	name := func(side reassembly.Side) string { return j.Plan.points[b.Taps[nearOf(b, side)]].Name }
	f := &joint.Facts{Taps: [2]string{name(reassembly.A), name(reassembly.B)}, End: row.End, States: row.State, Limits: row.Limits, Rewritten: b.Rewritten}
	for side := range b.Way {
		w := &b.Way[side]
		f.Way[side] = joint.Way{Sent: w.Sent, Arrived: w.Arrived}
		for i := range w.Lost {
			f.Way[side].Lost = append(f.Way[side].Lost, w.Lost[i].Seg)
		}
		for i := range w.Untranslated {
			f.Way[side].Untranslated = append(f.Way[side].Untranslated, w.Untranslated[i].Seg)
		}
	}
	for i := range b.Injected {
		f.Injected = append(f.Injected, b.Injected[i].Seg)
	}
	f.Opening = b.Opening
	return f
}
