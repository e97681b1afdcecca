package taps

import (
	"fmt"
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
	if len(row.Between) == 0 {
		return
	}
	var lostOnes, others, reached int
	at := &leg{}
	var lostSegs []reassembly.Segment
	for i := range f.Evidence {
		s := &f.Evidence[i].Seg
		x := j.legs[result.FrameOf(s)]
		switch {
		case x == nil || x.left != result.FrameOf(s): // not here, or it came from there
			others++
		case x.fate == lost:
			lostOnes++
			at = x
			lostSegs = append(lostSegs, *s)
		case x.fate == untranslated:
			f.Message += fmt.Sprintf(" %s left %s (frame %d) and reached %s (frame %d) with the addresses that it had: it was not translated.",
				theKind(s), j.Plan.points[x.near].Name, s.Frame, j.Plan.points[x.far].Name, x.reached.Frame)
		case x.fate == arrived:
			reached++
			if at.near == at.far {
				at = x
			}
		}
	}
	var say []string
	side := f.Subject
	if len(f.Roles) > 0 {
		side = f.Roles[0].Side // the sender, the closer, the opener
	}
	if j.swapped(f.Flow.Conn) {
		side = side.Peer()
	}
	total, which, of := lostOf(row, side)
	tap := func(i int) string { return j.Plan.points[i].Name }
	switch {
	case lostOnes > 0 && at.near != at.far:
		near, far := tap(at.near), tap(at.far)
		text := fmt.Sprintf("%s of the segments above left %s and never reached %s", quantity.Thousands(uint64(lostOnes)), near, far)
		if lostOnes == 1 {
			text = fmt.Sprintf("%s left %s (frame %d) and never reached %s", theKind(&lostSegs[0]), near, lostSegs[0].Frame, far)
		} else if same, kind := oneKind(lostSegs); same {
			text = fmt.Sprintf("%s left %s %d times (from frame %d on) and never reached %s", kind, near, timesLost(row, &lostSegs[0]), lostSegs[0].Frame, far)
		}
		if reached == 0 {
			text += ": something between them drops it"
			if same, _ := oneKind(lostSegs); !same {
				text = strings.TrimSuffix(text, "it") + "them"
			}
			f.Fault, f.Path = detectors.FaultPath, [2]string{near, far}
		}
		say = append(say, text+".")
	case of != nil && total > 0:
		near, far := tap(of.Taps[nearOf(of, which)]), tap(of.Taps[1-nearOf(of, which)])
		say = append(say, fmt.Sprintf("%s of %s were lost between %s and %s.", quantity.Count(total, "segment"), row.End[which].String(), near, far))
		if total == 1 {
			say[0] = strings.Replace(say[0], "were", "was", 1)
		}
		if f.Fault == detectors.FaultPath {
			f.Path = [2]string{near, far}
		}
	case reached > 0 && lostOnes == 0 && f.Fault != detectors.FaultHost:
		say = append(say, fmt.Sprintf("The segments above that left %s reached %s: nothing was lost between these two.", tap(at.near), tap(at.far)))
		if reached == 1 && others == 0 {
			say[0] = fmt.Sprintf("It left %s and reached %s: it was not lost between these two.", tap(at.near), tap(at.far))
		}
	}
	if len(say) > 0 {
		f.Message = strings.TrimSpace(f.Message) + " " + strings.Join(say, " ")
	}
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
				more = append(more, joined{Finding: &result.Finding{Finding: d, Flow: at, Revision: 1, Final: true, Path: f.Taps},
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
		more[i].ID = engine.Identify(&more[i].Finding.Finding, more[i].Flow, seen)
	}
	return more
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
